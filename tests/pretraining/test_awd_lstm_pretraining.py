import json
import math
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from tltf import errors
from tltf.codecs import rules as codecs
from tltf.ops import special
from tltf.pretraining import awd_lstm, corpus
from tltf.text import awd_lstm as networks
from tltf.text import language_model
from tltf.training import state

TINY = {
    "words": 100, "least": 1, "embedding": 12, "hidden": 20, "layers": 2, "batch": 8,
    "bptt": 20, "rate": 3e-2, "epochs": 7, "dropout": 0.2, "save_steps": 3,
}  # fmt: skip


def made(count, seed=0):
    """Sentences of which each word decides the next but for where they end."""
    random = np.random.default_rng(seed)
    text = "the cat sat on a mat and one dog ran to my big old red house"
    words = text.split()
    return [" ".join(words[: random.integers(4, 16)]) for _ in range(count)]


TRAIN, VALID = made(200), made(40, seed=1)


def train(folder, *, resume=False, texts=(TRAIN, VALID), **change):
    settings = {**TINY, **change}
    return awd_lstm.run(*texts, folder, settings=settings, resume=resume)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lm")
    return folder, train(folder)


def unigram(folder):
    """Perplexity of VALID when each word has its share in TRAIN."""
    words = language_model.load(folder).words
    codec = codecs.Codec(words)
    seen, held = (np.concatenate(codec.each(texts)) for texts in (TRAIN, VALID))
    share = np.bincount(seen, minlength=len(words)) / len(seen)
    return math.exp(-np.mean(np.log(np.maximum(share[held], 1e-9))))


def test_perplexity_falls_far_below_that_of_single_words(trained):
    folder, scores = trained
    assert scores["perplexity"] < unigram(folder) / 3


def test_perplexity_is_that_of_every_token_but_the_first(trained):
    folder, scores = trained
    model = language_model.load(folder)
    ids = np.concatenate(codecs.Codec(model.words).each(VALID))
    rows = 8
    width = -(-(len(ids) - 1) // rows)
    losses = []
    for row in range(rows):  # each row on its own, by plain NumPy
        part = ids[row * width : (row + 1) * width + 1]
        losses += plain_losses(model.arrays, part)
    assert len(losses) == len(ids) - 1
    assert math.exp(np.mean(losses)) == pytest.approx(scores["perplexity"], rel=1e-4)
    again = awd_lstm.perplexity(folder, VALID, rows=rows)
    assert again == pytest.approx(scores["perplexity"], rel=1e-5)


def plain_losses(arrays, ids):
    given = [arrays["words/table"][k] for k in ids[:-1]]
    for number in range(2):
        kernel, recurrent, bias = (
            arrays[f"lstm_{number}/{name}"] for name in ("kernel", "recurrent", "bias")
        )
        h = c = np.zeros(len(recurrent))
        outputs = []
        for value in given:
            i, f, g, o = np.split(value @ kernel + h @ recurrent + bias, 4)
            i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
            c = f * c + i * np.tanh(g)
            h = o * np.tanh(c)
            outputs.append(h)
        given = outputs
    scores = np.array(given) @ arrays["words/table"].T + arrays["words/bias"]
    scores -= scores.max(1, keepdims=True)
    norm = np.log(np.exp(scores).sum(1))
    return list(norm - scores[np.arange(len(norm)), ids[1:]])


class Stopped(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("saves", [1, 7])
def test_a_stopped_run_goes_on_to_the_same_bits(trained, saves, tmp_path, monkeypatch):
    real, done = state.save, []

    def save(*arguments):
        real(*arguments)
        done.append(1)
        if len(done) == saves:
            raise Stopped

    monkeypatch.setattr(state, "save", save)
    with pytest.raises(Stopped):
        train(tmp_path)
    monkeypatch.setattr(state, "save", real)
    assert not (tmp_path / "lm.json").exists()
    scores = train(tmp_path, resume=True)
    assert scores["perplexity"] == trained[1]["perplexity"]
    one, other = (language_model.load(path) for path in (tmp_path, trained[0]))
    for name, array in one.arrays.items():
        np.testing.assert_array_equal(array, other.arrays[name])


@pytest.mark.slow
def test_a_killed_process_goes_on_to_the_same_bits(trained, tmp_path):
    code = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[1]);"
        "import test_awd_lstm_pretraining as t;"
        "t.train(pathlib.Path(sys.argv[2]), save_steps=1)"
    )
    here = pathlib.Path(__file__).parent
    process = subprocess.Popen([sys.executable, "-c", code, str(here), str(tmp_path)])
    checkpoint = tmp_path / "checkpoints" / "state.npz"
    while not checkpoint.exists() and process.poll() is None:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    scores = train(tmp_path, resume=True)
    assert scores["perplexity"] == trained[1]["perplexity"]


