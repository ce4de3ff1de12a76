import os

import broken
import pytest

from tltf import errors
from tltf.sources import folder


def test_records_come_in_sorted_order_with_path_below_the_root_as_id(tmp_path):
    broken.folder(tmp_path, classes=("dogs", "cats"), each=2)
    table = folder.load(str(tmp_path))
    assert table.ids.tolist() == [
        "cats/0.jpg",
        "cats/1.jpg",
        "dogs/0.jpg",
        "dogs/1.jpg",
    ]
    assert table.values.tolist() == [str(tmp_path / name) for name in table.ids]
    assert table.labels.tolist() == [0, 0, 1, 1]
    assert table.classes == ("cats", "dogs")
    assert set(table.splits) == {"all"}


@pytest.mark.parametrize("name", ["val", "valid", "validation", "test"])
def test_split_folders_become_published_splits(tmp_path, name):
    broken.folder(tmp_path / "train", each=2)
    broken.folder(tmp_path / name, each=1)
    table = folder.load(str(tmp_path))
    got = list(zip(table.splits.tolist(), table.ids.tolist(), strict=True))
    assert (name, f"{name}/cats/0.jpg") in got
    assert table.splits.tolist().count("train") == 4
    assert table.classes == ("cats", "dogs")


def test_classes_named_train_and_bus_are_classes(tmp_path):
    broken.folder(tmp_path, classes=("train", "bus"))
    assert folder.load(str(tmp_path)).classes == ("bus", "train")


def test_every_file_that_is_no_record_is_listed_with_its_cause(tmp_path):
    broken.folder(tmp_path)
    (tmp_path / "README.md").write_text("x")
    (tmp_path / "cats" / ".DS_Store").write_text("x")
    (tmp_path / "cats" / "notes.txt").write_text("x")
    (tmp_path / "cats" / "more").mkdir()
    os.symlink(tmp_path / "nowhere", tmp_path / "dogs" / "link.jpg")
    skipped = dict(folder.load(str(tmp_path)).skipped)
    assert skipped == {
        "README.md": "file beside the class folders",
        "cats/.DS_Store": "hidden file",
        "cats/notes.txt": "extension .txt: not one of .bmp .gif .jpeg .jpg .png .webp",
        "cats/more": "folder inside a class folder",
        "dogs/link.jpg": "broken link",
    }


def test_upper_case_extensions_are_images(tmp_path):
    broken.folder(tmp_path)
    (tmp_path / "cats" / "0.jpg").rename(tmp_path / "cats" / "0.JPG")
    assert "cats/0.JPG" in folder.load(str(tmp_path)).ids


def test_a_class_missing_from_train_is_named(tmp_path):
    broken.folder(tmp_path / "train")
    broken.folder(tmp_path / "val", classes=("cats", "dogs", "birds"))
    with pytest.raises(
        errors.UserError, match=r"train/birds: class missing from train"
    ):
        folder.load(str(tmp_path))


def test_an_empty_class_is_named_or_listed_when_not_strict(tmp_path):
    broken.folder(tmp_path)
    (tmp_path / "birds").mkdir()
    with pytest.raises(errors.UserError, match=r"birds: empty class"):
        folder.load(str(tmp_path))
    table = folder.load(str(tmp_path), strict=False)
    assert ("birds/", "empty class: no images in its folder") in table.skipped


def test_loose_files_are_one_class_when_not_strict(tmp_path):
    broken.save(tmp_path / "a.jpg", 0)
    with pytest.raises(errors.UserError, match="1 files but no class folders"):
        folder.load(str(tmp_path))
    assert folder.load(str(tmp_path), strict=False).ids.tolist() == ["a.jpg"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: None, "is empty; expected"),
        (lambda root: broken.folder(root, classes=("cats",)), "one class only, 'cats'"),
        (lambda root: (root / "cats").mkdir(), "class folders but no images"),
    ],
)
def test_a_folder_that_cannot_be_learnt_from_is_one_line(tmp_path, make, message):
    make(tmp_path)
    with pytest.raises(errors.UserError, match=message) as caught:
        folder.load(str(tmp_path))
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_path_that_is_no_folder_is_named(tmp_path):
    with pytest.raises(errors.UserError, match=r"no folder .*nowhere"):
        folder.load(str(tmp_path / "nowhere"))
    with pytest.raises(errors.UserError, match="is a file, not a folder; csv:PATH"):
        folder.load(str(broken.save(tmp_path / "a.jpg", 0)))


def test_an_unreadable_folder_is_named(tmp_path, monkeypatch):
    broken.folder(tmp_path)

    def refuse(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(errors.UserError, match=r"cannot read .*: Permission denied"):
        folder.load(str(tmp_path))


@pytest.mark.realdata
def test_cats_and_dogs_have_their_published_counts(shared):
    table = folder.load(f"{shared}/data/cats_vs_dogs")
    splits = table.splits.tolist()
    assert (splits.count("train"), splits.count("test")) == (1000, 500)
