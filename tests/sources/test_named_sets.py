import hashlib
import pathlib
import zipfile

import broken
import numpy as np
import pytest

from tltf import errors, registry
from tltf.sources import caltech256, cats_vs_dogs, dtd, hymenoptera, simpsons

NAMED = ("hymenoptera", "cats_vs_dogs", "dtd", "simpsons", "caltech256")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TLTF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TLTF_OFFLINE", "1")
    return tmp_path / "home"


@pytest.mark.parametrize("name", NAMED)
def test_a_set_that_is_nowhere_says_where_to_put_it(name, home):
    with pytest.raises(errors.UserError) as caught:
        registry.find("sources", name).load("")
    assert str(home) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", registry.names("sources"))
def test_every_card_has_a_title_and_whole_checksums(name):
    card = registry.find("sources", name).CARD
    assert card.title
    for url, sha256, size in card.files:
        assert url.startswith("https://")
        assert sha256 is None or len(bytes.fromhex(sha256)) == 32
        assert size is None or size > 0


def test_hymenoptera_drops_exactly_the_placeholder(tmp_path):
    root = tmp_path / "hymenoptera_data"
    for split in ("train", "val"):
        broken.folder(root / split, classes=("ants", "bees"), each=2)
    for name in ("imageNotFound.gif", "other.gif"):
        (root / "train/ants" / name).write_bytes(broken.KINDS["gif.jpg"][0])
    table = hymenoptera.load("", path=str(tmp_path))
    assert table.skipped == (
        (
            "train/ants/imageNotFound.gif",
            "placeholder of a lost photograph, not an ant",
        ),
    )
    assert "train/ants/other.gif" in table.ids


def test_a_copy_in_the_cache_folder_is_found(home):
    broken.folder(home / "datasets/cats_vs_dogs/PetImages", classes=("Cat", "Dog"))
    assert cats_vs_dogs.load("").classes == ("Cat", "Dog")


def test_an_archive_in_the_downloads_folder_is_checked_and_unpacked(home, monkeypatch):
    folder = broken.folder(home / "made/PetImages", classes=("Cat", "Dog"))
    url, _, _ = cats_vs_dogs.CARD.files[0]
    archive = home / "downloads" / pathlib.PurePosixPath(url).name
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as out:
        for path in folder.rglob("*.jpg"):
            out.write(path, path.relative_to(home / "made"))
    with pytest.raises(errors.UserError, match="checksum"):
        cats_vs_dogs.load("")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    import dataclasses

    card = dataclasses.replace(cats_vs_dogs.CARD, files=((url, digest, None),))
    monkeypatch.setattr(cats_vs_dogs, "CARD", card)
    assert len(cats_vs_dogs.load("")) == 6
    assert (home / "datasets/cats_vs_dogs/PetImages/Cat/0.jpg").is_file()


@pytest.fixture
def textures(tmp_path):
    """The published layout, with an image in none of the split files."""
    root = tmp_path / "dtd"
    broken.folder(root / "images", classes=("banded", "woven"), each=4)
    (root / "labels").mkdir()
    for split in (1, 2):
        for place, name in enumerate(("train", "val", "test")):
            number = (place + split) % 3
            lines = [f"{c}/{number}.jpg\n" for c in ("banded", "woven")]
            (root / "labels" / f"{name}{split}.txt").write_text("".join(lines))
    return tmp_path


@pytest.mark.parametrize("split", [1, 2])
def test_dtd_reads_the_published_split_asked_for(textures, split):
    table = dtd.load("", path=str(textures), split=split)
    got = dict(zip(table.ids.tolist(), table.splits.tolist(), strict=True))
    names = ("train", "val", "test")
    want = {(place + split) % 3: name for place, name in enumerate(names)}
    assert got == {f"{c}/{n}.jpg": want[n] for c in ("banded", "woven") for n in want}
    assert ("banded/3.jpg", "in none of the published split files") in table.skipped


def test_dtd_names_a_missing_image_and_a_missing_split_file(textures):
    with pytest.raises(errors.UserError, match=r"train3.txt: No such file"):
        dtd.load("", path=str(textures), split=3)
    (textures / "dtd/images/woven/1.jpg").unlink()
    with pytest.raises(errors.UserError, match=r"not there, such as woven/1.jpg"):
        dtd.load("", path=str(textures))


def test_dtd_reads_plain_class_folders_too(tmp_path):
    broken.folder(tmp_path, classes=("banded", "woven"))
    table = dtd.load("", path=str(tmp_path))
    assert (table.classes, set(table.splits)) == (("banded", "woven"), {"all"})


def test_simpsons_keeps_the_largest_classes_in_sorted_order(tmp_path):
    root = tmp_path / "simpsons_dataset"
    for name, each in (("bart", 4), ("apu", 1), ("moe", 3), ("otto", 2)):
        broken.folder(root, classes=(name,), each=each)
    table = simpsons.load("", path=str(tmp_path), classes=3)
    assert table.classes == ("bart", "moe", "otto")
    assert np.bincount(table.labels).tolist() == [4, 3, 2]
    names = [table.classes[label] for label in table.labels]
    assert names == [name.split("/")[0] for name in table.ids]
    assert len(simpsons.load("", path=str(tmp_path), classes=None).classes) == 4
    with pytest.raises(errors.UserError, match=r"options.classes: 1 is not a count"):
        simpsons.load("", path=str(tmp_path), classes=1)


def test_caltech_drops_two_strays_and_cuts_each_class_by_name(tmp_path):
    root = tmp_path / "256_ObjectCategories"
    broken.folder(root, classes=("056.dog", "198.spider"), each=5)
    broken.save(root / "056.dog/greg/1.jpg", 7)
    (root / "198.spider/RENAME2").write_text("x")
    table = caltech256.load("", path=str(tmp_path))
    assert dict(table.skipped) == {
        "056.dog/greg": "stray folder of the archive",
        "198.spider/RENAME2": "stray file of the archive",
    }
    last = [name for name, s in zip(table.ids, table.splits, strict=True) if s == "val"]
    assert last == ["056.dog/4.jpg", "198.spider/4.jpg"]
