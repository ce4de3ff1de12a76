"""Methods on texts: what learns, what stays, what is served."""

import json

import keras
import numpy as np
import pytest

from tltf import config, errors
from tltf.export import local, saved_model
from tltf.runs import compare, evaluate, train
from tltf.sources import _base
from tltf.training import answers


def recipe(subjects, **change):
    raw = {
        "method": "finetune",
        "task": "text_class",
        "backbone": "glove/tiny",
        "weights": "none",
        "data": {"source": f"jsonl:{subjects}"},
        "batch": 16,
        "text": {"words": 40},
    }
    return config.override({**raw, **change}, {}, where="test")


LEARN = [{"train": "all", "epochs": 15, "rate": 5e-2}]
SHORT = {
    "standard": {"stages": LEARN},
    "finetune": {"stages": LEARN},
    "lp_ft": {"stages": LEARN},
    "featurize": {},
    "freeze": {"stages": [{"epochs": 100, "rate": 0.1}]},
    "tfidf": {"text": {"words": 40}},
}


@pytest.fixture(scope="module")
def runs(subjects, tmp_path_factory):
    """Each method's run folder and report, trained once."""
    made = {}
    for name, change in SHORT.items():
        folder = tmp_path_factory.mktemp(name)
        made[name] = (
            folder,
            train.train(recipe(subjects, method=name, **change), folder),
        )
    return made


@pytest.mark.parametrize("name", SHORT)
def test_a_method_learns_subjects_and_scores_the_same_when_read_back(runs, name):
    folder, report = runs[name]
    assert report.scores["valid"]["accuracy"] > 0.6
    again = evaluate.evaluate(folder, split="valid", page=False)
    assert again["accuracy"] == report.scores["valid"]["accuracy"]


def test_tfidf_is_nearly_perfect_where_words_say_it_all(runs):
    assert runs["tfidf"][1].scores["valid"]["accuracy"] > 0.95


def test_answers_carry_the_text(runs, subjects):
    texts = {
        row["id"]: row["text"]
        for row in map(json.loads, subjects.read_text().splitlines())
    }
    for line in (runs["standard"][0] / "answers_valid.jsonl").read_text().splitlines():
        row = json.loads(line)
        assert row["text"] == texts[row["id"]]
        assert "file" not in row


def test_only_words_of_train_are_known(runs, subjects):
    lines = map(json.loads, subjects.read_text().splitlines())
    learnt = {
        w for row in lines if row["split"] == "train" for w in row["text"].split()
    }
    known = (runs["standard"][0] / "vocabulary.txt").read_text().split("\n")[2:-1]
    assert set(known) <= learnt
    assert known


def test_a_text_may_hold_what_python_takes_for_the_end_of_a_line(subjects, tmp_path):
    lines = [json.loads(line) for line in subjects.read_text().split("\n")]
    for line in lines:
        line["text"] += " \x85 and\u2028 more"
    path = tmp_path / "odd.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    one = recipe(path, method="featurize", head={"kind": "linear"})
    report = train.train(one, tmp_path / "run")
    evaluate.evaluate(tmp_path / "run")
    assert (tmp_path / "run/report/index.html").exists()
    rows, _ = answers.read(tmp_path / "run/answers_test.jsonl")
    assert len(rows) == 30 and report.counts["valid"] == 30


@pytest.mark.parametrize("head", ["convnet", "bilstm"])
def test_frozen_word_vectors_are_bit_identical_after_training(subjects, tmp_path, head):
    stages = [{"epochs": 2, "rate": 1e-2}]
    one = recipe(subjects, method="freeze", stages=stages, head={"kind": head})
    keras.utils.set_random_seed(one.seed)
    train.train(one, tmp_path)
    model = keras.saving.load_model(tmp_path / "checkpoints/model.keras", compile=False)
    keras.utils.set_random_seed(one.seed)
    from tltf.training import job, network

    task_job = job.start(one, tmp_path)
    fresh = network.build(one, task_job.top(), words=task_job.words).model
    before = fresh.get_layer("words").get_weights()[0]
    np.testing.assert_array_equal(model.get_layer("words").get_weights()[0], before)
    logits = model.get_layer("head_logits").get_weights()[0]
    assert np.any(logits != fresh.get_layer("head_logits").get_weights()[0])


def test_the_decks_convnet_has_the_decks_sizes(subjects):
    from tltf.training import network

    one = recipe(subjects, backbone="glove/deck", head={"kind": "deck_convnet"})
    words = [str(n) for n in range(20_000)]
    top = network.Top(head=one.head, outputs=20)
    built = network.build(one, top, words=words)
    found = {layer.name: layer.output.shape[1:] for layer in built.model.layers}
    lengths = [996, 199, 195, 39, 35, 1]
    names = [f"head_{kind}_{n}" for n in (1, 2, 3) for kind in ("conv", "pool")]
    assert [found[name][0] for name in names] == lengths
    # facts of keras.io's page: convolutions 64,128 + 2 x 82,048, dense 16,512 + 2,580
    assert built.head.count_params() == 64_128 + 2 * 82_048 + 16_512 + 2_580
    assert built.model.count_params() == 20_000 * 100 + 247_316


