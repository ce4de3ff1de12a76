"""Splits, facts, manifests and checks of numbers and of tags."""

import hashlib

import numpy as np
import pytest

from tltf import errors
from tltf.data import check, digests, facts, manifest, splits
from tltf.sources import _base, _rows, csv


def numbers(*values, split="all"):
    rows = [
        _rows.Row(f"r{n}", f"text {n}", float(value), split)
        for n, value in enumerate(values)
    ]
    return _rows.table(rows, [], kind="text")


def tags(*texts):
    """Each text is the letters of its tags."""
    rows = [
        _rows.Row(f"r{n}", " ".join(f"w{n}" for _ in text), np.array([*map(int, text)]))
        for n, text in enumerate(texts)
    ]
    return _rows.table(rows, ["X", "Y", "Z"], kind="text")


def one(*labels):
    rows = [_rows.Row(f"r{n}", f"text {n}", label) for n, label in enumerate(labels)]
    return _rows.table(rows, ["a", "b"], kind="text")


def several(*labels):
    rows = [_rows.Row(f"r{n}", f"text {n}", label) for n, label in enumerate(labels)]
    return _rows.table(rows, ["a", "b"], kind="text")


def hashes(table):
    return [hashlib.sha256(value.encode()).hexdigest() for value in table.values]


@pytest.mark.parametrize(
    ("table", "form", "label"),
    [
        (one(1, 0), "one", "b"),
        (several((1, 1), (0, 1)), "several", ["a", "b"]),
        (numbers(0.1, 2), "number", 0.1),
        (tags("20", "1"), "tokens", ["Z", "X"]),
    ],
)
def test_a_table_says_what_its_labels_are(table, form, label):
    assert table.form == form
    assert table.label(0) == label
    assert table.multi_label == (form == "several")
    assert table.rows(np.array([1, 0])).label(1) == label
    assert isinstance(table, _base.Table)


@pytest.mark.parametrize(
    ("table", "other"),
    [
        (numbers(*range(40)), numbers(*range(40)[::-1])),
        (tags(*["012"] * 40), tags(*["000", "111", "222", "201"] * 10)),
    ],
)
def test_cuts_are_a_partition_and_do_not_move_when_labels_do(table, other):
    known = hashes(table)
    parts = [splits.rows(table, known, cut) for cut in ("all[:70%]", "all[70%:]")]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(40))
    assert len(parts[0]) == 28
    np.testing.assert_array_equal(splits.rows(other, known, "all[:70%]"), parts[0])


def test_a_record_more_leaves_the_order_of_numbers_as_it_is():
    small, large = numbers(*range(39)), numbers(*range(40))
    first = splits.rows(small, hashes(small), "all[:20]")
    more = splits.rows(large, hashes(large), "all[:20]")
    assert len(set(first) - set(more)) <= 1


def test_a_few_of_each_class_needs_classes():
    for table in (numbers(1, 2), tags("0")):
        with pytest.raises(
            errors.UserError, match="examples_per_class: counts records"
        ):
            splits.few(table, np.arange(len(table)), per_class=1, seed=0)


def test_facts_of_numbers_are_four_by_split_and_of_tags_their_tokens():
    found = facts.facts(numbers(1, 2, 6, 3))
    assert found["form"] == "number"
    assert found["numbers"] == {"all": [1.0, 3.0, 2.5, 6.0]}
    assert found["classes"] == {}
    found = facts.facts(tags("001", "12", "1"))
    assert found["classes"] == {"X": {"all": 2}, "Y": {"all": 3}, "Z": {"all": 1}}
    assert found["splits"] == {"all": 3}


@pytest.mark.parametrize(
    ("table", "options"),
    [
        (numbers(0.1, -3e30, 7), {"form": "numbers"}),
        (tags("01", "2"), {"form": "tokens", "classes": ["X", "Y", "Z"]}),
    ],
)
def test_a_split_comes_back_from_its_manifest(tmp_path, table, options):
    manifest.write(tmp_path / "m.csv", table, {"train": np.arange(len(table))})
    again = csv.load(str(tmp_path / "m.csv"), **options)
    assert again.classes == table.classes
    for row in range(len(table)):
        np.testing.assert_array_equal(again.labels[row], table.labels[row])
    assert digests.records(again) == digests.records(table)


def test_equal_records_of_other_numbers_and_tags_are_named():
    rows = [_rows.Row(f"r{n}", "same", float(n)) for n in range(2)]
    [problem] = check.scan(_rows.table(rows, [], kind="text")).problems
    assert "conflicting labels: exact duplicate of r0" in problem.cause
    assert "labels 1.0 and 0.0" in problem.cause
    rows = [_rows.Row(f"r{n}", "a b", np.array([0, n])) for n in range(2)]
    [problem] = check.scan(_rows.table(rows, ["X", "Y"], kind="text")).problems
    assert "labels 'X Y' and 'X X'" in problem.cause
