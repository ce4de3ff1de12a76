"""DenseNet-169 (Huang et al., 2016, arXiv:1608.06993), Keras weights."""

from tltf.backbones import _applications, _groups

VARIANTS = _applications.variants(
    side=224,
    features=1664,
    parameters=12_642_880,
    groups=_groups.DENSENET,
    weights=_applications.weights(
        "densenet/densenet169_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "b8c4d4c20dd625c148057b9ff1c1176b",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "DenseNet169", scale="torch", side=side, weights=weights
    )
