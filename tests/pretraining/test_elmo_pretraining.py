"""Language models under ELMo: what is read, learnt, kept, resumed and adapted."""

import csv
import json

import h5py
import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as some

import tltf.text
from tltf import errors
from tltf.ops import characters
from tltf.pretraining import _elmo_step, _elmo_text, _place, elmo
from tltf.text import elmo_options, elmo_weights
from tltf.training import state

SMALL = {
    **{"dim": 16, "projection": 8, "embedding": 4, "filters": "1:8,2:8,3:8"},
    **{"batch": 4, "unroll": 5, "epochs": 3, "samples": 8, "seed": 3, "rate": 0.5},
    "layers": 1,  # where depth does not matter, for tracing takes most of the time
}
SUBJECTS = ["cat", "dog", "bird", "fish", "cow", "horse"]
VERBS = ["eats", "sees", "likes", "hears"]
THINGS = ["corn", "grass", "worms", "bread", "milk"]


def corpus(count, seed):
    """Texts in which three words of four follow from the one before."""
    random = np.random.default_rng(seed)
    texts = []
    for _ in range(count):
        lines = []
        for _ in range(random.integers(1, 4)):
            s = random.integers(6)
            v = s % 4
            o = (s + v) % 5
            lines.append(f"the {SUBJECTS[s]} {VERBS[v]} the {THINGS[o]}")
        texts.append("\n".join(lines))
    return texts


