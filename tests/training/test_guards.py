"""What is refused before time is spent."""

import json
import shutil

import numpy as np
import pytest

from tltf import config, errors
from tltf.runs import train
from tltf.training import job


def start(folder, **data):
    raw = {
        "method": "featurize",
        "backbone": "plain/tiny",
        "weights": "none",
        "data": {"source": f"folder:{folder}", **data},
    }
    return job.start(config.override(raw, {}, where="test"), folder)


@pytest.fixture
def copied(stripes, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(stripes, folder)
    return folder


def test_the_roles_are_disjoint_and_whole(stripes):
    records = start(stripes).records
    rows = np.concatenate(list(records.rows.values()))
    assert sorted(rows) == list(range(len(records.table)))
    assert records.counts == {"train": 36, "valid": 18, "test": 18, "skipped": 0}


def test_an_equal_file_in_train_and_test_is_a_leak(copied):
    shutil.copy(copied / "test/down/018.png", copied / "train/down/twin.png")
    words = "1 records of train are equal.*twin.png"
    with pytest.raises(errors.UserError, match=words):
        start(copied)


def test_a_leak_can_be_dropped(copied):
    shutil.copy(copied / "test/down/018.png", copied / "train/down/twin.png")
    assert start(copied, leaks="drop").records.counts["train"] == 36
    assert start(copied, leaks="allow").records.counts["train"] == 37


def test_equal_files_under_two_labels_are_refused(copied):
    shutil.copy(copied / "train/down/000.png", copied / "train/across/twin.png")
    with pytest.raises(errors.UserError, match="same record under two labels"):
        start(copied)
    # neither of the two is learnt from, and the others are
    records = start(copied, conflicts="drop").records
    assert records.counts["train"] == 35
    assert not {"train/down/000.png", "train/across/twin.png"} & set(
        records.part("train").ids
    )


def test_slices_that_share_records_are_refused(stripes):
    with pytest.raises(errors.UserError, match="share"):
        start(stripes, train="train", valid="train[50%:]", test="test")


def test_choosing_on_the_test_split_is_refused(stripes):
    with pytest.raises(errors.UserError, match="valid|share"):
        start(stripes, train="train", valid="test", test="test")


def test_a_class_missing_from_train_is_named(stripes):
    with pytest.raises(errors.UserError, match="no record of"):
        start(stripes, train="train[:1]", valid="val", test="test")


def test_a_bad_file_is_skipped_and_counted(copied):
    (copied / "train/down/bad.png").write_bytes(b"")
    records = start(copied).records
    assert records.counts["train"] == 36
    assert records.counts["skipped"] == 1
    assert records.bad[0][0] == "train/down/bad.png"


def test_a_bad_file_stops_where_it_should(copied):
    (copied / "train/down/bad.png").write_bytes(b"")
    with pytest.raises(errors.UserError, match="train/down/bad.png"):
        start(copied, bad="stop")


def test_several_labels_need_their_task(stripes, tmp_path):
    rows = ["image,label"]
    for number in range(12):
        rows.append(f"{stripes}/train/down/{number:03}.png,down|tall")
        rows.append(f"{stripes}/train/across/{number:03}.png,across")
    (tmp_path / "m.csv").write_text("\n".join(rows))
    raw = {
        "method": "featurize",
        "backbone": "plain/tiny",
        "weights": "none",
        "data": {"source": f"csv:{tmp_path}/m.csv"},
    }
    with pytest.raises(errors.UserError, match="task: multi_label"):
        train.train(config.override(raw, {}, where="test"), tmp_path / "run")


def test_few_examples_are_as_many_of_each_class(stripes):
    records = start(stripes, examples_per_class=3).records
    labels = records.part("train").labels
    np.testing.assert_array_equal(np.bincount(labels), [3, 3, 3])


def tagged(tmp_path, **change):
    lines = [{"text": f"a b{n}", "label": ["X", "YZ"[n % 7 == 6]]} for n in range(40)]
    (tmp_path / "m.jsonl").write_text("\n".join(map(json.dumps, lines)))
    options = {"form": "tokens"}
    raw = {
        "method": "standard",
        "task": "sequence_tags",
        "backbone": "glove/tiny",
        "weights": "none",
        "head": {"kind": "tags"},
        "text": {"split": "spaces"},
        "data": {"source": f"jsonl:{tmp_path}/m.jsonl", "options": options},
    }
    return job.start(config.override(raw, change, where="test"), tmp_path / "run")


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (
            {"head.kind": "linear"},
            "head.kind: linear gives one answer a text.*kind: tags",
        ),
        ({"text.split": "words"}, "text.split: words .* set text.split: spaces"),
        ({"text.keep": "end"}, "text.keep: end .* set text.keep: start"),
        (
            {"backbone": "awd_lstm/tiny"},
            "backbone: awd_lstm/tiny has tokens of its own",
        ),
        (
            {"task": "text_class"},
            "takes one class a record, .* use task: sequence_tags",
        ),
        ({"data.options": {"form": "names"}}, "use task: multi_label"),
        ({"data.examples_per_class": 2}, "examples_per_class: counts records of cla"),
    ],
)
def test_what_would_part_tags_from_their_tokens_is_refused(tmp_path, change, cause):
    with pytest.raises(errors.UserError, match=cause):
        tagged(tmp_path, **change)


