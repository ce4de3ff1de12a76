"""VGG-16 (Simonyan and Zisserman, 2014, arXiv:1409.1556), Keras weights."""

from tltf.backbones import _applications, _groups

VARIANTS = _applications.variants(
    side=224,
    features=512,
    parameters=14_714_688,
    groups=_groups.VGG,
    weights=_applications.weights(
        "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "6d6bbae143d832006294945121d1f1fc",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(spec, "VGG16", scale="caffe", side=side, weights=weights)
