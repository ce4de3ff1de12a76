"""DenseNet-121 (Huang et al., 2016, arXiv:1608.06993), Keras weights."""

from tltf.backbones import _applications, _groups

VARIANTS = _applications.variants(
    side=224,
    features=1024,
    parameters=7_037_504,
    groups=_groups.DENSENET,
    weights=_applications.weights(
        "densenet/densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "30ee3e1110167f948a6b9946edeeb738",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "DenseNet121", scale="torch", side=side, weights=weights
    )
