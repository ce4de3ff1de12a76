import json
import pathlib
import subprocess
import sys
import tarfile
import zipfile

import pytest

from tltf import errors
from tltf.pretraining import texts

WIKI = """\n = Lobster = \n\n A lobster is red . \n It lives . \n
 = = Body = = \n\n It has claws . \n\n = Whale = \n\n A whale is big . \n"""
BROWN = b"\n\n\tThe/at jury/nn said/vbd ``/`` no/at ''/'' ./.\n\n\tand/or/cc then/rb\n"


def tltf(*arguments):
    command = [sys.executable, "-m", "tltf.cli", "pretrain", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_file_has_a_text_a_line(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one\n\n  \ntwo caf\xe9\r\nthree")
    assert texts.read(str(tmp_path / "a.txt")) == [b"one", b"two caf\xe9", b"three"]


def test_wikitext_has_a_text_an_article(tmp_path):
    (tmp_path / "wiki.txt").write_text(WIKI)
    lobster, whale = texts.read(str(tmp_path / "wiki.txt"))
    assert (
        lobster.split()
        == (
            b"= Lobster = A lobster is red . It lives . = = Body = = It has claws ."
        ).split()
    )
    assert whale.split() == b"= Whale = A whale is big .".split()


def test_brown_loses_its_tags(tmp_path):
    with zipfile.ZipFile(tmp_path / "brown.zip", "w") as archive:
        archive.writestr("brown/cb01", BROWN)
        archive.writestr("brown/ca01", b"First/od ./.")
        archive.writestr("brown/README", "not a text")
    found = texts.read(str(tmp_path / "brown.zip"), only="*/unsup/*")
    assert found == [b"First .", b'The jury said " no " . and/or then']


@pytest.fixture
def reviews(tmp_path):
    for name in ("train/unsup/1", "train/unsup/0", "train/pos/2"):
        path = tmp_path / "reviews" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"review {name}")
    (tmp_path / "reviews" / "notes.md").write_text("no review")
    return tmp_path / "reviews"


@pytest.mark.parametrize("form", ["folder", "tar.gz", "zip"])
def test_folders_and_archives_have_a_text_a_file(form, reviews):
    place = reviews
    if form == "tar.gz":
        place = reviews.parent / "reviews.tar.gz"
        with tarfile.open(place, "w:gz") as archive:
            archive.add(reviews, "reviews")
    if form == "zip":
        place = reviews.parent / "reviews.zip"
        with zipfile.ZipFile(place, "w") as archive:
            for path in reviews.rglob("*.*"):
                archive.write(path, path.relative_to(reviews.parent).as_posix())
    assert len(texts.read(str(place))) == 3
    found = texts.read(str(place), only="*unsup/*")
    assert found == [b"review train/unsup/0", b"review train/unsup/1"]


def test_a_source_gives_all_but_its_test_split(tmp_path):
    rows = ["text,label,split", "one,a,train", "two,b,test", "three,b,val"]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    assert texts.read(f"csv:{tmp_path / 't.csv'}") == ["one", "three"]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("nowhere.txt", "'nowhere.txt' is no file, no folder and no source"),
        ("textures", "textures holds image, not texts"),
        ("empty.txt", "empty.txt: no text in it"),
        ("cut.tar.gz", "cut.tar.gz: damaged archive"),
    ],
)
def test_a_wrong_place_is_one_clear_line(place, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("empty.txt").write_text("\n \n")
    with tarfile.open("whole.tar.gz", "w:gz") as archive:
        archive.add(__file__, "a.txt")
    whole = pathlib.Path("whole.tar.gz").read_bytes()
    pathlib.Path("cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(errors.UserError, match=message):
        texts.read(place)


def test_held_out_texts_are_drawn_by_the_seed_and_not_learnt_from():
    found = [str(number) for number in range(100)]
    train, valid = texts.held_out(found, 0.1, 3)
    assert len(valid) == 10
    assert sorted(train + valid) == sorted(found)
    assert texts.held_out(found, 0.1, 3)[1] == valid != texts.held_out(found, 0.1, 4)[1]
    with pytest.raises(errors.UserError, match="cannot be cut in two"):
        texts.held_out(["one"], 0.1, 0)


def test_the_command_trains_and_tells_the_perplexity(tmp_path):
    (tmp_path / "a.txt").write_text("the cat sat on the mat\n" * 60)
    small = {"embedding": 4, "hidden": 5, "layers": 2, "batch": 4, "bptt": 10}
    sets = [f"--set={key}={value}" for key, value in {**small, "epochs": 1}.items()]
    given = (f"--data={tmp_path / 'a.txt'}", f"--workdir={tmp_path / 'lm'}", *sets)
    done = tltf(*given, "--backward")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["method"] == "awd_lstm"
    assert result["perplexity"] > 1
    assert json.loads((tmp_path / "lm" / "lm.json").read_text())["backward"] is True
    again = tltf(*given)
    assert again.returncode == 2
    assert "has a run already; add --resume" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workdir=x"], "--data is missing"),
        (["--data=x"], "--workdir is missing"),
        (["x"], "unexpected 'x'; texts go in --data"),
        (["--data=a", "--workdir=b", "--method=elmoo"], "no 'elmoo'; did you mean"),
        (["--data=a", "--workdir=b", "--set=rate"], "--set 'rate' is not KEY=VALUE"),
        (["--data=a", "--workdir=b", "--set=seed=x"], "seed=x: give a number"),
    ],
)
def test_a_wrong_flag_is_one_clear_line(arguments, message):
    done = tltf(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