TRAIN, VALID = corpus(120, 0), corpus(20, 1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("elmo") / "run"
    settings = SMALL | {"epochs": 12, "layers": 2}
    return folder, elmo.run(TRAIN, VALID, folder, settings=settings, resume=False)


def unigram(texts, valid):
    """Perplexity of words drawn by how often they stand in `texts`."""
    counts: dict[str, int] = {}
    for line in "\n".join(texts).split("\n"):
        for word in [*line.split(), "</S>"]:
            counts[word] = counts.get(word, 0) + 1
    total = sum(counts.values())
    words = [
        w for line in "\n".join(valid).split("\n") for w in [*line.split(), "</S>"]
    ]
    return np.exp(-np.mean([np.log(counts[w] / total) for w in words]))


def test_held_out_perplexity_falls_well_below_that_of_single_words(trained):
    _, report = trained
    assert report["perplexity"] < 0.4 * unigram(TRAIN, VALID)
    for way in _elmo_step.WAYS:
        assert report[f"{way}_perplexity"] < 0.5 * unigram(TRAIN, VALID)


def test_the_files_are_those_of_bilm_tf_and_give_the_perplexity_again(trained):
    folder, report = trained
    words = (folder / "vocabulary.txt").read_text().split("\n")[:-1]
    assert words[:3] == ["<S>", "</S>", "<UNK>"]
    with h5py.File(folder / "softmax.hdf5") as file:
        matrix, bias = file["softmax/W"][()], file["softmax/b"][()]
    options = elmo_options.read(folder / "options.json")
    model = tltf.text.load_elmo(options, folder / "weights.hdf5", stateful=True)
    lines = [line.split() for line in "\n".join(VALID).split("\n")]
    total = []
    layers = ["lstm_forward", "lstm_backward"]
    # sentence after sentence as one stream, states carried, from each direction
    for way in (0, 1):
        stack = [model.get_layer(f"{layers[way]}_{k}") for k in (1, 2)]
        states = [layer.zeros(1) for layer in stack]
        for line in lines:
            row = ["<S>", *line, "</S>"][:: -1 if way else 1]
            x = model.get_layer("characters")(characters.batch([row[:-1]]))
            for depth, layer in enumerate(stack):
                y, states[depth] = layer.advance(x, states[depth])
                x = x + y if layer.skip else y
            logits = x.numpy()[0] @ matrix.T + bias
            shifted = logits - logits.max(1, keepdims=True)
            chances = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
            targets = [words.index(w) if w in words else 2 for w in row[1:]]
            total += [-chances[k, t] for k, t in enumerate(targets)]
    # the run scores in 4 rows, each from zeros, this in one
    assert np.exp(np.mean(total)) == pytest.approx(report["perplexity"], rel=0.05)


def test_history_has_a_row_an_epoch_and_the_best_is_reported(trained):
    folder, report = trained
    with open(folder / "history.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    least = min(float(row["perplexity"]) for row in rows)
    assert report["perplexity"] == pytest.approx(least, rel=1e-4)
    assert json.loads((folder / "lm.json").read_text())["words"] == report["words"]


class Killed(Exception):
    pass


def files_of(folder):
    found = {}
    for name in ("weights.hdf5", "softmax.hdf5"):
        with h5py.File(folder / name) as file:
            names: list[str] = []
            file.visit(names.append)
            found |= {n: file[n][()] for n in names if hasattr(file[n], "dtype")}
    return found


def test_a_killed_run_resumed_ends_with_the_weights_of_one_that_was_not(
    tmp_path, monkeypatch
):
    settings = SMALL | {"save_steps": 7, "epochs": 2}
    elmo.run(TRAIN, VALID, tmp_path / "whole", settings=settings, resume=False)
    saves = _place.Place.save
    left = [13]  # inside the second epoch

    def dies(self, variables):
        saves(self, variables)
        left[0] -= 1
        if not left[0]:
            raise Killed

    monkeypatch.setattr(_place.Place, "save", dies)
    with pytest.raises(Killed):
        elmo.run(TRAIN, VALID, tmp_path / "cut", settings=settings, resume=True)
    _, meta = state.load(tmp_path / "cut" / "checkpoints" / "state.npz")
    assert (meta["epoch"], meta["step"]) == (1, 7)
    monkeypatch.setattr(_place.Place, "save", saves)
    elmo.run(TRAIN, VALID, tmp_path / "cut", settings=settings, resume=True)
    whole, cut = files_of(tmp_path / "whole"), files_of(tmp_path / "cut")
    assert whole.keys() == cut.keys()
    for key, value in whole.items():
        np.testing.assert_array_equal(value, cut[key], err_msg=key)


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    settings = SMALL | {"epochs": 1}
    elmo.run(TRAIN, VALID, tmp_path, settings=settings, resume=False)
    with pytest.raises(errors.UserError, match="of other settings or texts"):
        elmo.run(TRAIN, VALID, tmp_path, settings=settings | {"rate": 1}, resume=True)


def test_it_stops_when_perplexity_gets_no_better(tmp_path):
    settings = SMALL | {"epochs": 30, "rate": 5.0, "patience": 2}
    report = elmo.run(TRAIN, VALID, tmp_path, settings=settings, resume=False)
    assert report["epochs"] < 30
    with open(tmp_path / "history.csv", encoding="utf-8") as file:
        losses = [float(row["valid_loss"]) for row in csv.DictReader(file)]
    assert np.argmin(losses) == len(losses) - 3


def test_adapting_begins_with_the_model_and_its_words(trained, tmp_path):
    folder, report = trained
    settings = SMALL | {"epochs": 1, "rate": 1e-6, "start": str(folder), "dim": 99}
    texts = [text.replace("cow", "yak") for text in TRAIN]
    again = elmo.run(texts, VALID, tmp_path, settings=settings, resume=False)
    assert again["perplexity"] < 2 * report["perplexity"]
    made, old = files_of(tmp_path), files_of(folder)
    before, words = (
        (place / "vocabulary.txt").read_text().split("\n")[:-1]
        for place in (folder, tmp_path)
    )
    assert set(words) ^ set(before) == {"yak", "cow"}
    mean = old["softmax/W"].mean(0)
    for number, word in enumerate(words):
        wanted = mean if word == "yak" else old["softmax/W"][before.index(word)]
        np.testing.assert_allclose(made["softmax/W"][number], wanted, atol=1e-3)


def test_adapting_from_a_pair_of_files_starts_with_their_weights(trained, tmp_path):
    folder, _ = trained
    pair = (folder / "options.json", folder / "weights.hdf5")
    settings = SMALL | {"epochs": 1, "rate": 1e-6, "start": pair}
    elmo.run(TRAIN, VALID, tmp_path, settings=settings, resume=False)
    made, old = files_of(tmp_path), files_of(folder)
    for key in elmo_weights.shapes(elmo_options.read(pair[0])):
        np.testing.assert_allclose(made[key], old[key], atol=1e-3)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"dims": 3}, "no setting 'dims'; did you mean 'dim'"),
        ({"rate": -1}, "--set rate=-1"),
        ({"filters": "1-8"}, "--set filters=1-8: give WIDTH:NUMBER"),
        ({"filters": "60:8"}, "char_cnn.filters"),
        ({"batch": 100_000}, "too few for 100000 rows"),
        ({"start": "/nowhere"}, "start: /nowhere is no folder"),
    ],
)
def test_wrong_settings_are_one_clear_line(settings, words, tmp_path):
    with pytest.raises(errors.UserError, match=words) as caught:
        elmo.run(TRAIN, VALID, tmp_path, settings=SMALL | settings, resume=False)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_texts_without_words_to_score_are_refused(tmp_path):
    with pytest.raises(errors.UserError, match="held-out texts have no words"):
        elmo.run(TRAIN, [" \n"], tmp_path, settings=SMALL, resume=False)


