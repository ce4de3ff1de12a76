"""What the report page says of numbers, levels and tags."""

import json

import numpy as np
import pytest
from sklearn import metrics

from tltf import errors, specs
from tltf.analysis import run_folder, sections, worst


def made(folder, task, rows, classes=(), scores=None):
    """Returns a folder with these answers, and its valid split."""
    recipe = specs.Recipe(
        method="freeze", task=task, data=specs.Data(source="csv:m.csv")
    )
    report = specs.Report(
        method="freeze",
        scores={"valid": scores or {}},
        counts={},
        seconds={"total": 1.0},
        seed=0,
        versions={},
        weights={},
        peak_mb=1.0,
    )
    (folder / "recipe.yaml").write_text(json.dumps(recipe.model_dump(mode="json")))
    (folder / "report.json").write_text(report.model_dump_json())
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in classes))
    lines = [
        {"id": f"r{n}", "text": "w0 w1 w2 w3", **row} for n, row in enumerate(rows)
    ]
    (folder / "answers_valid.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = run_folder.read(folder)
    return found, run_folder.split(found, "valid")


def numbers(*pairs):
    return [
        {"label": label, "answer": answer, "probabilities": [answer]}
        for label, answer in pairs
    ]


def test_numbers_are_worst_where_they_are_furthest_off(tmp_path):
    rows = numbers((1.0, 1.5), (100.0, 90.0), (-3.0, -3.0), (5.0, 7.0))
    folder, split = made(tmp_path, "regression", rows)
    assert split.form == "number"
    shown = worst.records(folder.classes, split)
    assert [row["id"] for row in shown] == ["r1", "r3", "r0", "r2"]
    first = {key: shown[0][key] for key in ("true", "given", "verdict")}
    assert first == {"true": "100", "given": "90", "verdict": "off by 10"}
    page = sections.split(folder, split)
    assert [figure["title"] for figure in page["pictures"]] == [
        "Answer against label",
        "Residuals",
    ]
    assert not page["classes"]
    assert page["matrix"] is None


def test_errors_are_shown_in_their_units_and_shares_as_percent(tmp_path):
    scores = {"r2": 0.5, "r2_low": 0.25, "r2_high": 0.75, "mean_absolute_error": 1234.5}
    cards = sections.headline(scores, "number")
    assert cards[0] == {
        "title": "R²",
        "value": "0.500",
        "note": "95 % interval 0.250 to 0.750",
    }
    assert cards[1]["value"] == "1234"
    tokens = sections.headline({"accuracy": 0.5, "span_f1": 0.25}, "tokens")
    assert [card["title"] for card in tokens] == ["Token accuracy", "Span F1"]
    assert tokens[1]["value"] == "25.0\N{NO-BREAK SPACE}%"


def test_levels_are_confused_by_their_median(tmp_path):
    # the most probable level is the lowest, the median the middle one
    split_vote = {"label": "high", "answer": "mid", "probabilities": [0.4, 0.3, 0.3]}
    sure = {"label": "low", "answer": "low", "probabilities": [0.9, 0.1, 0.0]}
    names = ("low", "mid", "high")
    folder, split = made(tmp_path, "ordinal", [split_vote, sure, split_vote], names)
    assert split.form == "levels"
    page = sections.split(folder, split)
    counts = [[c["count"] for c in row["cells"]] for row in page["matrix"]["rows"]]
    assert counts == [[1, 0, 0], [0, 0, 0], [0, 2, 0]]
    assert page["pairs"][0] == {
        "true": "high",
        "given": "mid",
        "count": 2,
        "share": 100.0,
    }


def sentence(label, answer):
    names = ("O", "B-x", "I-x")
    spread = [[0.1 + 0.7 * (name == tag) for name in names] for tag in answer]
    return {"label": label, "answer": answer, "probabilities": spread}


TAGGED = [
    sentence(["B-x", "I-x", "O", "B-x"], ["B-x", "O", "O"]),
    sentence(["O", "B-x"], ["O", "B-x"]),
    sentence(["B-x", "O"], ["B-x", "B-x"]),
]


def test_tags_have_a_table_of_tokens_and_one_of_spans(tmp_path):
    scores = {"span_f1": 0.5, "unread_tokens": 1.0}
    names = ("O", "B-x", "I-x")
    folder, split = made(tmp_path, "sequence_tags", TAGGED, names, scores)
    assert split.form == "tokens"
    page = sections.split(folder, split)
    true = [t for row in TAGGED for t in row["label"][: len(row["answer"])]]
    given = [t for row in TAGGED for t in row["answer"]]
    for row in page["classes"]:
        expected = metrics.recall_score(
            true, given, labels=[row["name"]], average="macro", zero_division=0
        )
        assert row["recall"] == pytest.approx(expected)
    # spans: 4 true (the last one unread), 4 given, 2 of them right
    assert page["spans"] == [
        {"recall": 0.5, "precision": 0.5, "f1": 0.5, "support": 4, "name": "x"}
    ]
    assert page["unread"] == 1


def test_curves_of_tokens_tell_the_area_that_scikit_learn_finds(tmp_path):
    folder, split = made(tmp_path, "sequence_tags", TAGGED, ("O", "B-x", "I-x"))
    pictures = sections.split(folder, split)["pictures"]
    truth = np.eye(3)[np.concatenate(split.labels)]
    given = np.concatenate(split.probabilities)
    area = metrics.roc_auc_score(truth.ravel(), given.ravel())
    assert f"micro, AUC {area:.3f}" in pictures[0]["svg"]


def test_of_a_text_the_wrong_tokens_are_named(tmp_path):
    folder, split = made(tmp_path, "sequence_tags", TAGGED, ("O", "B-x", "I-x"))
    shown = {row["id"]: row for row in worst.records(folder.classes, split)}
    assert (shown["r0"]["true"], shown["r0"]["given"]) == ("w1 I-x", "w1 O")
    assert shown["r1"]["verdict"] == "right, but unsure"
    assert shown["r1"]["true"] == "w0 O, w1 B-x"


def test_a_tag_that_is_no_class_is_named(tmp_path):
    with pytest.raises(errors.UserError, match="'I-x' is not in labels.txt"):
        made(tmp_path, "sequence_tags", TAGGED, ("O", "B-x"))


def test_a_page_of_many_numbers_stays_small(tmp_path):
    random = np.random.default_rng(0)
    rows = numbers(*random.normal(0, 1, (5000, 2)).tolist())
    folder, split = made(tmp_path, "regression", rows)
    figures = sections.split(folder, split)["pictures"]
    assert all(20_000 < len(figure["svg"]) < 400_000 for figure in figures)
