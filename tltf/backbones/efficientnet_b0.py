"""EfficientNet-B0 (Tan and Le, 2019, arXiv:1905.11946), Keras weights."""

from tltf.backbones import _applications, _efficientnet, _groups

VARIANTS = _applications.variants(
    side=224,
    features=1280,
    parameters=4_049_571,
    groups=_groups.EFFICIENTNET,
    weights=_applications.weights(
        "efficientnetb0_notop.h5",
        "50bc09e76180e00e4465e1a485ddc09d",
        url=_efficientnet.URL,
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_efficientnet.build`."""
    return _efficientnet.build(spec, "EfficientNetB0", side=side, weights=weights)
