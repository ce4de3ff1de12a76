import os
import shutil
import tracemalloc

import broken
import PIL.Image
import pytest

from tltf.data import _looks, check, digests
from tltf.sources import _rows, folder


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TLTF_HOME", str(tmp_path / "home"))


@pytest.fixture
def root(tmp_path):
    return tmp_path / "data"


def causes(root, **options):
    """Returns path below the root to (cause, action) pairs."""
    report = check.scan(folder.load(str(root), strict=False), **options)
    found = {}
    for path, cause, action in report.problems:
        found.setdefault(os.path.relpath(path, root), []).append((cause, action))
    return found


@pytest.mark.parametrize("name", broken.KINDS)
def test_each_kind_of_bad_file_is_named_with_its_cause(root, name):
    broken.folder(root)
    contents, cause, action = broken.KINDS[name]
    (root / "cats" / name).write_bytes(contents)
    found = causes(root, near=False)
    assert list(found) == [f"cats/{name}"]
    ((got, act),) = found[f"cats/{name}"]
    assert got.startswith(cause)
    assert act == action


def test_a_sound_folder_has_no_problems(root):
    broken.folder(root)
    report = check.scan(folder.load(str(root)))
    assert report == (6, [])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
@pytest.mark.parametrize("cut", [1, 2, 3, 12])
def test_a_file_that_lacks_its_last_bytes_is_never_called_sound(tmp_path, kind, cut):
    tf = pytest.importorskip("tensorflow")
    from tltf.ops import images

    contents = broken.encoded(broken.photo(0), kind)[:-cut]
    (tmp_path / "file").write_bytes(contents)
    fatal = _looks.look(str(tmp_path / "file")).fatal
    if fatal is None:  # what we call sound, the network's reader must read
        images.decode(tf.constant(contents))


@pytest.mark.parametrize("name", broken.KINDS)
def test_the_verdict_is_that_of_the_reader_that_training_uses(tmp_path, name):
    tf = pytest.importorskip("tensorflow")
    from tltf.ops import images

    contents = broken.KINDS[name][0]
    path = tmp_path / name
    path.write_bytes(contents)
    found = check.undecodable([str(path)], digests.sha256([str(path)]))
    if found:
        with pytest.raises(tf.errors.InvalidArgumentError):
            images.decode(tf.constant(contents))
    else:
        images.decode(tf.constant(contents))


def test_the_limit_of_pixels_is_that_of_the_reader():
    pytest.importorskip("tensorflow")
    from tltf.ops import images

    assert check.LIMIT_PIXELS == images.PIXELS


def test_an_image_over_the_limit_is_not_decoded(tmp_path, monkeypatch):
    (tmp_path / "bomb.png").write_bytes(broken.bomb())

    def refuse(*_):
        raise AssertionError("decoded")

    monkeypatch.setattr(PIL.Image.Image, "load", refuse)
    tracemalloc.start()
    seen = _looks.looks([str(tmp_path / "bomb.png")], [""])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen[0].fatal.startswith("over the pixel limit")
    assert peak < 5e6


def test_the_limit_can_be_given_and_pillows_own_is_put_back(root):
    broken.folder(root)
    before = PIL.Image.MAX_IMAGE_PIXELS
    found = causes(root, limit_pixels=96 * 64 - 1)
    assert (
        found["cats/0.jpg"][0][0] == "over the pixel limit: 96 x 64 is more than 6143"
    )
    assert not causes(root, limit_pixels=96 * 64)
    assert before == PIL.Image.MAX_IMAGE_PIXELS


def test_copies_within_and_across_splits_and_classes_are_told_apart(root):
    broken.folder(root / "train")
    broken.folder(root / "val")
    for name in ("cats", "dogs"):
        for number in range(3):
            seed = 500 + 10 * number + len(name) * (name == "cats")
            broken.save(root / "val" / name / f"{number}.jpg", seed)
    first = root / "train/cats/0.jpg"
    shutil.copy(first, root / "train/cats/same.jpg")
    shutil.copy(first, root / "train/dogs/other.jpg")
    shutil.copy(first, root / "val/cats/across.jpg")
    small = PIL.Image.open(root / "train/dogs/1.jpg").resize((72, 48))
    small.save(root / "val/dogs/small.png")
    assert causes(root) == {
        "train/cats/same.jpg": [("exact duplicate of train/cats/0.jpg", "noted")],
        "train/dogs/other.jpg": [
            (
                "conflicting labels: exact duplicate of train/cats/0.jpg "
                "(labels 'dogs' and 'cats')",
                "fix",
            )
        ],
        "val/cats/across.jpg": [
            (
                "exact duplicate of train/cats/0.jpg (across splits val and train)",
                "fix",
            )
        ],
        "val/dogs/small.png": [
            (
                "near duplicate of train/dogs/1.jpg (across splits val and train)",
                "fix",
            )
        ],
    }


def test_empty_classes_and_stray_files_are_problems_and_hidden_files_are_not(root):
    broken.folder(root)
    (root / "birds").mkdir()
    (root / "cats" / "notes.txt").write_text("x")
    (root / "cats" / ".DS_Store").write_text("x")
    found = causes(root)
    assert {path: act for path, ((_, act),) in found.items()} == {
        "birds": "fix",
        "cats/notes.txt": "skipped",
    }


def test_an_unreadable_file_is_named(root, monkeypatch):
    broken.folder(root)
    table = folder.load(str(root))
    (root / "cats" / "0.jpg").unlink()
    report = check.scan(table)
    assert report.problems == [
        (str(root / "cats/0.jpg"), "unreadable: No such file or directory", "skipped")
    ]


def test_progress_ends_with_all_files(root):
    broken.folder(root)
    seen = []
    check.scan(folder.load(str(root)), progress=lambda *at: seen.append(at))
    assert seen == [(n, 6) for n in range(1, 7)]


def test_undecodable_names_rows_and_remembers_them_by_content(root, monkeypatch):
    broken.all_kinds(root)
    table = folder.load(str(root))
    paths = list(table.values)
    known = digests.sha256(paths)
    first = check.undecodable(paths, known)
    named = {os.path.basename(paths[row]): cause for row, cause in first.items()}
    assert set(named) == {n for n, k in broken.KINDS.items() if k[2] == "skipped"}

    def refuse(*_, **__):
        raise AssertionError("decoded again")

    monkeypatch.setattr(_looks, "look", refuse)
    assert check.undecodable(paths, known) == first


def test_equal_texts_and_empty_ones_are_found():
    rows = [
        _rows.Row(str(n), text, label)
        for n, (text, label) in enumerate([("x", 0), ("x", 0), ("x", 1), (" ", 1)])
    ]
    table = _rows.table(rows, ["a", "b"], kind="text")
    assert check.scan(table).problems == [
        ("1", "exact duplicate of 0", "noted"),
        (
            "2",
            "conflicting labels: exact duplicate of 0 (labels 'b' and 'a')",
            "fix",
        ),
        ("3", "empty text", "skipped"),
    ]


def test_the_summary_counts_by_kind_of_cause():
    problems = [
        check.Problem("a", "exact duplicate of x", "noted"),
        check.Problem("b", "exact duplicate of y", "noted"),
        check.Problem("c", "wrong extension: a GIF called .jpg", "noted"),
    ]
    assert check.summary(problems) == {
        ("exact duplicate", "noted"): 2,
        ("wrong extension", "noted"): 1,
    }
