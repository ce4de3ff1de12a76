"""ResNet-101 (He et al., 2015, arXiv:1512.03385), Keras weights."""

from tltf.backbones import _applications, _groups

VARIANTS = _applications.variants(
    side=224,
    features=2048,
    parameters=42_658_176,
    groups=_groups.RESNET,
    weights=_applications.weights(
        "resnet/resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "88cf7a10940856eca736dc7b7e228a21",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "ResNet101", scale="caffe", side=side, weights=weights
    )