WORD = some.sampled_from(["a", "b", "cd", "é"])
TEXT = some.lists(some.lists(WORD, max_size=3), min_size=1, max_size=3)


@hypothesis.given(some.lists(TEXT, min_size=1, max_size=4))
@hypothesis.settings(deadline=None)
def test_both_streams_read_a_mark_and_predict_the_other(texts):
    raw = ["\n".join(" ".join(line) for line in lines) for lines in texts]
    types = _elmo_text.first_types()
    lines = _elmo_text.read(raw, types, split="spaces")
    words = _elmo_text.vocabulary(lines, types, words=100, least=1)
    found = _elmo_text.streams(lines, _elmo_text.word_of(types, words))
    names = list(types)
    wanted: list[list] = [[], [], [], []]
    starts = []
    for text in texts:
        starts.append(len(wanted[0]))
        for line in filter(None, text):
            wanted[0] += ["<S>", *line]
            wanted[1] += ["</S>", *line[::-1]]
            wanted[2] += [*line, "</S>"]
            wanted[3] += [*line[::-1], "<S>"]
    read = [[names[k].decode() for k in row] for row in found.ids[:2]]
    told = [[words[k] for k in row] for row in found.ids[2:]]
    assert [*read, *told] == wanted
    assert found.starts.tolist() == starts


def test_rare_words_are_unknown_and_the_rest_stand_by_frequency():
    types = _elmo_text.first_types()
    lines = _elmo_text.read(["b b b a a c c d", "d d d"], types, split="spaces")
    words = _elmo_text.vocabulary(lines, types, words=6, least=2)
    assert words == ["<S>", "</S>", "<UNK>", "d", "b", "a"]
    ids = _elmo_text.word_of(types, words)
    assert dict(zip(types, ids.tolist(), strict=True))[b"c"] == 2


def test_samples_are_drawn_by_rank_and_expected_as_often_as_they_come():
    words, count, rounds = 40, 10, 4000
    seen, expected = np.zeros(words), np.zeros(words)
    for number in range(rounds):
        found, tries = _elmo_text.sample(count, words, 5, number)
        assert len(set(found.tolist())) == count
        seen[found] += 1
        shares = _elmo_step._expected(np.arange(words), words, np.float32(tries))
        expected += shares.numpy()
    assert expected.sum() == pytest.approx(count * rounds, rel=0.03)
    np.testing.assert_allclose(seen, expected, rtol=0.12)


def test_repeated_rows_of_a_gradient_count_as_their_sum():
    class Chosen:
        rate, clip = 0.5, 1.0

    start = np.arange(6, dtype=np.float32).reshape(3, 2)
    dense, sparse = tf.Variable(start), tf.Variable(start)
    slots = [tf.Variable(tf.ones([3, 2])) for _ in range(2)]
    values = np.array([[1, 2], [3, -1], [0.5, 1]], np.float32)
    full = np.zeros((3, 2), np.float32)
    np.add.at(full, [2, 0, 2], values)
    slices = tf.IndexedSlices(tf.constant(values), tf.constant([2, 0, 2]))
    _elmo_step._adagrad([sparse], slots[:1], [slices], Chosen)
    _elmo_step._adagrad([dense], slots[1:], [tf.constant(full)], Chosen)
    clipped = full / np.linalg.norm(full)
    wanted = start - 0.5 * clipped / np.sqrt(1 + clipped**2)
    np.testing.assert_allclose(dense.numpy(), wanted, rtol=1e-6)
    np.testing.assert_allclose(sparse.numpy(), wanted, rtol=1e-6)
