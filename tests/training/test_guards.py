"""What is refused before time is spent."""

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
