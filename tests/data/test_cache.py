"""Vectors come back as stored, from any process, and damage is noticed."""

import logging
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from tltf import errors
from tltf.data import cache


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("TLTF_HOME", str(tmp_path))
    return tmp_path


def rows(first, count, features=3):
    keys = [f"{i:064x}" for i in range(first, first + count)]
    values = np.arange(first, first + count)[:, None] * 10.0 + np.arange(features)
    return keys, values.astype(np.float32)


def put(folder, first, count):
    return cache.store(folder, [rows(first, count)], features=3)


def get(folder, keys):
    places = cache.lookup(folder, set(keys), features=3).places
    return cache.gather(places, keys, features=3)


def test_vectors_come_back_in_the_order_asked_for():
    folder = cache.folder({"net": 1})
    put(folder, 0, 5)
    put(folder, 5, 4)
    keys, values = rows(0, 9)
    order = [8, 0, 3, 3, 5]
    np.testing.assert_array_equal(get(folder, [keys[i] for i in order]), values[order])


def test_unknown_records_are_not_found():
    folder = cache.folder({"net": 1})
    put(folder, 0, 5)
    keys, _ = rows(3, 4)
    found = cache.lookup(folder, set(keys), features=3)
    assert set(found.places) == set(keys[:2])


def test_folders_of_other_descriptions_are_apart():
    one, two = cache.folder({"net": 1, "side": 8}), cache.folder({"net": 1, "side": 9})
    put(one, 0, 2)
    assert one == cache.folder({"side": 8, "net": 1})
    assert not cache.lookup(two, set(rows(0, 2)[0]), features=3).places


def test_a_whole_segment_is_mapped_and_cannot_be_written():
    folder = cache.folder({})
    put(folder, 0, 5)
    answer = get(folder, rows(0, 5)[0])
    assert isinstance(answer, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        answer[0] = 1


def test_an_answer_too_large_for_memory_is_a_mapped_file(monkeypatch, home):
    monkeypatch.setattr(cache, "_IN_MEMORY", 24)
    monkeypatch.setattr(cache, "SEGMENT_ROWS", 2)
    folder = cache.folder({})
    put(folder, 0, 4)
    put(folder, 4, 3)
    keys, values = rows(0, 7)
    answer = get(folder, keys[::-1])
    assert isinstance(answer, np.memmap)
    np.testing.assert_array_equal(answer, values[::-1])


def test_segments_end_at_their_limit(monkeypatch):
    monkeypatch.setattr(cache, "SEGMENT_ROWS", 4)
    folder = cache.folder({})
    keys, values = rows(0, 10)
    parts = [(keys[i : i + 2], values[i : i + 2]) for i in range(0, 10, 2)]
    cache.store(folder, parts, features=3)
    sizes = sorted(f.stat().st_size // 12 for f in folder.glob("*.f32"))
    assert sizes == [2, 4, 4]
    np.testing.assert_array_equal(get(folder, keys), values)


def test_rows_written_before_an_error_are_kept():
    folder = cache.folder({})

    def batches():
        yield rows(0, 2)
        raise RuntimeError("the power failed")

    with pytest.raises(RuntimeError, match="power"):
        cache.store(folder, batches(), features=3)
    np.testing.assert_array_equal(get(folder, rows(0, 2)[0]), rows(0, 2)[1])
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("suffix", [".f32", ".keys"])
def test_a_damaged_segment_is_named_and_removed(suffix, caplog):
    folder = cache.folder({})
    put(folder, 0, 5)
    put(folder, 5, 5)
    victim = next(folder.glob(f"*{suffix}"))
    content = bytearray(victim.read_bytes())
    content[3] ^= 1
    victim.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        found = cache.lookup(folder, set(rows(0, 10)[0]), features=3)
    assert found.damaged == 1
    assert len(found.places) == 5
    assert victim.stem in caplog.text
    assert not list(folder.glob(f"{victim.stem}*"))


def test_a_shortened_segment_is_removed():
    folder = cache.folder({})
    put(folder, 0, 5)
    victim = next(folder.glob("*.f32"))
    os.truncate(victim, 24)
    found = cache.lookup(folder, set(rows(0, 5)[0]), features=3)
    assert (found.damaged, found.places) == (1, {})


def test_keys_without_vectors_are_not_found():
    folder = cache.folder({})
    put(folder, 0, 5)
    next(folder.glob("*.f32")).unlink()
    assert not cache.lookup(folder, set(rows(0, 5)[0]), features=3).places


def test_the_segment_used_longest_ago_goes_first():
    folder = cache.folder({})
    for first in (0, 5, 10):
        put(folder, first, 5)
        time.sleep(0.01)
    get(folder, rows(0, 5)[0])
    assert cache.trim(cache.root(), 2 * 60) == 1
    left = cache.lookup(folder, set(rows(0, 15)[0]), features=3).places
    assert set(left) == set(rows(0, 5)[0]) | set(rows(10, 5)[0])


def test_vectors_in_use_outlive_their_removal():
    folder = cache.folder({})
    put(folder, 0, 5)
    answer = get(folder, rows(0, 5)[0])
    cache.trim(cache.root(), 0)
    assert not list(folder.glob("*.f32"))
    np.testing.assert_array_equal(answer, rows(0, 5)[1])


def test_only_old_leavings_of_crashed_writers_are_removed():
    folder = cache.folder({})
    old, new = folder / "old.part", folder / "new.part"
    for file in (old, new):
        file.write_bytes(b"half")
    os.utime(old, (time.time() - 7200,) * 2)
    cache.trim(cache.root(), 10**9)
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize("text", ["much", "-1", "nan"])
def test_a_wrong_limit_is_refused_by_name(text, monkeypatch):
    monkeypatch.setenv("TLTF_CACHE_GB", text)
    with pytest.raises(errors.UserError, match=f"TLTF_CACHE_GB is '{text}'"):
        cache.limit()


def test_the_limit_is_read_in_gigabytes(monkeypatch):
    monkeypatch.setenv("TLTF_CACHE_GB", "0.5")
    assert cache.limit() == 500_000_000


_WRITER = """
import sys, time, pathlib
import numpy as np
from tltf.data import cache
first, go = int(sys.argv[1]), pathlib.Path(sys.argv[2])
folder = cache.folder({"net": 1})
cache.SEGMENT_ROWS = 7
keys = [f"{i:064x}" for i in range(first, first + 300)]
values = np.arange(first, first + 300, dtype=np.float32)[:, None] * [1, 2, 3]
go.with_suffix(f".{first}").touch()
while not go.exists():
    time.sleep(0.001)
for start in range(0, 300, 5):
    part = slice(start, start + 5)
    cache.store(folder, [(keys[part], values[part])], features=3)
    cache.lookup(folder, set(keys), features=3)
    cache.trim(cache.root(), 10**9)
"""


def test_two_processes_may_write_at_once(home):
    go = home / "go"
    command = [sys.executable, "-c", _WRITER]
    writers = [subprocess.Popen([*command, n, str(go)]) for n in ("0", "150")]
    while not all(go.with_suffix(f".{n}").exists() for n in (0, 150)):
        time.sleep(0.01)
    go.touch()
    assert [writer.wait(60) for writer in writers] == [0, 0]
    keys = [f"{i:064x}" for i in range(450)]
    found = cache.lookup(cache.folder({"net": 1}), set(keys), features=3)
    assert found.damaged == 0
    want = np.arange(450, dtype=np.float32)[:, None] * [1, 2, 3]
    np.testing.assert_array_equal(cache.gather(found.places, keys, features=3), want)
