"""EfficientNet-B6 (Tan and Le, 2019, arXiv:1905.11946), Keras weights."""

from tltf.backbones import _applications, _efficientnet, _groups

VARIANTS = _applications.variants(
    side=528,
    features=2304,
    parameters=40_960_143,
    groups=_groups.EFFICIENTNET,
    weights=_applications.weights(
        "efficientnetb6_notop.h5",
        "9ecce42647a20130c1f39a5d4cb75743",
        url=_efficientnet.URL,
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_efficientnet.build`."""
    return _efficientnet.build(spec, "EfficientNetB6", side=side, weights=weights)
