"""ELMo against published activations, and a plain reference of every variant."""

import copy
import json
import pathlib

import elmo_reference as reference
import h5py
import keras
import numpy as np
import pytest

import tltf.text
from tltf import errors
from tltf.ops import characters
from tltf.text import elmo, elmo_options, elmo_weights

BASE = {
    "lstm": {
        "dim": 7,
        "projection_dim": 4,
        "n_layers": 2,
        "cell_clip": 0.5,
        "proj_clip": 0.4,
        "use_skip_connections": True,
    },
    "char_cnn": {
        "activation": "relu",
        "embedding": {"dim": 3},
        "filters": [[1, 2], [3, 4], [7, 5]],
        "n_highway": 2,
        "n_characters": 262,
        "max_characters_per_token": 50,
    },
}
VARIANTS = {
    "base": {},
    "no highway": {"char_cnn.n_highway": 0},
    "no highway key": {"char_cnn.n_highway": "absent"},
    "no projection of states": {"lstm.dim": 4},
    "no projection of tokens": {"lstm.projection_dim": 11, "lstm.dim": 12},
    "no projection": {"lstm.projection_dim": 11, "lstm.dim": 11},
    "no clips": {"lstm.cell_clip": None, "lstm.proj_clip": None},
    "zero clips": {"lstm.cell_clip": 0, "lstm.proj_clip": 0},
    "clip of cells alone": {"lstm.proj_clip": None},
    "tanh": {"char_cnn.activation": "tanh"},
    "three layers": {"lstm.n_layers": 3},
    "one layer": {"lstm.n_layers": 1},
    "no skip": {"lstm.use_skip_connections": False},
    "state wider than cells": {"lstm.projection_dim": 9},
}
SENTENCES = [
    ["The", "cat", "sat", "on", "the", "mat", "."],
    ["naïve", "", "x" * 70, "the"],
    [],
    ["</S>", "y" * 44, "z" * 47],
]


def variant(changes):
    options = copy.deepcopy(BASE)
    for path, value in changes.items():
        part, key = path.split(".")
        if value == "absent":
            del options[part][key]
        else:
            options[part][key] = value
    return options


def files(folder, options, seed=0):
    arrays = reference.random_arrays(options, seed)
    (folder / "options.json").write_text(json.dumps(options))
    with h5py.File(folder / "weights.hdf5", "w") as file:
        for key, value in arrays.items():
            file[key] = value
    return arrays, folder / "options.json", folder / "weights.hdf5"


def expected(options, arrays, sentences):
    """Returns the five outputs of each sentence."""
    found = []
    for sentence in sentences:
        layers = reference.activations(options, arrays, characters.ids(sentence))
        layers = [layer[1:-1] for layer in layers]
        mixed = np.mean(layers, 0)
        one = {f"lstm_outputs{k}": a for k, a in enumerate(layers) if k}
        width = options["lstm"]["projection_dim"]
        default = mixed.mean(0) if len(sentence) else np.zeros(2 * width)
        found.append(
            one | {"word_emb": layers[0][:, :width], "elmo": mixed, "default": default}
        )
    return found


def compare(given, wanted, tolerance=2e-6):
    for row, outputs in enumerate(wanted):
        assert given.keys() == outputs.keys()
        for name, value in outputs.items():
            got = np.asarray(given[name][row])
            np.testing.assert_allclose(
                got[: len(value)], value, atol=tolerance, err_msg=name
            )
            assert not got[len(value) :].any(), f"{name}: padding is not zero"


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_equals_the_reference_on_a_ragged_batch(name, tmp_path):
    options = variant(VARIANTS[name])
    arrays, *paths = files(tmp_path, options)
    model = tltf.text.load_elmo(*paths)
    given = model({"chars": characters.batch(SENTENCES)})
    compare(given, expected(options, arrays, SENTENCES))


