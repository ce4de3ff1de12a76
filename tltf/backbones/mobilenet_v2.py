"""MobileNetV2 (Sandler et al., 2018, arXiv:1801.04381), Keras weights."""

from tltf.backbones import _applications
from tltf.backbones._base import Backbone, Weights

_GROUPS = (
    ("stem", r"Conv1|bn_Conv1|expanded_conv"),
    ("low", r"block_[1-5]_"),
    ("middle", r"block_([6-9]|1[0-2])_"),
    ("high", r"block_1[3-6]_"),
    ("top", r"Conv_1"),
)


def _variant(alpha, features, parameters):
    file = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{alpha}_224_no_top.h5"
    return Backbone(
        side=224,
        least=32,
        features=features,
        groups=_GROUPS,
        weights=Weights(file=file, url=f"{_applications.URL}mobilenet_v2/{file}"),
        arguments={"alpha": alpha},
        parameters=parameters,
    )


VARIANTS = {
    "full": _variant(1.0, 1280, 2_257_984),
    "0.35": _variant(0.35, 1280, 410_208),
    "0.5": _variant(0.5, 1280, 706_224),
    "0.75": _variant(0.75, 1280, 1_382_064),
    "1.3": _variant(1.3, 1664, 3_766_048),
    "1.4": _variant(1.4, 1792, 4_363_712),
    "tiny": Backbone(
        side=32,
        least=32,
        features=1280,
        groups=_GROUPS,
        arguments={"alpha": 0.35},
        parameters=410_208,
    ),
}


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "MobileNetV2", scale="tf", side=side, weights=weights
    )
