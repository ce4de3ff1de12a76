"""Inception-ResNet v2 (Szegedy et al., 2016, arXiv:1602.07261), Keras weights."""

from tltf.backbones import _applications

# by number of convolution: before mixed_5b, mixed_6a, mixed_7a, and the rest
_GROUPS = (
    ("stem", r"(conv2d|batch_normalization)(_[1-4])?$"),
    ("low", r"block35_|(conv2d|batch_normalization)_([5-9]|[1-6]\d|7[01])$"),
    (
        "middle",
        r"block17_|(conv2d|batch_normalization)_(7[2-9]|[89]\d|1[0-4]\d|15[0-5])$",
    ),
    ("high", r"block8_|(conv2d|batch_normalization)_(15[6-9]|1[6-9]\d|20\d)$"),
    ("top", r"conv_7b"),
)

VARIANTS = _applications.variants(
    side=299,
    least=75,
    features=1536,
    parameters=54_336_736,
    groups=_GROUPS,
    weights=_applications.weights(
        "inception_resnet_v2/inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "d19885ff4a710c122648d3b5c3b684e4",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "InceptionResNetV2", scale="tf", side=side, weights=weights
    )
