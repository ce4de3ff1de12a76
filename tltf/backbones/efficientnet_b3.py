"""EfficientNet-B3 (Tan and Le, 2019, arXiv:1905.11946), Keras weights."""

from tltf.backbones import _applications, _efficientnet, _groups

VARIANTS = _applications.variants(
    side=300,
    features=1536,
    parameters=10_783_535,
    groups=_groups.EFFICIENTNET,
    weights=_applications.weights(
        "efficientnetb3_notop.h5",
        "af6d107764bb5b1abb91932881670226",
        url=_efficientnet.URL,
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_efficientnet.build`."""
    return _efficientnet.build(spec, "EfficientNetB3", side=side, weights=weights)
