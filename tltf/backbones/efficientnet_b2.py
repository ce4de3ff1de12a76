"""EfficientNet-B2 (Tan and Le, 2019, arXiv:1905.11946), Keras weights."""

from tltf.backbones import _applications, _efficientnet, _groups

VARIANTS = _applications.variants(
    side=260,
    features=1408,
    parameters=7_768_569,
    groups=_groups.EFFICIENTNET,
    weights=_applications.weights(
        "efficientnetb2_notop.h5",
        "111f8e2ac8aa800a7a99e3239f7bfb39",
        url=_efficientnet.URL,
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_efficientnet.build`."""
    return _efficientnet.build(spec, "EfficientNetB2", side=side, weights=weights)
