import json
import os
import time

import broken
import numpy as np
import pytest

from tltf import errors
from tltf.sources import _builder, _materialize, folder, tfds

pytest.importorskip("tensorflow_datasets")
pytestmark = [
    # tensorflow_datasets and what it imports, none of it ours
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder source, and TFDS's data folder with a set made of it."""
    root, data = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("tfds")
    for split, seed in (("train", 0), ("val", 50)):
        for place, name in enumerate(("cats", "dogs")):
            for number in range(3 if split == "train" else 1):
                path = root / split / name / f"{number}.jpg"
                broken.save(path, seed + 10 * place + number)
    made = _builder.builder(f"folder:{root}")
    made(data_dir=str(data)).download_and_prepare()
    return root, data


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TLTF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TLTF_OFFLINE", "1")


def contents(table):
    """Returns the bytes of each record with its label and split, in any order."""
    rows = zip(table.values, table.labels.tolist(), table.splits.tolist(), strict=True)
    return sorted(
        (open(path, "rb").read(), label, split) for path, label, split in rows
    )


def test_our_source_as_a_tfds_set_reads_back_the_same_bytes(prepared):
    root, data = prepared
    table = tfds.load("folder", data_dir=str(data))
    assert contents(table) == contents(folder.load(str(root)))
    assert table.classes == ("cats", "dogs")
    assert len(set(table.ids.tolist())) == len(table) == 8
    assert {os.path.splitext(path)[1] for path in table.values} == {".jpg"}


def test_tfds_itself_loads_our_source_with_ids_and_slices(prepared):
    import tensorflow_datasets

    _, data = prepared
    made = tensorflow_datasets.load("folder", data_dir=str(data), split="train[:50%]")
    records = list(made.as_numpy_iterator())
    assert len(records) == 3
    for record in records:
        name = ("cats", "dogs")[record["label"]]
        assert record["id"].decode().startswith(f"train/{name}/")
        assert record["image"].shape == (64, 96, 3)


def test_files_are_written_once(prepared, monkeypatch):
    _, data = prepared
    first = tfds.load("folder", data_dir=str(data))

    def refuse(*_):
        raise AssertionError("written again")

    monkeypatch.setattr(_materialize, "_write", refuse)
    np.testing.assert_array_equal(
        tfds.load("folder", data_dir=str(data)).ids, first.ids
    )


def test_a_stopped_write_leaves_no_split_and_is_taken_up(prepared, monkeypatch):
    _, data = prepared
    records = _materialize._records

    def stop(builder, split, features):
        for number, record in enumerate(records(builder, split, features)):
            if split == "val" or number == 2:
                raise KeyboardInterrupt
            yield record

    monkeypatch.setattr(_materialize, "_records", stop)
    with pytest.raises(KeyboardInterrupt):
        tfds.load("folder", data_dir=str(data))
    monkeypatch.setattr(_materialize, "_records", records)
    assert len(tfds.load("folder", data_dir=str(data))) == 8


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cats_vs_dogs", "cats_vs_dogs is not prepared and TLTF_OFFLINE is set"),
        ("cats_vs_dog", "no such set; did you mean 'cats_vs_dogs'"),
        ("cifar10/nope", "BuilderConfig nope not found"),
        ("imdb_reviews", "imdb_reviews has no Image feature, it has text, label; take"),
        ("coco", "has no ClassLabel feature"),
    ],
)
def test_a_set_that_cannot_be_had_is_one_line_within_seconds(tmp_path, name, message):
    start = time.monotonic()
    with pytest.raises(errors.UserError, match=message) as caught:
        tfds.load(name, data_dir=str(tmp_path))
    assert time.monotonic() - start < 5
    assert "\n" not in str(caught.value)


def test_texts_make_no_builder(tmp_path):
    (tmp_path / "m.jsonl").write_text(
        "\n".join(json.dumps({"text": t, "label": t}) for t in "ab")
    )
    made = _builder.builder(f"jsonl:{tmp_path}/m.jsonl")
    with pytest.raises(errors.UserError, match="jsonl has no images of one label"):
        made(data_dir=str(tmp_path))