def test_a_projection_that_keeps_the_size_is_used_where_the_file_has_it(tmp_path):
    options = variant({"lstm.dim": 4})
    arrays, *paths = files(tmp_path, options)
    random = np.random.default_rng(1)
    with h5py.File(paths[1], "a") as file:
        for cell in [key for key in arrays if key.endswith("LSTMCell/B")]:
            key = cell[:-1] + "W_P_0"
            arrays[key] = random.normal(0, 1, (4, 4)).astype(np.float32)
            file[key] = arrays[key]
    given = tltf.text.load_elmo(*paths)({"chars": characters.batch(SENTENCES)})
    compare(given, expected(options, arrays, SENTENCES))


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("allennlp", "sentences.json"),
        ("bilm-tf", "lm_embeddings_sentences.json"),
    ],
)
def test_published_activations_are_reproduced(shared, name, texts):
    folder = pathlib.Path(shared, "elmo", "fixtures", name)
    paths = folder / "options.json", folder / "lm_weights.hdf5"
    model = tltf.text.load_elmo(*paths, stateful=True)
    streams = json.loads((folder / texts).read_text())
    stored = [h5py.File(folder / f"lm_embeddings_{row}.hdf5") for row in range(3)]
    for number, sentences in enumerate(zip(*streams, strict=True)):
        tokens = [sentence.split() for sentence in sentences]
        top = model({"chars": characters.batch(tokens)})["lstm_outputs2"].numpy()
        for row, file in enumerate(stored):
            forward, backward = file[str(number)][()]
            both = np.concatenate([forward, backward], 1)
            np.testing.assert_allclose(top[row, : len(both)], both, rtol=0, atol=2e-6)
            assert not top[row, len(both) :].any()
    assert number > 8


@pytest.mark.realdata
def test_published_token_vectors_are_reproduced(shared):
    folder = pathlib.Path(shared, "elmo", "fixtures", "allennlp")
    model = tltf.text.load_elmo(folder / "options.json", folder / "lm_weights.hdf5")
    words = (folder / "vocab_test.txt").read_text(encoding="utf-8").split("\n")
    words = [word for word in words if word]
    with h5py.File(folder / "elmo_token_embeddings.hdf5") as file:
        stored = file["embedding"][()]
    chars = characters.ids(words)[:, np.newaxis]
    given = model({"chars": chars})["word_emb"].numpy()[:, 0]
    at = len(stored) - len(words)
    np.testing.assert_allclose(given, stored[at:], rtol=0, atol=2e-6)


@pytest.fixture
def base(tmp_path):
    arrays, *paths = files(tmp_path, variant({}))
    return arrays, paths


def test_a_sentence_has_the_same_vectors_in_any_batch(base):
    model = tltf.text.load_elmo(*base[1])
    together = model({"chars": characters.batch(SENTENCES)})["elmo"].numpy()
    for row, sentence in enumerate(SENTENCES):
        alone = model({"chars": characters.batch([sentence])})["elmo"].numpy()[0]
        np.testing.assert_allclose(together[row, : len(alone)], alone, atol=1e-6)


def test_a_batch_of_empty_sentences_gives_no_tokens(base):
    given = tltf.text.load_elmo(*base[1])({"chars": np.zeros((2, 0, 50), np.int32)})
    assert given["elmo"].shape == (2, 0, 8)
    assert not given["default"].numpy().any()


def test_a_stateful_row_goes_on_where_that_row_ended(base):
    arrays, paths = base
    model = tltf.text.load_elmo(*paths, stateful=True)
    states = [{}, {}, {}]
    batches = [SENTENCES[:2], SENTENCES[1:2], SENTENCES[1:4], SENTENCES[:3]]
    for batch in batches:
        given = model.predict({"chars": characters.batch(batch)}, verbose=0)
        for row, sentence in enumerate(batch):
            wanted = reference.activations(
                variant({}), arrays, characters.ids(sentence), states[row]
            )
            top = given["lstm_outputs2"][row, : len(sentence)]
            np.testing.assert_allclose(top, wanted[2][1:-1], atol=3e-6)
    elmo.reset(model)
    again = model.predict({"chars": characters.batch(batches[0])}, verbose=0)
    fresh = tltf.text.load_elmo(*paths)
    first = fresh.predict({"chars": characters.batch(batches[0])}, verbose=0)
    np.testing.assert_allclose(again["elmo"], first["elmo"], atol=1e-6)


