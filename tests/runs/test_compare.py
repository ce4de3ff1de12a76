"""The table of methods."""

import json

import pytest

from tltf import config, errors, specs
from tltf.analysis import comparison
from tltf.runs import compare


def report(method, valid, test, seconds, count=100):
    return specs.Report(
        method=method,
        scores={
            "valid": {"accuracy": valid},
            "test": {
                "accuracy": test,
                "accuracy_low": test - 0.05,
                "accuracy_high": test + 0.05,
                "roc_auc_macro": 0.9,
                "average_precision_macro": 0.8,
            },
        },
        counts={"valid": count, "test": 50},
        seconds={"total": seconds},
        seed=0,
        versions={},
        weights={},
        peak_mb=100.0,
    )


def table(**rows):
    made = {name: report(name, *row) for name, row in rows.items()}
    return compare.summary(made, split="test", seed=0)


def test_the_choice_follows_valid_not_test():
    found = table(hog=(0.5, 0.99, 1), finetune=(0.9, 0.6, 100))
    assert found["take"] == "finetune"


def test_of_equally_good_ones_the_cheapest_is_taken():
    # one standard error at .92 of 100 records is .027
    found = table(featurize=(0.90, 0.9, 10), finetune=(0.92, 0.9, 100))
    assert found["take"] == "featurize"
    found = table(featurize=(0.89, 0.9, 10), finetune=(0.92, 0.9, 100))
    assert found["take"] == "finetune"


def test_the_content_is_the_contracts():
    row = table(hog=(0.5, 0.6, 1))["methods"]["hog"]
    assert row["accuracy"] == {"value": 0.6, "low": pytest.approx(0.55), "high": 0.65}
    assert {"roc_auc", "average_precision", "seconds", "peak_mb", "n"} <= set(row)
    assert row["n"] == 50


def test_another_method_takes_its_own_stages_and_overrides():
    raw = {
        "method": "finetune",
        "backbone": "plain/tiny",
        "data": {"source": "folder:x"},
        "stages": [{"epochs": 3}],
        "compare": {"standard": {"stages.0.epochs": 2, "batch": 4}},
    }
    recipe = config.override(raw, {}, where="test")
    other = compare.variant(recipe, "standard")
    assert other.method == "standard"
    assert (other.stages[0].train, other.stages[0].epochs, other.batch) == ("all", 2, 4)
    assert compare.variant(recipe, "finetune").stages[0].epochs == 3


def test_a_wrong_override_names_the_method():
    raw = {
        "method": "finetune",
        "backbone": "plain/tiny",
        "data": {"source": "folder:x"},
        "compare": {"standard": {"stages.0.epoch": 2}},
    }
    recipe = config.override(raw, {}, where="test")
    with pytest.raises(errors.UserError, match="compare.standard: .*'epochs'"):
        compare.variant(recipe, "standard")


def test_the_table_shows_every_method_and_the_choice():
    text = comparison.markdown(table(hog=(0.5, 0.6, 1), featurize=(0.9, 0.8, 5)))
    assert "| HoG + SVM | 0.600 | 0.550 to 0.650 | 0.900 | 0.800 | 1 | 100 |" in text
    assert "Take **featurize**" in text


def test_two_methods_are_run_and_compared(stripes, tmp_path):
    raw = {
        "method": "featurize",
        "backbone": "plain/tiny",
        "weights": "none",
        "data": {"source": f"folder:{stripes}"},
    }
    recipe = config.override(raw, {}, where="test")
    found = compare.compare(recipe, tmp_path, methods=("hog", "featurize"))
    assert json.loads((tmp_path / "compare.json").read_text()) == found
    assert set(found["methods"]) == {"hog", "featurize"}
    assert found["methods"]["hog"]["n"] == 18
    assert (tmp_path / "compare.png").read_bytes().startswith(b"\x89PNG")
    before = (tmp_path / "hog/report.json").stat().st_mtime_ns
    compare.compare(recipe, tmp_path, methods=("hog",))
    assert (tmp_path / "hog/report.json").stat().st_mtime_ns == before
