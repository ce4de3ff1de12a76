"""ConvNeXt-XLarge (Liu et al., 2022, arXiv:2201.03545), Keras weights."""

from tltf.backbones import _applications, _convnext, _groups

VARIANTS = _applications.variants(
    side=224,
    features=2048,
    parameters=348_147_968,
    groups=_groups.CONVNEXT,
    weights=_applications.weights(
        "convnext/convnext_xlarge_notop.h5",
        "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_convnext.build`."""
    return _convnext.build(spec, "ConvNeXtXLarge", side=side, weights=weights)
