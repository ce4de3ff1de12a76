"""Xception (Chollet, 2016, arXiv:1610.02357), Keras weights."""

from tltf.backbones import _applications

_GROUPS = (
    ("stem", r"block1_"),
    ("low", r"block[2-4]_|(conv2d|batch_normalization)(_[12])?$"),
    ("middle", r"block([5-9]|1[0-2])_"),
    ("high", r"block13_|(conv2d|batch_normalization)_3$"),
    ("top", r"block14_"),
)

VARIANTS = _applications.variants(
    side=299,
    least=71,
    features=2048,
    parameters=20_861_480,
    groups=_GROUPS,
    weights=_applications.weights(
        "xception/xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "b0042744bf5b25fce3cb969f33bebb97",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(spec, "Xception", scale="tf", side=side, weights=weights)
