import collections
import os
import pickle

import numpy as np
import pytest
import tensorflow as tf
from fetch import test_torch_pickle as torch_files

from tltf import errors
from tltf.ops import special
from tltf.text import awd_lstm, fastai, language_model

ITOS = [
    *("xxunk", "xxpad", "xxbos", "xxeos", "xxfld", "xxrep", "xxwrep", "xxup"),
    *("xxmaj", "the", "\n", "cat", "\n\n", "xxfake", "xxfake"),
]
SIZES = [(4, 6), (6, 4)]


def state(prefix="0.", raw="rnns.{}.weight_hh_l0_raw", inner="rnns.{}.module."):
    """A state as torch names and lays it out: [4 units, input], i f g o."""
    random = np.random.default_rng(0)

    def drawn(*shape):
        return random.normal(0, 0.5, shape).astype("<f4")

    found = {"encoder.weight": drawn(len(ITOS), 4)}
    found["encoder_dp.emb.weight"] = found["encoder.weight"]
    for number, (given, units) in enumerate(SIZES):
        own = inner.format(number)
        found[f"{own}weight_ih_l0"] = drawn(4 * units, given)
        found[f"{own}weight_hh_l0"] = np.zeros((4 * units, units), "<f4")
        found[raw.format(number)] = drawn(4 * units, units)
        found[f"{own}bias_ih_l0"] = drawn(4 * units)
        found[f"{own}bias_hh_l0"] = drawn(4 * units)
    named = {f"{prefix}{name}": array for name, array in found.items()}
    named[prefix.replace("0.", "") + "1.decoder.weight"] = found["encoder.weight"]
    named[prefix.replace("0.", "") + "1.decoder.bias"] = drawn(len(ITOS))
    return collections.OrderedDict(named)


def written(folder, given, itos=tuple(ITOS), layout=torch_files.legacy):
    body = layout(torch_files.tensors(given.items()), torch_files.stored(given))
    (folder / "lm.pth").write_bytes(body)
    (folder / "itos.pkl").write_bytes(pickle.dumps(list(itos)))
    return folder / "lm.pth", folder / "itos.pkl"


def torch_scores(given, ids, prefix="0."):
    """Scores of the next word after `ids`, by the formulas of torch's LSTM page."""
    values = given[f"{prefix}encoder.weight"][ids]
    for number, (_, units) in enumerate(SIZES):
        own = f"{prefix}rnns.{number}.module."
        h = c = np.zeros(units)
        outputs = []
        for value in values:
            gates = given[f"{own}weight_ih_l0"] @ value + given[f"{own}bias_ih_l0"]
            gates += given[f"{prefix}rnns.{number}.weight_hh_l0_raw"] @ h
            i, f, g, o = np.split(gates + given[f"{own}bias_hh_l0"], 4)
            i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
            c = f * c + i * np.tanh(g)
            h = o * np.tanh(c)
            outputs.append(h)
        values = np.array(outputs)
    return values @ given[f"{prefix}encoder.weight"].T + given["1.decoder.bias"]


@pytest.mark.parametrize("layout", [torch_files.legacy, torch_files.zipped])
def test_scores_are_those_of_torch(layout, tmp_path):
    given = state()
    model = fastai.read(*written(tmp_path, given, layout=layout), backward=False)
    text = ["xxbos", "xxmaj", "the", "cat", "xxunk", "cat"]
    expected = torch_scores(given, [ITOS.index(word) for word in text])
    network = awd_lstm.model(len(model.words), shape=model.shape)
    awd_lstm.put(network, model)
    ids = tf.constant([[model.words.index(word) for word in text]])
    inputs = {"tokens": ids, **awd_lstm.states(1, model.shape)}
    found = network(inputs)["logits"][0].numpy()
    places = [ITOS.index(word) for word in model.words]
    np.testing.assert_allclose(found, expected[:, places], atol=1e-5)


def test_words_come_in_our_order_and_only_those_that_texts_can_give(tmp_path):
    model = fastai.read(*written(tmp_path, state()), backward=True)
    assert model.words == (*special.TOKENS, "the", "cat")
    assert model.backward


def test_what_was_read_makes_a_folder_that_an_encoder_takes(tmp_path):
    model = fastai.read(*written(tmp_path, state()), backward=False)
    language_model.save(model, tmp_path / "lm")
    again = language_model.load(tmp_path / "lm")
    np.testing.assert_array_equal(
        again.arrays["words/table"], model.arrays["words/table"]
    )
    assert again.shape == {"embedding": 4, "hidden": 6, "layers": 2}


@pytest.mark.parametrize(
    "form",
    [
        {"prefix": "model.0."},
        {"prefix": ""},
        {"raw": "rnns.{}.module.weight_hh_l0_raw"},
    ],
)
def test_names_of_all_versions_are_known(form, tmp_path):
    plain = fastai.read(*written(tmp_path, state()), backward=False)
    other = fastai.read(*written(tmp_path, state(**form)), backward=False)
    for name, array in plain.arrays.items():
        np.testing.assert_array_equal(other.arrays[name], array)


def test_the_papers_special_tokens_are_renamed(tmp_path):
    old = ["_unk_", "_pad_", "xbos", *ITOS[3:5], "tk_rep", "tk_wrep", "t_up", *ITOS[8:]]
    plain = fastai.read(*written(tmp_path, state()), backward=False)
    other = fastai.read(*written(tmp_path, state(), itos=old), backward=False)
    assert other.words == plain.words
    np.testing.assert_array_equal(
        other.arrays["words/table"], plain.arrays["words/table"]
    )


def test_words_of_another_model_are_refused(tmp_path):
    paths = written(tmp_path, state(), itos=ITOS[:-1])
    with pytest.raises(errors.UserError, match="has 14 words, .* 15 rows"):
        fastai.read(*paths, backward=False)


def test_other_networks_are_refused(tmp_path):
    paths = written(tmp_path, collections.OrderedDict(kernel=np.zeros(3, "<f4")))
    with pytest.raises(errors.UserError, match="no tensor encoder.weight; it has k"):
        fastai.read(*paths, backward=False)


class Harm:
    def __reduce__(self):
        return os.mkdir, ("harm",)


@pytest.mark.parametrize("words", [[Harm()], {"the": 1}, ["the", 3], b"the"])
def test_a_list_of_words_holds_nothing_else(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weights, itos = written(tmp_path, state())
    itos.write_bytes(pickle.dumps(words))
    with pytest.raises(errors.UserError, match="is no list of words"):
        fastai.read(weights, itos, backward=False)
    assert not (tmp_path / "harm").exists()
