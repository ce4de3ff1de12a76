import importlib
import inspect
import os
import pathlib

import applications
import keras
import numpy as np
import pytest

from tltf import models, registry

NAMED = [
    (file, form)
    for file in sorted(applications.CONSTRUCTORS)
    for form, spec in registry.find("backbones", file).VARIANTS.items()
    if spec.weights
]


@pytest.fixture
def given():
    """Folder of real weights."""
    root = os.environ.get("TLTF_SHARED")
    folder = pathlib.Path(root or "", "weights")
    if not root or not folder.is_dir():
        pytest.skip("needs the folder weights/ of TLTF_SHARED")
    return folder


@pytest.mark.parametrize(("file", "form"), NAMED)
def test_checksums_are_those_in_keras(file, form):
    weights = registry.find("backbones", file).VARIANTS[form].weights
    module = applications.CONSTRUCTORS[file][1]
    own = "resnet" if module == "resnet_v2" else module
    source = inspect.getsource(importlib.import_module(f"keras.src.applications.{own}"))
    checksum = weights.md5 or weights.sha256
    if checksum:
        assert checksum in source
    else:
        assert module in ("mobilenet", "mobilenet_v2")  # Keras has none for them


@pytest.mark.slow
@pytest.mark.parametrize(("file", "form"), NAMED)
def test_keras_asks_for_the_same_file(file, form, monkeypatch):
    asked = []

    def get_file(name, origin, *, cache_subdir, file_hash=None):
        asked.extend([name, origin, file_hash])
        raise InterruptedError

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    spec = registry.find("backbones", file).VARIANTS[form]
    constructor = getattr(keras.applications, applications.CONSTRUCTORS[file][0])
    # these choose the file by the side, or warn
    side = spec.side if file.startswith("mobilenet") else spec.least
    with pytest.raises(InterruptedError):
        constructor(include_top=False, input_shape=(side, side, 3), **spec.arguments)
    weights = spec.weights
    assert asked == [weights.file, weights.url, weights.md5 or weights.sha256]


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "file", "alpha"),
    [
        ("mobilenet/full", "mobilenet_1_0_224_tf_no_top.weights.h5", 1.0),
        ("mobilenet/0.25", "mobilenet_2_5_224_tf_no_top.h5", 0.25),
        ("mobilenet_v2/0.35", "mobilenet_v2_0.35_224_no_top.weights.h5", 0.35),
    ],
)
def test_a_file_loads_bit_for_bit_as_keras_loads_it(given, name, file, alpha):
    path = given / file
    encoder = models.create_model(name, weights=str(path), side=64)
    constructor = applications.CONSTRUCTORS[name.split("/")[0]][0]
    bare = getattr(keras.applications, constructor)(
        include_top=False, weights=str(path), alpha=alpha, input_shape=(64, 64, 3)
    )
    ours, theirs = encoder.get_weights(), bare.get_weights()
    assert len(ours) == len(theirs) > 50
    for one, two in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, two)
