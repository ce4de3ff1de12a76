"""EfficientNetV2-B3 (Tan and Le, 2021, arXiv:2104.00298), Keras weights."""

from tltf.backbones import _applications, _groups

VARIANTS = _applications.variants(
    side=300,
    features=1536,
    parameters=12_930_622,
    groups=_groups.EFFICIENTNET,
    weights=_applications.weights(
        "efficientnet_v2/efficientnetv2-b3_notop.h5",
        "f6abf7b5849ac99a89b50dd3fd532856",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "EfficientNetV2B3", scale=None, side=side, weights=weights
    )
