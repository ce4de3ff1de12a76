"""What may be searched, and what is told of the rest."""

import pathlib
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tltf import config, errors
from tltf.runs import search_space


def recipe(**change):
    raw = {
        "method": "finetune",
        "backbone": "plain/tiny",
        "weights": "none",
        "data": {"source": "folder:x"},
        "stages": [{"epochs": 2}, {"train": "all", "epochs": 6}],
    }
    return config.override({**raw, **change}, {}, where="test")


def parse(fields, **more):
    return search_space.parse({"fields": fields, **more}, recipe(), where="s.yaml")


def domain(path, given):
    [found] = search_space.domains(parse({path: given}), recipe())
    return found


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"stages.0.rat": [1, 2]}, "stages.0.rat: no such field; did you mean 'rate'"),
        ({"haed.dropout": [0.1, 0.2]}, "haed: no such field; did you mean 'head'"),
        ({"stages.7.rate": [1, 2]}, "stages.7: the list has 2 items"),
        ({"head.dropout": [0, 2]}, "head.dropout: Input should be less than 1, got 2"),
        ({"batch": [8]}, r"batch: \[8\] leaves nothing to choose"),
        ({"batch": {"low": 8, "high": 8}}, "low 8 is not below 8"),
        ({"batch": {"low": 0, "high": 8}}, "batch: Input should be greater than"),
        ({"batch": {"low": 1.5, "high": 8}}, "batch: Input should be a valid integer"),
        ({"batch": 8}, "fields.batch: 8 is neither a list of values nor a range"),
        ({"batch": {"low": 8}}, "fields.batch.high: this field is required"),
        ({"batch": {"low": 1, "hihg": 8}}, "hihg: no such field; did you mean 'high'"),
        ({"head.dropout": {"low": 0, "high": 0.5, "scale": "log"}}, "low above 0"),
        ({"method": {"low": 1, "high": 2}}, "method: Input should be a valid string"),
        ({"data.valid": ["a", "b"]}, "data.valid: says which records a trial is judge"),
        ({"data.source": ["a", "b"]}, "scores could not be compared"),
        ({"task": ["image_class", "multi_label"]}, "scores could not be compared"),
        ({"compare": [{}, {}]}, "scores could not be compared"),
    ],
)
def test_a_wrong_field_is_told_with_its_path(fields, message):
    with pytest.raises(errors.UserError, match=f"s.yaml: .*{message}"):
        parse(fields)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({}, "fields: this field is required"),
        ({"fields": {}}, "fields: "),
        ({"fields": {"batch": [1, 2]}, "trails": 3}, "did you mean 'trials'"),
        ({"fields": {"batch": [1, 2]}, "tuner": "grid"}, "tuner: .* got 'grid'"),
        ({"fields": {"batch": [1, 2]}, "trials": 0}, "trials: "),
    ],
)
def test_a_wrong_search_is_told(raw, message):
    with pytest.raises(errors.UserError, match=message):
        search_space.parse(raw, recipe(), where="s.yaml")


def test_few_shot_sizes_may_be_searched():
    assert parse({"data.examples_per_class": [5, 10]})


def test_yaml_without_a_dot_in_a_number_is_read_as_a_number(tmp_path):
    # PyYAML reads 1e-5 as text
    path = tmp_path / "s.yaml"
    path.write_text("fields: {stages.0.rate: {low: 1e-5, high: 1e-1, scale: log}}")
    asked = search_space.load(path, recipe()).fields["stages.0.rate"]
    assert (asked.low, asked.high) == (1e-5, 0.1)


@pytest.mark.parametrize(
    ("text", "message"),
    [("fields: [", "line 1"), ("- 1", "a search is a mapping"), (None, "cannot read")],
)
def test_a_file_that_is_no_search_is_told(tmp_path, text, message):
    path = tmp_path / "s.yaml"
    if text:
        path.write_text(text)
    with pytest.raises(errors.UserError, match=message):
        search_space.load(path, recipe())


def test_whole_numbers_are_those_of_whole_fields():
    assert domain("batch", {"low": 8, "high": 64}).whole
    assert not domain("head.dropout", {"low": 0, "high": 0.5}).whole
    # the field is not whole though its bounds are
    assert not domain("optimizer.clip_norm", {"low": 1, "high": 5}).whole


@pytest.mark.parametrize(
    ("path", "values", "told"),
    [
        ("head.dropout", [0, 0.2, 0.5], (0.0, 0.2, 0.5)),
        ("optimizer.name", ["sgd", "adam"], ("sgd", "adam")),
        ("optimizer.clip_norm", [None, 1.0], ("null", "1.0")),
        ("augment.flip", [True, False], ("true", "false")),
        ("stages.1.train", [["head"], "all"], ('["head"]', '"all"')),
    ],
)
def test_a_choice_comes_back_as_the_recipe_has_it(path, values, told):
    found = domain(path, values)
    assert found.told == told
    assert len({type(value) for value in found.told}) == 1
    for value, said in zip(values, found.told, strict=True):
        changed = search_space.overrides([found], {path: said})
        one = config.change(recipe(), (), changed)
        assert one == config.change(recipe(), (), {path: value})


@pytest.mark.parametrize("path", ["stages.0.epochs", "method", "stages"])
def test_hyperband_itself_sets_the_epochs(path):
    values = {"stages.0.epochs": [1, 2], "method": ["freeze", "finetune"]}
    given = values.get(path, [[{"epochs": 1}], [{"epochs": 2}]])
    with pytest.raises(errors.UserError, match="hyperband itself sets the epochs"):
        parse({path: given}, tuner="hyperband")
    assert parse({path: given})


def test_hyperband_needs_epochs():
    solved = recipe(method="featurize", stages=None)
    raw = {"tuner": "hyperband", "fields": {"head.folds": [3, 5]}}
    with pytest.raises(errors.UserError, match="method featurize has none"):
        search_space.parse(raw, solved, where="s.yaml")


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=5),
    st.integers(1, 120),
)
def test_epochs_are_shared_as_the_stages_share_them(lengths, epochs):
    one = recipe(stages=[{"train": "all", "epochs": count} for count in lengths])
    shared = list(search_space.shortened(one, epochs).values())
    assert min(shared) >= 1
    assert sum(shared) == max(epochs, sum(shared))
    if epochs == sum(lengths):
        assert shared == lengths
    for count, length in zip(shared, lengths, strict=True):
        assert count <= max(length * epochs / sum(lengths), 1) + len(lengths)


def test_the_searches_that_come_along_fit_the_recipes_they_name():
    root = pathlib.Path(__file__).parents[2]
    files = sorted((root / "configs" / "search").glob("*.yaml"))
    assert files
    for path in files:
        header = [x for x in path.read_text().splitlines() if x.startswith("#")]
        [command] = [line for line in header if "tltf tune " in line]
        assert f"--search={path.relative_to(root)}" in command
        assert any(line.startswith("# Measured:") for line in header)
        named = re.search(r"--config=(\S+)", command).group(1)
        search_space.load(path, config.load(root / named))


def test_a_search_is_checked_without_tensorflow(tmp_path):
    code = "import sys, tltf.runs.search_space; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