def test_tags_go_with_words_and_with_characters(tmp_path):
    for backbone in ("glove/tiny", "elmo/tiny"):
        assert tagged(tmp_path, backbone=backbone).classes == ("X", "Y", "Z")


def test_a_head_of_tokens_needs_tags(subjects, tmp_path):
    raw = {
        "method": "standard",
        "task": "text_class",
        "backbone": "glove/tiny",
        "weights": "none",
        "head": {"kind": "tags"},
        "data": {"source": f"jsonl:{subjects}"},
    }
    with pytest.raises(errors.UserError, match="tags gives an answer for each token"):
        job.start(config.override(raw, {}, where="test"), tmp_path / "run")


def test_two_numbers_of_one_record_are_two_measurements(tmp_path):
    lines = [f"text {n % 30},{n // 30}" for n in range(60)]
    (tmp_path / "m.csv").write_text("\n".join(["text,label", *lines]))
    raw = {
        "method": "standard",
        "task": "regression",
        "backbone": "glove/tiny",
        "weights": "none",
        "data": {"source": f"csv:{tmp_path}/m.csv", "options": {"form": "numbers"}},
    }
    recipe = config.override(raw, {}, where="test")
    assert job.start(recipe, tmp_path / "run").classes == ()
    raw["data"]["options"] = {}
    classes = config.override(raw | {"task": "text_class"}, {}, where="test")
    with pytest.raises(errors.UserError, match="same record under two labels"):
        job.start(classes, tmp_path / "run")


def graded(tmp_path, labels, **options):
    lines = [f"text {n},{labels[n % len(labels)]}" for n in range(60)]
    (tmp_path / "m.csv").write_text("\n".join(["text,label", *lines]))
    raw = {
        "method": "standard",
        "task": "ordinal",
        "backbone": "glove/tiny",
        "weights": "none",
        "data": {"source": f"csv:{tmp_path}/m.csv", "options": options},
    }
    return job.start(config.override(raw, {}, where="test"), tmp_path / "run")


def test_levels_that_are_numbers_must_rise(tmp_path):
    with pytest.raises(
        errors.UserError, match="levels 10, 2 do not rise; declare them"
    ):
        graded(tmp_path, ["2", "10"])
    assert graded(tmp_path, ["2", "10"], classes=[2, 10]).classes == ("2", "10")
    assert graded(tmp_path, ["ok", "bad"]).classes == ("bad", "ok")


def test_classes_for_a_task_of_numbers_are_told_the_option(tmp_path):
    raw = {
        "method": "standard",
        "task": "regression",
        "backbone": "glove/tiny",
        "weights": "none",
    }
    lines = [f"text {n},{n % 2}" for n in range(60)]
    (tmp_path / "m.csv").write_text("\n".join(["text,label", *lines]))
    raw["data"] = {"source": f"csv:{tmp_path}/m.csv", "options": {"form": "names"}}
    with pytest.raises(
        errors.UserError, match="set data.options.form: numbers, or use"
    ):
        job.start(config.override(raw, {}, where="test"), tmp_path / "run")
