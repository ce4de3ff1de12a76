"""EfficientNetV2-B0 (Tan and Le, 2021, arXiv:2104.00298), Keras weights."""

from tltf.backbones import _applications, _groups

VARIANTS = _applications.variants(
    side=224,
    features=1280,
    parameters=5_919_312,
    groups=_groups.EFFICIENTNET,
    weights=_applications.weights(
        "efficientnet_v2/efficientnetv2-b0_notop.h5",
        "893217f2bb855e2983157299931e43ff",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "EfficientNetV2B0", scale=None, side=side, weights=weights
    )
