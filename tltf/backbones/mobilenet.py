"""MobileNet (Howard et al., 2017, arXiv:1704.04861), Keras weights."""

from tltf.backbones import _applications
from tltf.backbones._base import Backbone, Weights

_GROUPS = (
    ("stem", r"conv1"),
    ("low", r"conv_\w+_[1-3](_|$)"),
    ("middle", r"conv_\w+_[45](_|$)"),
    ("high", r"conv_\w+_([6-9]|1[01])(_|$)"),
    ("top", r"conv_\w+_1[23](_|$)"),
)


def _variant(alpha, features, parameters):
    text = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}[alpha]
    file = f"mobilenet_{text}_224_tf_no_top.h5"
    url = f"{_applications.URL}mobilenet/{file}"
    return Backbone(
        side=224,
        least=32,
        features=features,
        groups=_GROUPS,
        weights=Weights(file=file, url=url),
        arguments={"alpha": alpha},
        parameters=parameters,
    )


VARIANTS = {
    "full": _variant(1.0, 1024, 3_228_864),
    "0.75": _variant(0.75, 768, 1_832_976),
    "0.5": _variant(0.5, 512, 829_536),
    "0.25": _variant(0.25, 256, 218_544),
    "tiny": Backbone(
        side=32,
        least=32,
        features=256,
        groups=_GROUPS,
        arguments={"alpha": 0.25},
        parameters=218_544,
    ),
}


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "MobileNet", scale="tf", side=side, weights=weights
    )
