"""ConvNeXt-Tiny (Liu et al., 2022, arXiv:2201.03545), Keras weights."""

from tltf.backbones import _applications, _convnext, _groups

VARIANTS = _applications.variants(
    side=224,
    features=768,
    parameters=27_820_128,
    groups=_groups.CONVNEXT,
    weights=_applications.weights(
        "convnext/convnext_tiny_notop.h5",
        "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_convnext.build`."""
    return _convnext.build(spec, "ConvNeXtTiny", side=side, weights=weights)
