"""ResNet-50 (He et al., 2015, arXiv:1512.03385), Keras weights."""

from tltf.backbones import _applications, _groups

VARIANTS = _applications.variants(
    side=224,
    features=2048,
    parameters=23_587_712,
    groups=_groups.RESNET,
    weights=_applications.weights(
        "resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "4d473c1dd8becc155b73f8504c6f6626",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "ResNet50", scale="caffe", side=side, weights=weights
    )
