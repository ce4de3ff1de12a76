"""NASNet-A large (Zoph et al., 2017, arXiv:1707.07012), Keras weights."""

from tltf.backbones import _applications, _groups

VARIANTS = _applications.variants(
    side=331,
    features=4032,
    parameters=84_916_818,
    groups=_groups.nasnet(6),
    weights=_applications.weights(
        "nasnet/NASNet-large-no-top.h5",
        "d81d89dc07e6e56530c4e77faddd61b5",
        file="nasnet_large_no_top.h5",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "NASNetLarge", scale="tf", side=side, weights=weights
    )
