"""EfficientNet-Lite: EfficientNet without squeeze-excite and with relu6."""

import math
import pathlib
import typing
from collections.abc import Iterator

from tltf import errors
from tltf.backbones import _base, _encoder
from tltf.fetch import torch_pickle

if typing.TYPE_CHECKING:
    import keras
    import numpy as np

GROUPS = (
    ("stem", r"stem_|stage1"),
    ("low", r"stage[23]"),
    ("middle", r"stage[45]"),
    ("high", r"stage[67]"),
    ("top", r"top_"),
)

# of EfficientNet-B0 (Tan and Le 2019, arXiv:1905.11946, table 1):
# kernel, stride, expansion, filters, repeats
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)


class _Block(typing.NamedTuple):
    name: str
    kernel: int
    stride: int
    expansion: int
    filters: int


def variants(
    *, side: int, width: float, depth: float, weights: _base.Weights, parameters: int
) -> dict[str, _base.Backbone]:
    """Returns the variants of one size of the family."""
    full = _base.Backbone(
        side=side,
        least=32,
        features=1280,
        groups=GROUPS,
        weights=weights,
        arguments={"width": width, "depth": depth},
        parameters=parameters,
    )
    tiny = _base.Backbone(
        side=32,
        least=32,
        features=1280,
        groups=GROUPS,
        arguments=full.arguments,
        parameters=parameters,
    )
    return {"full": full, "tiny": tiny}


def build(
    spec: _base.Backbone, *, side: int | None, weights: pathlib.Path | None
) -> "keras.Model":
    """Returns the encoder.

    Stem and head keep their width, first and last stage their depth at every
    size; `same` padding is TensorFlow's. There is no drop-connect.

    Args:
      spec: The variant; `arguments` are the factors of width and depth.
      side: Pixels, or None for the default.
      weights: A `.pth` with the names of the PyTorch port or a Keras weights
        file; None for a random start.

    Raises:
      UserError: The side is too small or the weights do not fit.

    Source:
      tensorflow/tpu, models/official/efficientnet/lite.
    """
    import keras

    image = _encoder.image(spec, side)
    x = keras.layers.Rescaling(
        1 / 128, offset=-127 / 128, dtype="float32", name="scale"
    )(image)
    x = _step(x, keras.layers.Conv2D, "stem", filters=32, kernel_size=3, strides=2)
    for block in _blocks(**spec.arguments):
        x = _inverted(x, block)
    x = _step(x, keras.layers.Conv2D, "top", filters=1280, kernel_size=1)
    model = _encoder.encoder(image, x)
    if weights and weights.suffix == ".pth":
        _load(model, spec, weights)
    elif weights:
        _encoder.load(model, weights)
    return model


def classifier(encoder: "keras.Model", path: pathlib.Path) -> "keras.Model":
    """Returns the ImageNet classifier, `[batch, 1000]` probabilities.

    Args:
      encoder: A model of `build` with the weights of `path`.
      path: The `.pth` that has the last layer too.
    """
    import keras

    tensors = torch_pickle.read(path)
    dense = keras.layers.Dense(1000, activation="softmax", dtype="float32")
    answers = dense(encoder.output["vector"])
    dense.set_weights([tensors["_fc.weight"].T, tensors["_fc.bias"]])
    return keras.Model(encoder.input, answers)


def _blocks(width: float, depth: float) -> Iterator[_Block]:
    for stage, (kernel, stride, expansion, filters, repeats) in enumerate(_STAGES, 1):
        inner = stage not in (1, len(_STAGES))
        for place in range(math.ceil(depth * repeats) if inner else repeats):
            yield _Block(
                name=f"stage{stage}{'abcdefgh'[place]}",
                kernel=kernel,
                stride=1 if place else stride,
                expansion=expansion,
                filters=_eighths(filters * width),
            )


def _eighths(filters: float) -> int:
    """Rounds to a multiple of 8, never down by more than a tenth."""
    near = max(8, int(filters + 4) // 8 * 8)
    return near + 8 if near < 0.9 * filters else near


def _inverted(x, block: _Block):
    import keras

    before, conv = x, keras.layers.Conv2D
    depthwise = keras.layers.DepthwiseConv2D
    if block.expansion > 1:
        wide = x.shape[-1] * block.expansion
        x = _step(x, conv, f"{block.name}_expand", filters=wide, kernel_size=1)
    x = _step(
        x,
        depthwise,
        f"{block.name}_depthwise",
        kernel_size=block.kernel,
        strides=block.stride,
    )
    x = _step(
        x,
        conv,
        f"{block.name}_project",
        relu=False,
        filters=block.filters,
        kernel_size=1,
    )
    if block.stride == 1 and before.shape[-1] == block.filters:
        x = keras.layers.Add(name=f"{block.name}_add")([before, x])
    return x


def _step(x, convolution, name: str, *, relu: bool = True, **arguments):
    """Convolution, normalization and, unless told otherwise, relu6."""
    import keras

    x = convolution(padding="same", use_bias=False, name=f"{name}_conv", **arguments)(x)
    x = keras.layers.BatchNormalization(epsilon=1e-3, name=f"{name}_norm")(x)
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x) if relu else x


def _load(model: "keras.Model", spec: _base.Backbone, path: pathlib.Path) -> None:
    tensors = torch_pickle.read(path)
    for convolution, norm, name in _places(spec):
        source = f"{convolution}.weight"
        order = (2, 3, 0, 1) if "depthwise" in name else (2, 3, 1, 0)
        kernel = _tensor(tensors, source, path)
        _set(model, f"{name}_conv", [kernel.transpose(order)], path)
        parts = ("weight", "bias", "running_mean", "running_var")
        numbers = [_tensor(tensors, f"{norm}.{part}", path) for part in parts]
        _set(model, f"{name}_norm", numbers, path)


def _places(spec: _base.Backbone) -> Iterator[tuple[str, str, str]]:
    """Yields the port's names of convolution and norm, and our name."""
    yield "_conv_stem", "_bn0", "stem"
    for number, block in enumerate(_blocks(**spec.arguments)):
        at = f"_blocks.{number}."
        if block.expansion > 1:
            yield at + "_expand_conv", at + "_bn0", f"{block.name}_expand"
        yield at + "_depthwise_conv", at + "_bn1", f"{block.name}_depthwise"
        yield at + "_project_conv", at + "_bn2", f"{block.name}_project"
    yield "_conv_head", "_bn1", "top"


def _tensor(tensors: dict[str, "np.ndarray"], name: str, path: pathlib.Path):
    if name not in tensors:
        raise errors.UserError(
            f"weights: {path} does not fit this backbone: it has no {name!r}"
        )
    return tensors[name]


def _set(model: "keras.Model", name: str, numbers: list, path: pathlib.Path) -> None:
    layer = model.get_layer(name)
    wanted = [tuple(weight.shape) for weight in layer.weights]
    got = [number.shape for number in numbers]
    if wanted != got:
        raise errors.UserError(
            f"weights: {path} does not fit this backbone: layer {name} needs shapes "
            f"{wanted}, the file has {got}"
        )
    layer.set_weights(numbers)
