"""EfficientNet-B7 (Tan and Le, 2019, arXiv:1905.11946), Keras weights."""

from tltf.backbones import _applications, _efficientnet, _groups

VARIANTS = _applications.variants(
    side=600,
    features=2560,
    parameters=64_097_687,
    groups=_groups.EFFICIENTNET,
    weights=_applications.weights(
        "efficientnetb7_notop.h5",
        "cbcfe4450ddf6f3ad90b1b398090fe4a",
        url=_efficientnet.URL,
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_efficientnet.build`."""
    return _efficientnet.build(spec, "EfficientNetB7", side=side, weights=weights)
