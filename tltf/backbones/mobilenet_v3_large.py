"""MobileNetV3 large (Howard et al., 2019, arXiv:1905.02244), Keras weights."""

from tltf.backbones import _applications
from tltf.backbones._base import Backbone

_GROUPS = (
    ("stem", r"conv(_bn)?$|expanded_conv_(depthwise|squeeze|project)"),
    ("low", r"expanded_conv_[1-5]_"),
    ("middle", r"expanded_conv_([6-9]|1[01])_"),
    ("high", r"expanded_conv_1[2-4]_"),
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
        960, 2_996_352, _file("large_224_1.0", "07fb09a5933dd0c8eaafa16978110389")
    ),
    "0.75": _variant(
        720,
        1_808_736,
        _file("large_224_0.75", "40af19a13ebea4e2ee0c676887f69a2e"),
        alpha=0.75,
    ),
    "minimalistic": _variant(
        960,
        1_437_608,
        _file("large_minimalistic_224_1.0", "ec5221f64a2f6d1ef965a614bdae7973"),
        minimalistic=True,
    ),
    "tiny": _variant(960, 1_437_608, minimalistic=True),
}


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "MobileNetV3Large", scale=None, side=side, weights=weights
    )
