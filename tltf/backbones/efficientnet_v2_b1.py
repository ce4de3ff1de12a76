"""EfficientNetV2-B1 (Tan and Le, 2021, arXiv:2104.00298), Keras weights."""

from tltf.backbones import _applications, _groups

VARIANTS = _applications.variants(
    side=240,
    features=1280,
    parameters=6_931_124,
    groups=_groups.EFFICIENTNET,
    weights=_applications.weights(
        "efficientnet_v2/efficientnetv2-b1_notop.h5",
        "0e80663031ca32d657f9caa404b6ec37",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "EfficientNetV2B1", scale=None, side=side, weights=weights
    )
