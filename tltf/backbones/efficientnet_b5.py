"""EfficientNet-B5 (Tan and Le, 2019, arXiv:1905.11946), Keras weights."""

from tltf.backbones import _applications, _efficientnet, _groups

VARIANTS = _applications.variants(
    side=456,
    features=2048,
    parameters=28_513_527,
    groups=_groups.EFFICIENTNET,
    weights=_applications.weights(
        "efficientnetb5_notop.h5",
        "38879255a25d3c92d5e44e04ae6cec6f",
        url=_efficientnet.URL,
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_efficientnet.build`."""
    return _efficientnet.build(spec, "EfficientNetB5", side=side, weights=weights)
