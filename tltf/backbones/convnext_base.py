"""ConvNeXt-Base (Liu et al., 2022, arXiv:2201.03545), Keras weights."""

from tltf.backbones import _applications, _convnext, _groups

VARIANTS = _applications.variants(
    side=224,
    features=1024,
    parameters=87_566_464,
    groups=_groups.CONVNEXT,
    weights=_applications.weights(
        "convnext/convnext_base_notop.h5",
        "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_convnext.build`."""
    return _convnext.build(spec, "ConvNeXtBase", side=side, weights=weights)
