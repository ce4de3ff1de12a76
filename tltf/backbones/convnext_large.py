"""ConvNeXt-Large (Liu et al., 2022, arXiv:2201.03545), Keras weights."""

from tltf.backbones import _applications, _convnext, _groups

VARIANTS = _applications.variants(
    side=224,
    features=1536,
    parameters=196_230_336,
    groups=_groups.CONVNEXT,
    weights=_applications.weights(
        "convnext/convnext_large_notop.h5",
        "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_convnext.build`."""
    return _convnext.build(spec, "ConvNeXtLarge", side=side, weights=weights)
