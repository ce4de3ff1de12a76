"""ResNet-50 V2 (He et al., 2016, arXiv:1603.05027), Keras weights."""

from tltf.backbones import _applications, _groups

VARIANTS = _applications.variants(
    side=224,
    features=2048,
    parameters=23_564_800,
    groups=_groups.RESNET,
    weights=_applications.weights(
        "resnet/resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "fac2f116257151a9d068a22e544a4917",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "ResNet50V2", scale="tf", side=side, weights=weights
    )
