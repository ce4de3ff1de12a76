"""Label cells of manifests: numbers, tags, declared names, and none at all."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tltf import errors
from tltf.sources import _labels, csv, jsonl


def written(folder, text, name="m.csv"):
    path = folder / name
    path.write_text(text)
    return str(path)


def lines(folder, *rows):
    return written(folder, "\n".join(json.dumps(row) for row in rows), "m.jsonl")


def test_numbers_are_read_from_both_kinds_of_manifest(tmp_path):
    path = written(tmp_path, "text,label\na,1.5\nb,-2e3\nc, 0 \n")
    table = csv.load(path, form="numbers")
    assert table.form == "number"
    assert table.classes == ()
    assert table.labels.dtype == np.float32
    assert table.labels.tolist() == [1.5, -2000, 0]
    assert [table.label(row) for row in range(3)] == [1.5, -2000.0, 0.0]
    path = lines(tmp_path, {"text": "a", "label": 7}, {"text": "b", "label": "0.1"})
    table = jsonl.load(path, form="numbers")
    assert [table.label(row) for row in range(2)] == [7.0, 0.1]


@pytest.mark.parametrize(
    "bad", ["nan", "inf", "-Infinity", "1e39", "12a", "1_000", "x"]
)
def test_what_is_no_finite_number_is_named_with_its_line(tmp_path, bad):
    path = written(tmp_path, f"text,label\na,1\nb,{bad}\n")
    with pytest.raises(errors.UserError, match=f"line 3: bad label: '?{bad}"):
        csv.load(path, form="numbers")
    table = csv.load(path, form="numbers", strict=False)
    assert table.labels.tolist() == [1]
    assert bad in table.skipped[0][1]


def test_true_is_no_number(tmp_path):
    path = lines(tmp_path, {"text": "a", "label": 1}, {"text": "b", "label": True})
    with pytest.raises(errors.UserError, match="line 2: bad label: 'True'"):
        jsonl.load(path, form="numbers")


def test_a_number_outside_the_range_is_named_with_its_line(tmp_path):
    path = written(tmp_path, "text,label\na,0\nb,5\nc,5.5\n")
    cause = "line 4: bad label: 5.5 is outside the range 0 to 5"
    with pytest.raises(errors.UserError, match=cause):
        csv.load(path, form="numbers", range=[0, 5])
    assert len(csv.load(path, form="numbers", range=[0, 5.5])) == 3


def test_declared_classes_keep_their_order_and_shut_out_others(tmp_path):
    path = written(tmp_path, "text,label\na,low\nb,high\nc,mid\n")
    table = csv.load(path, classes=["low", "mid", "high", "top"])
    assert table.classes == ("low", "mid", "high", "top")
    assert table.labels.tolist() == [0, 2, 1]
    cause = "line 4: unknown label: 'mid', declared are low, high; mend it"
    with pytest.raises(errors.UserError, match=cause):
        csv.load(path, classes=["low", "high"])


def test_declared_names_may_hold_a_bar_and_order_several_labels(tmp_path):
    path = written(tmp_path, "text,label\na,x|y\nb,z\n")
    assert csv.load(path, classes=["z", "x|y"]).labels.tolist() == [1, 0]
    several = csv.load(path, classes=["z", "y", "x"])
    np.testing.assert_array_equal(several.labels, [[0, 1, 1], [1, 0, 0]])
    with pytest.raises(errors.UserError, match="unknown label: 'y'"):
        csv.load(path, classes=["x", "z"])


def test_records_without_the_label_are_none_of_it(tmp_path):
    path = written(tmp_path, "text,mood,stars\na,good,\nb,,3\nc,bad,1\n")
    moods = csv.load(path, columns={"label": "mood"}, empty="skip")
    stars = csv.load(path, columns={"label": "stars"}, empty="skip", form="numbers")
    assert moods.ids.tolist() == ["line 2", "line 4"]
    assert stars.ids.tolist() == ["line 3", "line 4"]
    assert moods.skipped == stars.skipped == ()
    with pytest.raises(errors.UserError, match="line 3: empty label"):
        csv.load(path, columns={"label": "mood"})


def test_in_json_a_missing_field_and_null_are_empty_and_no_labels_are_a_label(tmp_path):
    path = lines(
        tmp_path,
        {"text": "a", "label": ["x"]},
        {"text": "b"},
        {"text": "c", "label": None},
        {"text": "d", "label": []},
        {"text": "e", "label": ["y", "x"]},
    )
    table = jsonl.load(path, empty="skip")
    assert table.values.tolist() == ["a", "d", "e"]
    np.testing.assert_array_equal(table.labels, [[1, 0], [0, 0], [1, 1]])


@pytest.mark.parametrize("empty", ["skip", "error"])
def test_a_column_that_is_empty_everywhere_is_named(tmp_path, empty):
    path = written(tmp_path, "text,label,mood\na,x,\nb,y, \n")
    with pytest.raises(errors.UserError, match="column 'mood' is empty on every line"):
        csv.load(path, columns={"label": "mood"}, empty=empty)
    flags = written(tmp_path, "text,p,q\na,,\nb,,\n", "f.csv")
    with pytest.raises(errors.UserError, match="column 'p', 'q' is empty on every"):
        csv.load(flags, labels=["p", "q"], empty=empty)


def test_flags_that_are_all_empty_are_no_record_and_some_are_bad(tmp_path):
    path = written(tmp_path, "text,p,q\na,1,0\nb,,\nc,0,\n")
    with pytest.raises(errors.UserError, match="line 4: bad flag: column 'q' holds ''"):
        csv.load(path, labels=["p", "q"], empty="skip")
    table = csv.load(path, labels=["p", "q"], empty="skip", strict=False)
    assert table.values.tolist() == ["a"]


def test_tags_are_read_as_lists_or_parted_by_white_space(tmp_path):
    path = lines(
        tmp_path,
        {"text": ["Mary", "lives"], "label": ["B-PER", "O"]},
        {"text": "in  Rome\t.", "label": "O B-LOC O"},
    )
    table = jsonl.load(path, form="tokens")
    assert table.form == "tokens"
    assert table.classes == ("B-LOC", "B-PER", "O")
    assert table.values.tolist() == ["Mary lives", "in Rome ."]
    assert [table.label(row) for row in range(2)] == [
        ["B-PER", "O"],
        ["O", "B-LOC", "O"],
    ]
    assert [tags.dtype for tags in table.labels] == [np.int32, np.int32]
    manifest = written(tmp_path, "text,label\nMary lives,B-PER O\nin Rome,O B-LOC\n")
    assert csv.load(manifest, form="tokens").label(1) == ["O", "B-LOC"]


def test_one_manifest_labels_texts_and_their_tokens(tmp_path):
    path = lines(
        tmp_path,
        {"text": ["Mary", "lives"], "tags": ["N", "V"], "kind": "short"},
        {"text": ["in", "Rome", "."], "tags": None, "kind": "long"},
    )
    tags = jsonl.load(path, columns={"label": "tags"}, form="tokens", empty="skip")
    kinds = jsonl.load(path, columns={"label": "kind"})
    assert kinds.values.tolist() == ["Mary lives", "in Rome ."]
    assert tags.values.tolist() == ["Mary lives"]


def test_texts_of_equal_length_stay_one_array_each(tmp_path):
    path = written(tmp_path, "text,label\na b,X Y\nc d,Y X\n")
    labels = csv.load(path, form="tokens").labels
    assert labels.shape == (2,)
    assert labels[1].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        ({"text": ["a", "b"], "label": ["X"]}, "line 2: 1 tags for 2 tokens"),
        ({"text": "a", "label": "X Y Z"}, "line 2: 3 tags for 1 tokens"),
        (
            {"text": ["a", "b c"], "label": "X Y"},
            "line 2: token 2 is empty or holds whi",
        ),
        (
            {"text": ["a", ""], "label": "X Y"},
            "line 2: token 2 is empty or holds white",
        ),
        ({"text": "a \0", "label": "X Y"}, "line 2: token 2 holds a zero byte"),
        ({"text": ["a"], "label": ["X Y"]}, "line 2: tag of token 1 is empty or holds"),
        ({"text": ["a"], "label": []}, "line 2: empty label"),
        ({"text": [], "label": []}, "line 2: empty text"),
    ],
)
def test_tokens_and_tags_that_disagree_are_named_by_line(tmp_path, row, cause):
    path = lines(tmp_path, {"text": "o p", "label": "X Y"}, row)
    with pytest.raises(errors.UserError, match=cause):
        jsonl.load(path, form="tokens")


def test_declared_tags_shut_out_others(tmp_path):
    path = written(tmp_path, "text,label\na b,X Y\n")
    assert csv.load(path, form="tokens", classes=["Z", "Y", "X"]).label(0) == ["X", "Y"]
    with pytest.raises(errors.UserError, match="unknown label: 'Y', declared are X, Z"):
        csv.load(path, form="tokens", classes=["X", "Z"])


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"form": "number"}, "form: 'number' is not one of names, numbers, tokens"),
        ({"empty": "drop"}, "empty: 'drop' is not one of error, skip"),
        ({"classes": "abc"}, "classes: 'abc' is not a list"),
        ({"classes": ["a", "a"]}, "classes: .* are not two or more different"),
        ({"classes": ["a"]}, "classes: .* are not two or more different"),
        ({"classes": ["a", "b"], "form": "numbers"}, "classes: does not go with form"),
        ({"range": [0, 1]}, "range: goes with form: numbers only"),
        ({"range": [1, 1], "form": "numbers"}, r"range: \[1, 1\] is not \[low, high\]"),
        ({"range": [0, "b"], "form": "numbers"}, "range: .* is not"),
        ({"range": 5, "form": "numbers"}, "range: 5 is not"),
        ({"labels": ["p"], "form": "tokens"}, "labels: goes with form: names"),
        (
            {"multi_label": True, "form": "numbers"},
            "multi_label: goes with form: names",
        ),
    ],
)
def test_wrong_options_are_told_before_a_line_is_read(tmp_path, options, cause):
    path = written(tmp_path, "text,label\na,1\nb,2\n")
    with pytest.raises(errors.UserError, match=f"data.options.{cause}"):
        csv.load(path, **options)


def test_tags_of_images_are_refused(tmp_path):
    path = written(tmp_path, "image,label\na.png,X\n")
    with pytest.raises(errors.UserError, match="form: tokens is of texts"):
        csv.load(path, form="tokens")


@settings(max_examples=200, deadline=None)
@given(st.floats(width=32) | st.text(max_size=12) | st.integers())
def test_a_number_cell_is_a_finite_float32_or_bad_or_empty(cell):
    found = _labels.read({"x": cell}, "x", _labels.Options(form="numbers"))
    if isinstance(found, float):
        assert math.isfinite(np.float32(found))
        assert float(str(cell)) == found
    else:
        assert found is None or isinstance(found, _labels.Bad)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30) | st.lists(st.text(max_size=5), max_size=5))
def test_tokens_joined_by_spaces_part_into_the_same_tokens(cell):
    found = _labels.tokens(cell)
    if not isinstance(found, _labels.Bad):
        assert " ".join(found).split(" ") == (found or [""])
        assert " ".join(found).split() == found
