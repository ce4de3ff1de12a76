"""EfficientNetV2-S (Tan and Le, 2021, arXiv:2104.00298), Keras weights."""

from tltf.backbones import _applications, _groups

VARIANTS = _applications.variants(
    side=384,
    features=1280,
    parameters=20_331_360,
    groups=_groups.EFFICIENTNET,
    weights=_applications.weights(
        "efficientnet_v2/efficientnetv2-s_notop.h5",
        "af0682fb74e8c54910f2d4393339c070",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "EfficientNetV2S", scale=None, side=side, weights=weights
    )
