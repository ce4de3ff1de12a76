import numpy as np
import pytest

from tltf.data import check, digests, facts, manifest
from tltf.sources import _rows, csv


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TLTF_HOME", str(tmp_path / "home"))


def table(*rows):
    """Returns the table of (text, label, split) rows, with ids 0, 1, ..."""
    made = [
        _rows.Row(str(number), text, label, split)
        for number, (text, label, split) in enumerate(rows)
    ]
    return _rows.table(made, ["a", "b"], kind="text", skipped=[("9", "no body")])


def problems(*texts):
    found = check.scan(table(*((text, 0, "all") for text in texts)))
    return [tuple(p) for p in found.problems if p.path != "9"]


@pytest.mark.parametrize(
    ("text", "cause", "action"),
    [
        ("", "empty text", "skipped"),
        (" \n\t", "empty text", "skipped"),
        ("x" * 100_001, "very long: 100001 characters", "noted"),
        (
            "caf\ufffd \ufffd",
            "replacement characters: 2, decoded wrongly before",
            "noted",
        ),
        ("a\0b\x1bc\0", "control characters: 3 times, such as U+0000 U+001B", "noted"),
        ("it\x92s", "Windows-1252 read as Latin-1: 1 times, such as U+0092", "noted"),
        ("na\xc3\xafve", "UTF-8 read as Latin-1: 1 times, 'Ã¯'", "noted"),
    ],
)
def test_each_kind_of_bad_text_is_named(text, cause, action):
    assert problems("sound", text) == [("1", cause, action)]


def test_sound_texts_of_any_script_have_no_problems():
    assert problems("naïve café", "☃ 日本語", "tab\tline\r\n", "x" * 100_000) == []


def test_equal_texts_are_named_with_what_is_wrong_about_them():
    found = check.scan(
        table(
            ("one", 0, "train"),
            ("one", 0, "train"),
            ("one", 0, "test"),
            ("one", 1, "train"),
            ("Two  words", 0, "train"),
            ("two words\n", 0, "test"),
        )
    )
    assert [tuple(p) for p in found.problems] == [
        ("1", "exact duplicate of 0", "noted"),
        ("2", "exact duplicate of 0 (across splits test and train)", "fix"),
        ("3", "conflicting labels: exact duplicate of 0 (labels 'b' and 'a')", "fix"),
        ("5", "near duplicate of 4 (across splits test and train)", "fix"),
        ("9", "no body", "skipped"),
    ]
    assert found.files == 7


def test_near_duplicates_can_be_left_out():
    made = table(("A b", 0, "all"), ("a B", 0, "all"))
    assert [p.path for p in check.scan(made, near=False).problems] == ["9"]


def test_facts_of_texts_are_their_bytes_and_lengths():
    found = facts.facts(table(("one", 0, "all"), ("☃ " * 4, 1, "all"), ("a b", 0, "x")))
    assert found["bytes"] == 3 + 16 + 3
    assert found["lengths"] == {"characters": [3, 3, 8], "words": [1, 2, 4]}
    assert found["kind"] == "text"


TEXTS = ["a\rb", "a\r\nb", "a\nb", 'q"q', " edge ", "x,y", "☃", "\ttab", "a\0b"]


def test_a_split_of_texts_comes_back_from_its_manifest(tmp_path):
    made = table(*((text, n % 2, "all") for n, text in enumerate(TEXTS)))
    manifest.write(tmp_path / "m.csv", made, {"train": np.arange(len(TEXTS))})
    again = csv.load(str(tmp_path / "m.csv"))
    assert again.values.tolist() == TEXTS
    assert again.labels.tolist() == made.labels.tolist()
    assert digests.records(again) == digests.records(made)
