import hashlib
import os
import time

import pytest

from tltf import errors
from tltf.data import digests
from tltf.sources import _rows


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TLTF_HOME", str(tmp_path / "home"))


def old(path, contents):
    """Writes a file that has not changed for an hour."""
    path.write_bytes(contents)
    before = time.time() - 3600
    os.utime(path, (before, before))
    return str(path)


def test_digests_are_those_of_the_bytes_in_order(tmp_path):
    paths = [old(tmp_path / f"{n}", bytes([n]) * n * 1000) for n in range(40)]
    want = [hashlib.sha256(bytes([n]) * n * 1000).hexdigest() for n in range(40)]
    assert digests.sha256(paths) == want
    assert digests.sha256(paths) == want
    assert digests.sha256(paths[::-1]) == want[::-1]


def test_a_file_of_the_same_size_and_time_is_not_read_again(tmp_path, monkeypatch):
    path = old(tmp_path / "a", b"first")
    first = digests.sha256([path])

    def refuse(path):
        raise AssertionError(f"read {path}")

    monkeypatch.setattr(digests, "_digest", refuse)
    assert digests.sha256([path]) == first


@pytest.mark.parametrize("change", ["size", "time"])
def test_a_changed_file_is_read_again(tmp_path, change):
    path = old(tmp_path / "a", b"first")
    digests.sha256([path])
    if change == "size":
        old(tmp_path / "a", b"other bytes")
    else:
        (tmp_path / "a").write_bytes(b"other")
    contents = (tmp_path / "a").read_bytes()
    assert digests.sha256([path]) == [hashlib.sha256(contents).hexdigest()]


def test_a_file_written_just_now_is_not_trusted(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"first")
    state = path.stat()
    digests.sha256([str(path)])
    path.write_bytes(b"other")  # within one time stamp of a coarse file system
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert digests.sha256([str(path)]) == [hashlib.sha256(b"other").hexdigest()]


def test_an_unreadable_file_is_named_or_blank(tmp_path):
    paths = [old(tmp_path / "a", b"x"), str(tmp_path / "gone"), str(tmp_path / "lost")]
    with pytest.raises(
        errors.UserError, match=r"cannot read .*gone and 1 more: No such"
    ):
        digests.sha256(paths)
    assert digests.sha256(paths, unreadable="blank")[1:] == ["", ""]


def test_texts_are_digested_as_utf8():
    table = _rows.table([_rows.Row("1", "é", 0)], ["a"], kind="text")
    assert digests.records(table) == [hashlib.sha256("é".encode()).hexdigest()]


def test_a_cache_folder_that_cannot_be_used_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("TLTF_HOME", str(tmp_path / "file"))
    with pytest.raises(errors.UserError, match="set TLTF_HOME to a folder"):
        digests.sha256([old(tmp_path / "a", b"x")])


def test_a_broken_memory_is_named(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "files.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(errors.UserError, match=r"files.sqlite: .*; delete it"):
        digests.sha256([old(tmp_path / "a", b"x")])


def test_four_hundred_files_take_well_under_a_second(tmp_path):
    paths = [old(tmp_path / f"{n}", os.urandom(50_000)) for n in range(400)]
    start = time.perf_counter()
    first = digests.sha256(paths)
    middle = time.perf_counter()
    assert digests.sha256(paths) == first
    assert middle - start < 1.0
    assert time.perf_counter() - middle < 0.3
