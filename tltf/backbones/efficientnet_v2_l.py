"""EfficientNetV2-L (Tan and Le, 2021, arXiv:2104.00298), Keras weights."""

from tltf.backbones import _applications, _groups

VARIANTS = _applications.variants(
    side=480,
    features=1280,
    parameters=117_746_848,
    groups=_groups.EFFICIENTNET,
    weights=_applications.weights(
        "efficientnet_v2/efficientnetv2-l_notop.h5",
        "b0b66b5c863aef5b46e8608fe1711615",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "EfficientNetV2L", scale=None, side=side, weights=weights
    )
