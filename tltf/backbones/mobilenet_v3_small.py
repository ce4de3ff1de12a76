"""MobileNetV3 small (Howard et al., 2019, arXiv:1905.02244), Keras weights."""

from tltf.backbones import _applications
from tltf.backbones._base import Backbone

_GROUPS = (
    ("stem", r"conv(_bn)?$|expanded_conv_(depthwise|squeeze|project)"),
    ("low", r"expanded_conv_[12]_"),
    ("middle", r"expanded_conv_[3-7]_"),
    ("high", r"expanded_conv_([89]|10)_"),
    ("top", r"conv_1"),
)


def _variant(features, parameters, weights=None, **arguments):
    return Backbone(
        side=224 if weights else 32,
        least=32,
        features=features,
        groups=_GROUPS,
        weights=weights,
        arguments=arguments,
        parameters=parameters,
    )


def _file(name, md5):
    return _applications.weights(
        f"mobilenet_v3/weights_mobilenet_v3_{name}_float_no_top_v2.h5", md5
    )


VARIANTS = {
    "full": _variant(
        576, 939_120, _file("small_224_1.0", "d3e8ec802a04aa4fc771ee12a9a9b836")
    ),
    "0.75": _variant(
        432,
        583_160,
        _file("small_224_0.75", "ebdb5cc8e0b497cd13a7c275d475c819"),
        alpha=0.75,
    ),
    "minimalistic": _variant(
        576,
        441_000,
        _file("small_minimalistic_224_1.0", "cde8136e733e811080d9fcd8a252f7e4"),
        minimalistic=True,
    ),
    "tiny": _variant(576, 441_000, minimalistic=True),
}


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "MobileNetV3Small", scale=None, side=side, weights=weights
    )
