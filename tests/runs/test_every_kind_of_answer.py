"""Numbers, levels and tags go the whole way: train, score, report, export, predict."""

import json

import numpy as np
import PIL.Image
import pytest

from tltf import config
from tltf.export import local, saved_model
from tltf.runs import evaluate, train
from tltf.training import answers as answer_files

SPLITS = ("train", "train", "train", "val", "test")
WORDS = {"D": ["the", "a"], "N": ["cat", "dog", "mat"], "V": ["sat", "saw"]}


def numbers(folder):
    """Squares whose brightness is the number, in units far from 0 and 1."""
    random = np.random.default_rng(0)
    (folder / "pictures").mkdir()
    lines = ["image,label,split"]
    for number in range(100):
        light = random.uniform(0, 255)
        pixels = np.clip(random.normal(light, 15, (32, 32, 3)), 0, 255)
        name = f"pictures/{number}.png"
        PIL.Image.fromarray(pixels.astype(np.uint8)).save(folder / name)
        lines.append(f"{name},{5000 + 10 * light:.3f},{SPLITS[number % 5]}")
    (folder / "m.csv").write_text("\n".join(lines))
    options = {"form": "numbers", "range": [0, 10_000]}
    return {"source": f"csv:{folder}/m.csv", "options": options}


def levels(folder):
    """Texts with 0 to 3 good words; the level is their number."""
    random = np.random.default_rng(0)
    names, lines = ["poor", "fair", "good", "best"], []
    for number in range(200):
        words = ["good"] * (number % 4) + ["word"] * (6 - number % 4)
        # no two alike, or they would be equal records
        words += [f"n{number}"]
        line = {"text": " ".join(random.permutation(words)), "label": names[number % 4]}
        lines.append(json.dumps(line | {"split": SPLITS[number // 4 % 5]}))
    (folder / "m.jsonl").write_text("\n".join(lines))
    return {"source": f"jsonl:{folder}/m.jsonl", "options": {"classes": names}}


def tags(folder):
    """Sentences whose words say their tags, some of them longer than is read."""
    random = np.random.default_rng(0)
    lines = []
    for number in range(150):
        marks = random.choice(list(WORDS), random.integers(1, 9))
        words = [random.choice(WORDS[mark]) for mark in marks] + [f"n{number}"]
        line = {"text": words, "label": [*(f"B-{mark}" for mark in marks), "O"]}
        lines.append(json.dumps(line | {"split": SPLITS[number % 5]}))
    (folder / "m.jsonl").write_text("\n".join(lines))
    return {"source": f"jsonl:{folder}/m.jsonl", "options": {"form": "tokens"}}


STANDARD = {"method": "standard", "weights": "none", "batch": 16}
GLOVE = STANDARD | {"backbone": "glove/tiny", "optimizer": {"name": "adam"}}
CASES = {
    "regression": (
        numbers,
        STANDARD
        | {"backbone": "plain/tiny", "stages": [{"train": "all", "epochs": 30}]},
        {"r2": 0.7, "spearman": 0.7},
    ),
    "ordinal": (
        levels,
        GLOVE | {"stages": [{"train": "all", "epochs": 25, "rate": 0.05}]},
        {"quadratic_kappa": 0.8, "accuracy": 0.7},
    ),
    "sequence_tags": (
        tags,
        GLOVE
        | {
            "head": {"kind": "tags"},
            "text": {"split": "spaces", "length": 8},
            "stages": [{"train": "all", "epochs": 12, "rate": 0.05}],
        },
        {"accuracy": 0.9, "span_f1": 0.9},
    ),
}


@pytest.fixture(scope="module", params=CASES)
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    source, raw, least = CASES[request.param]
    raw = {"task": request.param, "data": source(folder), **raw}
    recipe = config.override(raw, {}, where="test")
    report = train.train(recipe, folder / "run")
    return folder / "run", report, least


def test_it_learns_and_scores_with_intervals(run):
    folder, report, least = run
    found = evaluate.evaluate(folder)
    for name, value in least.items():
        assert found[name] > value
        assert found[f"{name}_low"] <= found[name] <= found[f"{name}_high"]
    history = (folder / "history.csv").read_text().splitlines()
    assert "valid_" in history[0].partition("valid_loss")[2]
    assert len(history) == 1 + sum(s["epochs"] for s in _recipe(folder)["stages"])


def test_the_report_page_shows_it(run):
    folder, _, _ = run
    evaluate.evaluate(folder)
    page = (folder / "report/index.html").read_text()
    task = _recipe(folder)["task"]
    wanted = {
        "regression": ("R²", "Answer against label", "Residuals"),
        "ordinal": ("Quadratic weighted kappa", "Confusion matrix", "poor"),
        "sequence_tags": ("Token accuracy", "Span F1", "B-N"),
    }
    for words in wanted[task]:
        assert words in page


def test_the_published_model_answers_as_the_run_did(run):
    folder, _, _ = run
    done = saved_model.export(folder, folder.parent / "saved_models")
    assert done["proof"]["records"] >= 20
    rows, _ = answer_files.read(folder / "answers_valid.jsonl")
    rows = rows[:5]
    asked = [
        row["file"] if "file" in row else (row["id"], row["text"].encode())
        for row in rows
    ]
    model = local.load(folder.parent / "saved_models" / done["name"])
    for row, answer in zip(rows, local.answers(model, asked, batch=4), strict=True):
        if isinstance(row["answer"], float):
            assert answer.label == pytest.approx(row["answer"], rel=1e-5)
        else:
            assert answer.label == row["answer"]
        np.testing.assert_allclose(
            answer.probabilities, row["probabilities"], rtol=1e-4, atol=1e-5
        )


def test_the_scores_are_those_of_the_answers_file(run):
    folder, report, _ = run
    rows, _ = answer_files.read(folder / "answers_valid.jsonl")
    task, found = _recipe(folder)["task"], report.scores["valid"]
    if task == "regression":
        errors = [abs(row["label"] - row["answer"]) for row in rows]
        expected = found["mean_absolute_error"], np.mean(errors)
    elif task == "ordinal":
        right = [row["label"] == row["answer"] for row in rows]
        expected = found["accuracy"], np.mean(right)
    else:
        # zip stops at the last token that was read: the rest is wrong
        right = sum(
            t == a
            for row in rows
            for t, a in zip(row["label"], row["answer"], strict=False)
        )
        expected = found["accuracy"], right / sum(len(row["label"]) for row in rows)
        unread = sum(len(row["label"]) - len(row["answer"]) for row in rows)
        assert found["unread_tokens"] == unread > 0
    assert expected[0] == pytest.approx(expected[1], rel=1e-6)


def _recipe(folder):
    import yaml

    return yaml.safe_load((folder / "recipe.yaml").read_text())