def test_other_settings_do_not_take_up_a_checkpoint(trained):
    with pytest.raises(errors.UserError, match="other settings or texts"):
        train(trained[0], resume=True, rate=1e-3)
    with pytest.raises(errors.UserError, match="other settings or texts"):
        train(trained[0], resume=True, texts=(TRAIN[1:], VALID))


def test_a_backward_model_learns_the_turned_text(tmp_path):
    scores = train(tmp_path, backward=True)
    model = language_model.load(tmp_path)
    assert model.backward
    assert scores["perplexity"] < unigram(tmp_path) / 2
    ids = [part[::-1] for part in codecs.Codec(model.words).each(VALID)]
    losses = plain_losses(model.arrays, np.concatenate(ids)[:200])
    ahead = plain_losses(model.arrays, np.concatenate(ids)[:200][::-1])
    assert np.mean(losses) < np.mean(ahead) - 1


def test_new_words_begin_at_the_mean_and_known_ones_keep_their_rows(trained):
    model = language_model.load(trained[0])
    words = (*special.TOKENS, "dog", "zebra", "the")
    moved = language_model.remap(model, words)
    for name in ("words/table", "words/bias"):
        old, new = model.arrays[name], moved.arrays[name]
        for word in ("xxbos", "dog", "the"):
            np.testing.assert_array_equal(
                new[words.index(word)], old[model.words.index(word)]
            )
        np.testing.assert_allclose(new[words.index("zebra")], old.mean(0), rtol=1e-5)
    assert moved.arrays["lstm_0/kernel"] is model.arrays["lstm_0/kernel"]


def test_adapting_starts_from_the_model_and_its_sizes(trained, tmp_path):
    folder, _ = trained
    texts = ([f"{text} zebra" for text in TRAIN[:60]], VALID)
    change = {"start": str(folder), "embedding": 400, "rate": 1e-9, "epochs": 1}
    scores = train(tmp_path, texts=texts, **change)
    model = language_model.load(tmp_path)
    source = language_model.load(folder)
    assert model.shape == source.shape
    expected = language_model.remap(source, model.words).arrays
    for name, array in model.arrays.items():
        np.testing.assert_allclose(array, expected[name], atol=1e-5)
    assert scores["perplexity"] < unigram(folder)
    assert model.about["start"]["perplexity"] == trained[1]["perplexity"]


def test_lower_groups_learn_more_slowly_when_adapting(trained, tmp_path):
    folder, _ = trained
    change = {"start": str(folder), "rate": 1e-3, "epochs": 1, "clip": 100.0}
    change |= {"schedule": "constant", "batch": 60, "bptt": 60, "dropout": 0}
    train(tmp_path, texts=(TRAIN[:120], VALID), **change)
    # one step of Adam moves every weight by its group's rate
    words = language_model.load(tmp_path).words
    before = language_model.remap(language_model.load(folder), words).arrays
    after = language_model.load(tmp_path).arrays
    steps = {
        name: np.median(np.abs(after[name] - before[name]))
        for name in ("lstm_1/recurrent", "lstm_0/recurrent", "words/table")
    }
    rates = [steps[name] for name in steps]
    assert rates[0] / rates[1] == pytest.approx(2.6, rel=0.1)
    assert rates[0] > rates[1] > rates[2]


def test_half_precision_halves_the_file_and_reads_as_float32(trained, tmp_path):
    model = language_model.load(trained[0])
    language_model.save(model, tmp_path, half=True)
    again = language_model.load(tmp_path)
    for name, array in again.arrays.items():
        assert array.dtype == np.float32
        np.testing.assert_allclose(array, model.arrays[name], rtol=1e-3, atol=1e-6)
    sizes = [(f / "lm.npz").stat().st_size for f in (tmp_path, trained[0])]
    assert sizes[0] < 0.7 * sizes[1]


