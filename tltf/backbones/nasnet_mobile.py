"""NASNet-A mobile (Zoph et al., 2017, arXiv:1707.07012), Keras weights."""

from tltf.backbones import _applications, _groups

VARIANTS = _applications.variants(
    side=224,
    features=1056,
    parameters=4_269_716,
    groups=_groups.nasnet(4),
    weights=_applications.weights(
        "nasnet/NASNet-mobile-no-top.h5",
        "1ed92395b5b598bdda52abe5c0dbfd63",
        file="nasnet_mobile_no_top.h5",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_applications.build`."""
    return _applications.build(
        spec, "NASNetMobile", scale="tf", side=side, weights=weights
    )
