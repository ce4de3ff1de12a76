"""EfficientNet-B1 (Tan and Le, 2019, arXiv:1905.11946), Keras weights."""

from tltf.backbones import _applications, _efficientnet, _groups

VARIANTS = _applications.variants(
    side=240,
    features=1280,
    parameters=6_575_239,
    groups=_groups.EFFICIENTNET,
    weights=_applications.weights(
        "efficientnetb1_notop.h5",
        "74c4e6b3e1f6a1eea24c589628592432",
        url=_efficientnet.URL,
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_efficientnet.build`."""
    return _efficientnet.build(spec, "EfficientNetB1", side=side, weights=weights)
