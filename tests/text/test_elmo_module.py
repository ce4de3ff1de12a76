"""ELMo exported: both signatures, elsewhere, trainable as it was."""

import json
import subprocess
import sys
import textwrap

import elmo_reference as reference
import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import tltf.layers
import tltf.text
from tltf import errors
from tltf.fetch import hub
from tltf.ops import characters
from tltf.text import elmo, elmo_module, elmo_options

TEXTS = ["the cat is on the mat", "dogs  don't", ""]
TOKENS = [["the", "cat", "is", "on", "the", "mat"], ["dogs", "don't"], []]
PADDED = {
    "tokens": [row + [""] * (6 - len(row)) for row in TOKENS],
    "sequence_len": [6, 2, 0],
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("elmo")
    options = elmo_options.Options(dim=6, projection=4, embedding=3, filters=((2, 5),))
    fields = elmo_options.as_json(options)
    (folder / "options.json").write_text(json.dumps(fields))
    with h5py.File(folder / "weights.hdf5", "w") as file:
        for key, value in reference.random_arrays(fields).items():
            file[key] = value
    model = tltf.text.load_elmo(
        folder / "options.json", folder / "weights.hdf5", trainable="mix"
    )
    return model, elmo_module.export(model, folder / "module")


@pytest.fixture(scope="module")
def module(exported):
    return hub.library().load(str(exported[1]))


def expected(model):
    return model({"chars": characters.batch(TOKENS)})


def test_both_signatures_give_what_the_model_gives(exported, module):
    model, _ = exported
    by_text = module.signatures["default"](text=tf.constant(TEXTS))
    lengths = tf.constant(PADDED["sequence_len"])
    by_token = module.signatures["tokens"](
        tokens=tf.constant(PADDED["tokens"]), sequence_len=lengths
    )
    wanted = expected(model)
    assert set(wanted) == {
        *("word_emb", "lstm_outputs1", "lstm_outputs2", "elmo", "default")
    }
    for name, value in wanted.items():
        np.testing.assert_allclose(by_text[name], value, atol=1e-6)
        np.testing.assert_allclose(by_token[name], value, atol=1e-6)


def test_padding_does_not_count_and_tokens_behind_the_length_do_not(exported, module):
    model, _ = exported
    noise = [[token or "noise" for token in row] for row in PADDED["tokens"]]
    given = module.signatures["tokens"](
        tokens=tf.constant(noise), sequence_len=tf.constant([6, 2, 0])
    )
    np.testing.assert_allclose(given["default"], expected(model)["default"], atol=1e-6)


def test_the_hub_layer_reads_it_and_trains_the_four_scalars(exported):
    model, folder = exported
    layer = tltf.layers.HubLayer(
        str(folder), signature="tokens", output_key="default", trainable=True
    )
    np.testing.assert_allclose(layer(PADDED), expected(model)["default"], atol=1e-6)
    assert sum(int(np.prod(v.shape)) for v in layer.trainable_weights) == 4
    before = [keras.ops.convert_to_numpy(v).copy() for v in layer.weights]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(PADDED) ** 2)
    slots = [v.value for v in layer.trainable_weights]
    for slot, slope in zip(slots, tape.gradient(loss, slots), strict=True):
        assert np.any(slope)
        slot.assign_sub(0.1 * slope)
    moved = [
        not np.array_equal(old, keras.ops.convert_to_numpy(new))
        for old, new in zip(before, layer.weights, strict=True)
    ]
    assert sum(moved) == 2  # the scalars of the mix, and its scale


def test_tensorflow_alone_reads_it(exported, tmp_path):
    model, folder = exported
    script = textwrap.dedent(
        """
        import sys
        sys.modules["tltf"] = sys.modules["keras"] = None
        import numpy as np, tensorflow as tf
        module = tf.saved_model.load(sys.argv[1])
        found = module.signatures["default"](text=tf.constant(sys.argv[3:]))
        np.save(sys.argv[2], found["default"].numpy())
        """
    )
    out = tmp_path / "default.npy"
    command = [sys.executable, "-c", script, str(folder), str(out), *TEXTS]
    subprocess.run(command, check=True, capture_output=True)
    np.testing.assert_allclose(np.load(out), expected(model)["default"], atol=1e-6)


def test_a_folder_that_is_there_is_left_alone(exported):
    model, folder = exported
    with pytest.raises(errors.UserError, match="module is there already"):
        elmo_module.export(model, folder)
    assert not [p for p in folder.parent.iterdir() if p.name.startswith(".")]


def test_a_stateful_model_goes_on_after_export(tmp_path):
    options = elmo_options.Options(dim=5, projection=3, layers=1, filters=((1, 4),))
    keras.utils.set_random_seed(0)
    model = elmo.load_elmo(options, None, stateful=True)
    module = tf.saved_model.load(str(elmo_module.export(model, tmp_path / "module")))
    read = module.signatures["default"]
    text = tf.constant(["a few words"])
    first, second = (read(text=text)["elmo"].numpy() for _ in range(2))
    assert np.abs(first - second).max() > 1e-3
    chars = {"chars": characters.batch([["a", "few", "words"]])}
    np.testing.assert_allclose(first, model(chars)["elmo"], atol=1e-6)
    np.testing.assert_allclose(second, model(chars)["elmo"], atol=1e-6)
