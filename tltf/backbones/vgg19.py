"""VGG-19 (Simonyan and Zisserman, 2014, arXiv:1409.1556), Keras weights."""

from tltf.backbones import _applications, _groups

VARIANTS = _applications.variants(
    side=224,
    features=512,
    parameters=20_024_384,
    groups=_groups.VGG,
    weights=_applications.weights(
        "vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "253f8cb515780f3b799900260a226db6",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(spec, "VGG19", scale="caffe", side=side, weights=weights)