def test_the_mix_weighs_layers_by_softmax_and_scale(base):
    arrays, paths = base
    model = tltf.text.load_elmo(*paths)
    mix = model.get_layer("mix")
    mix.scalars.assign([0.3, -1.0, 2.0])
    mix.scale.assign([1.7])
    given = model({"chars": characters.batch(SENTENCES)})["elmo"].numpy()
    for row, sentence in enumerate(SENTENCES):
        layers = reference.activations(variant({}), arrays, characters.ids(sentence))
        shares = reference.softmax(np.array([0.3, -1.0, 2.0]))
        wanted = 1.7 * np.tensordot(shares, np.array(layers), 1)[1:-1]
        np.testing.assert_allclose(given[row, : len(wanted)], wanted, atol=3e-6)


def test_layer_norm_takes_one_mean_over_the_batch_marks_included(base):
    arrays, paths = base
    model = tltf.text.load_elmo(*paths, layer_norm=True)
    given = model({"chars": characters.batch(SENTENCES)})["elmo"].numpy()
    every = [
        reference.activations(variant({}), arrays, characters.ids(sentence))
        for sentence in SENTENCES
    ]
    for row, layers in enumerate(every):
        wanted = 0
        for depth, layer in enumerate(layers):
            values = np.concatenate([one[depth].ravel() for one in every])
            wanted += (layer - values.mean()) / values.std() / 3
        wanted = wanted[1:-1]
        np.testing.assert_allclose(given[row, : len(wanted)], wanted, atol=2e-5)


@pytest.mark.parametrize(
    ("trainable", "names"),
    [("none", set()), ("mix", {"scalars", "scale"}), ("all", None)],
)
def test_training_moves_what_trainable_says_and_nothing_else(trainable, names, base):
    model = tltf.text.load_elmo(*base[1], trainable=trainable)
    out = keras.layers.Dense(1, name="head")(model.output["default"])
    whole = keras.Model(model.inputs[0], out)
    whole.compile(keras.optimizers.SGD(1.0), "mse")
    before = [keras.ops.convert_to_numpy(v).copy() for v in model.variables]
    whole.fit(characters.batch(SENTENCES), np.ones((4, 1)), verbose=0, shuffle=False)
    for variable, old in zip(model.variables, before, strict=True):
        moved = not np.array_equal(keras.ops.convert_to_numpy(variable), old)
        assert moved == (names is None or variable.name in names), variable.path


def test_a_saved_model_answers_as_before(base, tmp_path):
    model = tltf.text.load_elmo(*base[1], stateful=True, layer_norm=True)
    model.save(tmp_path / "elmo.keras")
    again = keras.models.load_model(tmp_path / "elmo.keras")
    chars = {"chars": characters.batch(SENTENCES)}
    for _ in range(2):  # the second time from where the first ended
        given, wanted = again(chars), model(chars)
        for name, value in wanted.items():
            np.testing.assert_array_equal(given[name], value)


@pytest.mark.parametrize("name", VARIANTS)
def test_weights_return_to_the_file_bit_by_bit(name, tmp_path):
    arrays, *paths = files(tmp_path, variant(VARIANTS[name]))
    options, _ = elmo.opened(*paths)
    model = tltf.text.load_elmo(*paths)
    elmo_weights.write(model, options, tmp_path / "again.hdf5")
    with h5py.File(tmp_path / "again.hdf5") as file:
        names = []
        file.visit(names.append)
        found = {name: file[name] for name in names if hasattr(file[name], "dtype")}
        assert found.keys() == arrays.keys()
        for key, value in arrays.items():
            np.testing.assert_array_equal(found[key][()], value, strict=True)
    fields = elmo_options.as_json(options)
    assert elmo_options.parse(fields) == elmo_options.read(paths[0])


