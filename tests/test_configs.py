"""Every recipe in configs/ is valid, explained and runs."""

import importlib.util
import pathlib

import pytest
import yaml

from tltf import config
from tltf.runs import train

ROOT = pathlib.Path(__file__).parent.parent
FILES = sorted(
    path
    for path in (ROOT / "configs").rglob("*.yaml")
    # searches of recipes are checked in tests/runs/test_search_space.py
    if path.parent.name != "search"
)


def test_all_recipes_are_found():
    assert len(FILES) >= 13
    assert ROOT / "configs" / "quickstart.yaml" in FILES


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_recipe_is_valid_and_its_header_says_what_it_is(path):
    config.load(path)
    header = [x[1:].strip() for x in path.read_text().splitlines() if x.startswith("#")]
    assert any("tltf " in line and "--config=" in line for line in header), "command"
    assert any(line.startswith("Measured:") for line in header), "measured"
    relative = path.relative_to(ROOT)
    assert any(f"--config={relative}" in line for line in header)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_recipe_runs_when_it_is_made_small(path, stripes, subjects, tmp_path):
    raw = yaml.safe_load(path.read_text())
    raw |= {"weights": "none", "batch": 36}
    if "parts" in raw:
        _small_parts(raw, stripes, subjects, tmp_path)
        return
    if raw.get("task") == "text_class":
        raw["data"] = {"source": f"jsonl:{subjects}"}
        file, _, form = raw["backbone"].partition("/")
        # the deck's pools fit its own length only
        raw["backbone"] = raw["backbone"] if form == "deck" else f"{file}/tiny"
        raw["text"]["words"] = 100
        if raw["head"]["kind"] == "convnet":
            raw["text"]["length"] = 160
    else:
        raw["data"] = {"source": f"folder:{stripes}"}
        raw["image"] = {**raw.get("image", {}), "side": 32}
        raw["backbone"] = "plain/tiny"
    for stage in raw.get("stages") or ():
        stage["epochs"] = 1
    recipe = config.override(raw, {}, where=path.name)
    if "stages" not in raw and recipe.stages:
        recipe = config.override(raw, {"stages.0.epochs": 1}, where=path.name)
    report = train.train(recipe, tmp_path / "run")
    answers = (tmp_path / "run/answers_valid.jsonl").read_text().splitlines()
    assert len(answers) == report.counts["valid"] == (30 if "text" in raw else 18)
    history = tmp_path / "run/history.csv"
    epochs = len(history.read_text().splitlines()) - 1 if history.exists() else 0
    assert epochs == len(recipe.stages or ())


def _small_parts(raw, stripes, subjects, tmp_path):
    of_texts = raw["backbone"].startswith("awd_lstm")
    raw["backbone"] = "awd_lstm/tiny" if of_texts else "plain/tiny"
    source = f"jsonl:{subjects}" if of_texts else f"folder:{stripes}"
    raw["data"] = {"source": source}
    for part in raw["parts"]:
        part |= {"data": raw["data"], "label": None}
        if part.get("task") == "regression":
            part["task"] = "image_class"
    for stage in raw["stages"]:
        stage["epochs"] = 1
    report = train.train(config.override(raw, {}, where="small"), tmp_path / "run")
    for part in raw["parts"]:
        assert f"{part['name']}.accuracy" in report.scores["valid"]


def test_the_table_of_fields_is_that_of_the_code():
    spec = importlib.util.spec_from_file_location("f", ROOT / "tools/recipe_fields.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    written = (ROOT / "configs" / "README.md").read_text(encoding="utf-8")
    assert written == tool.page(), "run python tools/recipe_fields.py"
