"""ResNet-152 V2 (He et al., 2016, arXiv:1603.05027), Keras weights."""

from tltf.backbones import _applications, _groups

VARIANTS = _applications.variants(
    side=224,
    features=2048,
    parameters=58_331_648,
    groups=_groups.RESNET,
    weights=_applications.weights(
        "resnet/resnet152v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "ed17cf2e0169df9d443503ef94b23b33",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "ResNet152V2", scale="tf", side=side, weights=weights
    )
