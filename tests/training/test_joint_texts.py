"""Several parts on encoders of texts: vocabularies, lengths, tags, sources in turn."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tltf import config
from tltf.export import saved_model
from tltf.runs import evaluate, train


@pytest.fixture(scope="module")
def labelled(subjects, tmp_path_factory):
    """The subjects' texts with their length, as a number, and a second source."""
    rows = [json.loads(line) for line in subjects.read_text().split("\n")]
    root = tmp_path_factory.mktemp("labelled")
    for number, row in enumerate(rows):
        row["size"] = "" if number % 5 == 0 else len(row["text"].split())
        row["tags"] = ["S" if len(word) > 4 else "O" for word in row["text"].split()]
    (root / "first.jsonl").write_text("\n".join(map(json.dumps, rows)))
    other = [
        {
            "text": f"{row['text']} again {n}",
            "label": "yn"[n % 2],
            "split": row["split"],
        }
        for n, row in enumerate(rows)
        if n % 2
    ]
    for number, row in enumerate(other):
        row["label"] = "yn"[number % 2]
    (root / "second.jsonl").write_text("\n".join(map(json.dumps, other)))
    return root


def recipe(labelled, **change):
    first = {"source": f"jsonl:{labelled / 'first.jsonl'}"}
    raw = {
        "method": "multitask",
        "backbone": "awd_lstm/tiny",
        "weights": "none",
        "data": first,
        "parts": [
            {"name": "subject", "task": "text_class"},
            {"name": "size", "task": "regression", "label": "size"},
            {
                "name": "other",
                "task": "text_class",
                "data": {"source": f"jsonl:{labelled / 'second.jsonl'}"},
            },
        ],
        "text": {"words": 60},
        "joint": {"mixing": "round_robin"},
        "stages": [{"train": "all", "epochs": 1, "rate": 1e-2}],
        "batch": 16,
    }
    return config.override({**raw, **change}, {}, where="test")


@pytest.mark.parametrize("backbone", ["awd_lstm/tiny", "glove/tiny", "elmo/tiny"])
def test_every_encoder_of_texts_serves_several_parts(labelled, tmp_path, backbone):
    made = recipe(labelled, backbone=backbone)
    report = train.train(made, tmp_path / "run")
    assert report.counts["subject.train"] == 120 and report.counts["size.train"] == 96
    assert report.counts["other.train"] == 60 and report.counts["train"] == 180
    evaluate.evaluate(tmp_path / "run", page=False)
    done = saved_model.export(tmp_path / "run", tmp_path / "published")
    loaded = tf.saved_model.load(done["path"])
    text = (tmp_path / "run/parts/subject/answers_test.jsonl").read_text()
    rows = [json.loads(line) for line in text.split("\n") if line]
    texts = tf.constant([row["text"] for row in rows])
    found = loaded.signatures["serving_default"](text=texts)
    expected = [row["probabilities"] for row in rows]
    np.testing.assert_allclose(found["subject_scores"], expected, atol=1e-5)
    assert found["other_classes"].numpy().tolist()[0] in (b"y", b"n")


def test_tags_learn_beside_classes(labelled, tmp_path):
    parts = [
        {"name": "subject", "task": "text_class"},
        {"name": "long", "task": "sequence_tags", "label": "tags"},
    ]
    parts[1]["head"] = {"kind": "tags"}
    made = recipe(
        labelled,
        parts=parts,
        backbone="glove/tiny",
        text={"words": 60, "split": "spaces"},
        stages=[{"train": "all", "epochs": 12, "rate": 5e-2}],
    )
    report = train.train(made, tmp_path / "run")
    assert report.scores["valid"]["long.accuracy"] > 0.95
    assert report.scores["valid"]["subject.accuracy"] > 0.8
    text = (tmp_path / "run/parts/long/answers_valid.jsonl").read_text()
    row = json.loads(text.split("\n")[0])
    assert len(row["label"]) == len(row["answer"]) == len(row["text"].split())
