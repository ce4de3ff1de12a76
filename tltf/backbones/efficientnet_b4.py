"""EfficientNet-B4 (Tan and Le, 2019, arXiv:1905.11946), Keras weights."""

from tltf.backbones import _applications, _efficientnet, _groups

VARIANTS = _applications.variants(
    side=380,
    features=1792,
    parameters=17_673_823,
    groups=_groups.EFFICIENTNET,
    weights=_applications.weights(
        "efficientnetb4_notop.h5",
        "ebc24e6d6c33eaebbd558eafbeedf1ba",
        url=_efficientnet.URL,
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_efficientnet.build`."""
    return _efficientnet.build(spec, "EfficientNetB4", side=side, weights=weights)
