"""Inception v3 (Szegedy et al., 2015, arXiv:1512.00567), Keras weights."""

from tltf.backbones import _applications

# by number of convolution: before mixed0, mixed3, mixed8, and the rest
_GROUPS = (
    ("stem", r"(conv2d|batch_normalization)(_[1-4])?$"),
    ("low", r"(conv2d|batch_normalization)_([5-9]|1\d|2[0-5])$"),
    ("middle", r"(conv2d|batch_normalization)_(2[6-9]|[3-6]\d)$"),
    ("high", r"(conv2d|batch_normalization)_[7-9]\d$"),
)

VARIANTS = _applications.variants(
    side=299,
    least=75,
    features=2048,
    parameters=21_802_784,
    groups=_GROUPS,
    weights=_applications.weights(
        "inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "bcbd6486424b2319ff4ef7d526e38f63",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "InceptionV3", scale="tf", side=side, weights=weights
    )
