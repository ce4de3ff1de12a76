"""ConvNeXt-Small (Liu et al., 2022, arXiv:2201.03545), Keras weights."""

from tltf.backbones import _applications, _convnext, _groups

VARIANTS = _applications.variants(
    side=224,
    features=768,
    parameters=49_454_688,
    groups=_groups.CONVNEXT,
    weights=_applications.weights(
        "convnext/convnext_small_notop.h5",
        "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_convnext.build`."""
    return _convnext.build(spec, "ConvNeXtSmall", side=side, weights=weights)