def test_a_run_that_gets_no_better_stops(tmp_path):
    scores = train(tmp_path, rate=1e-12, epochs=9, patience=1)
    assert scores["epochs"] < 9
    rows = (tmp_path / "history.csv").read_text().splitlines()
    assert len(rows) == 1 + scores["epochs"]
    about = json.loads((tmp_path / "lm.json").read_text())
    assert about["settings"]["patience"] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bppt": 3}, "no setting 'bppt'; did you mean 'bptt'"),
        ({"rate": "fast"}, "--set rate=fast: .* valid number"),
        ({"batch": 0}, "--set batch=0: .* greater than or equal to 1"),
        ({"batch": 5000}, "too few for 5000 rows"),
        ({"start": "/nowhere"}, "/nowhere is no language model"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(change, message, tmp_path):
    with pytest.raises(errors.UserError, match=message):
        train(tmp_path, **change)


def test_a_damaged_model_is_told(trained, tmp_path):
    model = language_model.load(trained[0])
    language_model.save(model, tmp_path)
    (tmp_path / "vocabulary.txt").write_text("xxpad\nxxunk\n")
    with pytest.raises(errors.UserError, match="words/table is"):
        language_model.load(tmp_path)
    (tmp_path / "lm.npz").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(errors.UserError, match="damaged language model"):
        language_model.load(tmp_path)


def test_every_token_but_the_first_is_a_target_once():
    ids = np.arange(101, dtype=np.int32)
    rows = corpus.columns(ids, 4)
    sizes = corpus.lengths(rows.shape[1] - 1, 10, 0, 0)
    parts = list(corpus.steps(rows, sizes))
    targets = np.concatenate([part[:, 1:].ravel() for part in parts])
    assert sorted(targets) == list(range(1, 101))
    for part in parts:
        np.testing.assert_array_equal(part[:, 1:], part[:, :-1] + 1)
    later = list(corpus.steps(rows, sizes, 2))
    np.testing.assert_array_equal(np.hstack(later), np.hstack(parts[2:]))


def test_lengths_of_steps_scatter_round_bptt_and_fill_the_text():
    sizes = corpus.lengths(100_000, 70, 3)
    assert sizes.sum() == 100_000
    assert sizes[:-1].min() >= 5
    assert sizes.max() <= 90
    long = sizes[sizes > 52]
    assert long.mean() == pytest.approx(70, abs=1)
    assert long.std() == pytest.approx(5, abs=0.7)
    assert 1 - len(long) / len(sizes) == pytest.approx(0.05, abs=0.02)
    np.testing.assert_array_equal(sizes, corpus.lengths(100_000, 70, 3))
    assert not np.array_equal(sizes[:9], corpus.lengths(100_000, 70, 4)[:9])


def test_texts_stay_whole_when_shuffled():
    texts = [np.full(k + 1, k, np.int32) for k in range(20)]
    shuffled = corpus.stream(texts).shuffled(0, 1)
    assert sorted(shuffled) == sorted(np.concatenate(texts))
    assert np.count_nonzero(np.diff(shuffled)) == 19
    assert not np.array_equal(shuffled, corpus.stream(texts).shuffled(0, 2))


def test_regularisation_is_that_of_the_paper():
    from tltf.pretraining import _step

    raw, dropped = (np.random.default_rng(k).normal(size=(2, 5, 3)) for k in (0, 1))
    found = _step._regularisation({"raw": raw, "dropped": dropped}, 2.0, 1.0)
    change = np.diff(raw, axis=1)
    assert float(found) == pytest.approx(2 * (dropped**2).mean() + (change**2).mean())
    one = tf.constant(raw[:, :1])
    assert np.isfinite(_step._regularisation({"raw": one, "dropped": one}, 2.0, 1.0))


def test_a_state_carried_on_changes_the_next_step():
    shape = {"embedding": 4, "hidden": 5, "layers": 2}
    network = networks.model(9, shape=shape)
    ids, fresh = tf.constant([[2, 3, 4, 5]]), networks.states(1, shape)
    whole = network({"tokens": ids, **fresh})
    first = network({"tokens": ids[:, :2], **fresh})
    carried = {name: first[name] for name in fresh}
    second = network({"tokens": ids[:, 2:], **carried})
    np.testing.assert_allclose(second["logits"], whole["logits"][:, 2:], atol=1e-6)
