"""DenseNet-201 (Huang et al., 2016, arXiv:1608.06993), Keras weights."""

from tltf.backbones import _applications, _groups

VARIANTS = _applications.variants(
    side=224,
    features=1920,
    parameters=18_321_984,
    groups=_groups.DENSENET,
    weights=_applications.weights(
        "densenet/densenet201_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "c13680b51ded0fb44dff2d8f86ac8bb1",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "DenseNet201", scale="torch", side=side, weights=weights
    )