@pytest.mark.parametrize(
    ("dim", "projection", "highways", "count"),
    [
        (1024, 128, 1, 13_593_296),
        (2048, 256, 1, 28_027_728),
        (4096, 512, 2, 93_600_848),
    ],
)
def test_published_configurations_have_the_published_number_of_parameters(
    dim, projection, highways, count
):
    filters = ((1, 32), (2, 32), (3, 64), (4, 128), (5, 256), (6, 512), (7, 1024))
    options = elmo_options.Options(
        dim=dim, projection=projection, highways=highways, filters=filters
    )
    sizes = elmo_weights.shapes(options).values()
    assert sum(int(np.prod(shape)) for shape in sizes) == count


def test_a_model_has_the_parameters_of_its_file_and_those_of_the_mix(base):
    model = tltf.text.load_elmo(*base[1])
    assert model.count_params() == sum(a.size for a in base[0].values()) + 4


def spoil(kind, folder):
    """Breaks one of two good files; returns both."""
    arrays, options, weights = files(folder, variant({}))
    fields = json.loads(options.read_text())
    with h5py.File(weights, "a") as file:
        if kind == "missing":
            del file["CNN_high_1/b_carry"]
        elif kind == "shape":
            fields["lstm"]["dim"] = 8
        elif kind == "fewer layers":
            fields["lstm"]["n_layers"] = 1
        elif kind == "fewer filters":
            fields["char_cnn"]["filters"][1:] = []
            fields["lstm"]["projection_dim"] = 2
    options.write_text(json.dumps(fields))
    if kind == "not hdf5":
        weights.write_bytes(b"not this")
    elif kind == "gone":
        weights.unlink()
    return options, weights


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "lacks CNN_high_1/b_carry"),
        ("shape", r"LSTMCell/W_0 .* is \(8, 28\), the options want \(8, 32\)"),
        ("fewer layers", "Cell1/LSTMCell/B and 5 more, for which the options"),
        ("fewer filters", "is|has|lacks"),
        ("not hdf5", "not a readable HDF5 file"),
        ("gone", "No such file"),
    ],
)
def test_files_that_do_not_fit_are_one_clear_line(kind, words, tmp_path):
    with pytest.raises(errors.UserError, match=words) as caught:
        tltf.text.load_elmo(*spoil(kind, tmp_path))
    assert "\n" not in str(caught.value)
    assert "weights.hdf5" in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("lstm.dim", "absent", "lacks lstm.dim; give a whole number above 0"),
        ("lstm.dim", 0, "lstm.dim in .* is 0"),
        ("lstm.dim", True, "lstm.dim in .* is True"),
        ("lstm.n_layers", 1.5, "lstm.n_layers in .* is 1.5"),
        ("lstm.cell_clip", -3, "lstm.cell_clip in .* is -3"),
        ("lstm.cell_clip", "3", "lstm.cell_clip in .* is '3'"),
        ("lstm.use_skip_connections", "yes", "give true or false"),
        ("char_cnn.activation", "gelu", "give relu or tanh"),
        ("char_cnn.filters", [], "give a list of"),
        ("char_cnn.filters", [[51, 1]], "give a list of"),
        ("char_cnn.filters", 3, "give a list of"),
        ("char_cnn.n_highway", -1, "char_cnn.n_highway in .* is -1"),
        ("char_cnn.embedding", 16, "char_cnn.embedding.dim in .* is 16"),
        ("char_cnn.max_characters_per_token", 60, "is 60; give 50"),
        ("char_cnn.n_characters", 300, "is 300; give 261 or 262"),
    ],
)
def test_wrong_options_are_one_clear_line(path, value, words, tmp_path):
    target = tmp_path / "options.json"
    target.write_text(json.dumps(variant({path: value})))
    with pytest.raises(errors.UserError, match=words) as caught:
        elmo_options.read(target)
    assert "options.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[1]", "null", "3"])
def test_a_file_that_is_no_set_of_options_is_one_clear_line(text, tmp_path):
    (tmp_path / "o.json").write_text(text)
    with pytest.raises(errors.UserError, match=r"o\.json") as caught:
        elmo_options.read(tmp_path / "o.json")
    assert "\n" not in str(caught.value)


def test_an_unknown_trainable_lists_what_there_is(base):
    with pytest.raises(errors.UserError, match="'some' is unknown; give none, mix"):
        tltf.text.load_elmo(*base[1], trainable="some")
