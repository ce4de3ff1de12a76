"""ResNet-152 (He et al., 2015, arXiv:1512.03385), Keras weights."""

from tltf.backbones import _applications, _groups

VARIANTS = _applications.variants(
    side=224,
    features=2048,
    parameters=58_370_944,
    groups=_groups.RESNET,
    weights=_applications.weights(
        "resnet/resnet152_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "ee4c566cf9a93f14d82f913c2dc6dd0c",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "ResNet152", scale="caffe", side=side, weights=weights
    )
