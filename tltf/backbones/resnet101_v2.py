"""ResNet-101 V2 (He et al., 2016, arXiv:1603.05027), Keras weights."""

from tltf.backbones import _applications, _groups

VARIANTS = _applications.variants(
    side=224,
    features=2048,
    parameters=42_626_560,
    groups=_groups.RESNET,
    weights=_applications.weights(
        "resnet/resnet101v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "c0ed64b8031c3730f411d2eb4eea35b5",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "ResNet101V2", scale="tf", side=side, weights=weights
    )