def test_an_exported_model_answers_raw_strings_as_the_run_did(runs, tmp_path):
    done = saved_model.export(runs["standard"][0], tmp_path)
    assert done["proof"]["largest_difference"] < 1e-5
    assert done["proof"]["records"] == 30
    model = local.load(tmp_path / done["name"])
    assert model.reads == "text"
    rows = [
        json.loads(line)
        for line in (runs["standard"][0] / "answers_valid.jsonl")
        .read_text()
        .split("\n")
        if line
    ]
    pairs = [(row["id"], row["text"].encode()) for row in rows]
    for row, answer in zip(rows, local.answers(model, pairs, batch=7), strict=True):
        assert answer.label == row["answer"]
        np.testing.assert_allclose(
            answer.probabilities, row["probabilities"], atol=1e-5
        )
    odd = [("empty", b""), ("broken", b"\xff\xfe"), ("long", b"goal " * 200_000)]
    assert [a.error for a in local.answers(model, odd, batch=3)] == [None] * 3


def test_several_labels_of_a_text_are_learnt_and_served(tmp_path):
    words = {"a": "apple", "b": "bear", "c": "cloud"}
    sets = ["a", "b", "c", "a|b", "b|c", "a|c", "a|b|c"]
    lines = []
    for number in range(140):
        label = sets[number % 7]
        text = " ".join([words[k] for k in label.split("|")] + ["and"] * (number // 7))
        lines.append(json.dumps({"text": text, "label": label, "id": f"{number}"}))
    path = tmp_path / "several.jsonl"
    path.write_text("\n".join(lines))
    data = {"source": f"jsonl:{path}", "train": "all[:70%]", "valid": "all[70%:]"}
    one = recipe(path, task="multi_label", data=data, method="standard", stages=LEARN)
    report = train.train(one, tmp_path / "run")
    assert report.scores["valid"]["accuracy"] > 0.8
    done = saved_model.export(tmp_path / "run", tmp_path / "models")
    model = local.load(tmp_path / "models" / done["name"])
    [answer] = local.answers(model, [("x", b"bear and cloud and and")], batch=1)
    assert answer.label == ["b", "c"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"backbone": "plain/tiny"}, "reads images, the source has texts"),
        ({"task": "image_class"}, "use task: text_class"),
        ({"task": "multi_label"}, "use task: text_class"),
        ({"method": "hog"}, "hog reads images"),
        ({"head": {"kind": "ulmfitt"}}, "no 'ulmfitt' among heads"),
        ({"backbone": "glove/full", "weights": "none_such.txt"}, "none_such.txt"),
    ],
)
def test_what_does_not_go_together_is_one_clear_line(subjects, tmp_path, change, words):
    with pytest.raises(errors.UserError, match=words) as caught:
        train.train(recipe(subjects, **change), tmp_path / "run")
    assert "\n" not in str(caught.value)


def test_vectors_of_none_of_the_words_are_refused(subjects, tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("\n".join(f"WORD{n} " + " ".join("1" * 8) for n in range(3)))
    one = recipe(subjects, method="freeze", weights=str(path))
    with pytest.raises(errors.UserError, match="none of the .* words of train"):
        train.train(one, tmp_path / "run")


def test_images_are_refused_by_an_encoder_of_texts(stripes, tmp_path):
    raw = {"method": "freeze", "task": "image_class", "backbone": "glove/tiny"}
    one = config.override(
        {**raw, "weights": "none", "data": {"source": f"folder:{stripes}"}},
        {},
        where="",
    )
    with pytest.raises(errors.UserError, match="reads texts, the source has images"):
        train.train(one, tmp_path / "run")


def test_rows_of_a_comparison_may_have_names_of_their_own(subjects):
    rows = {"frozen": {"method": "freeze", "stages": [{"epochs": 2}]}}
    one = recipe(subjects, compare=rows)
    assert compare.rows(one)[-1] == "frozen"
    assert compare.rows(one)[0] == "tfidf"
    made = compare.variant(one, "frozen")
    assert made.method == "freeze"
    assert made.stages[0].epochs == 2
    with pytest.raises(errors.UserError, match="no 'molten' among methods"):
        compare.variant(one, "molten")


def test_cached_vectors_are_those_of_the_network(subjects, tmp_path):
    from tltf.training import gradient, job, network

    one = recipe(subjects, method="featurize")
    task_job = job.start(one, tmp_path)
    built = network.build(one, task_job.top(), words=task_job.words)
    first = gradient.vectors(task_job, built, "valid")
    second = gradient.vectors(task_job, built, "valid")
    np.testing.assert_array_equal(first, second)
    table: _base.Table = task_job.records.part("valid")
    inputs = task_job.codec.encode(list(table.values))
    direct = built.encoder(inputs, training=False)["vector"]
    np.testing.assert_allclose(first, direct, atol=1e-6)
