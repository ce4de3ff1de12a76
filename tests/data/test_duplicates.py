import broken
import numpy as np
import PIL.Image

from tltf.data import _looks, duplicates
from tltf.sources import _rows


def brute(hashes, most):
    """Returns all near pairs by comparing each with each."""
    bits = np.unpackbits(hashes, axis=1).reshape(len(hashes), 2, -1)
    return [
        [a, b]
        for a in range(len(bits))
        for b in range(a + 1, len(bits))
        if (bits[a] != bits[b]).sum(1).max() <= most
    ]


def test_near_pairs_are_those_of_brute_force():
    rng = np.random.default_rng(0)
    for most in (0, 3, 16):
        base = rng.integers(0, 256, (30, 64), dtype=np.uint8)
        noise = np.packbits(rng.random((120, 512)) < most / 1024, axis=1)
        hashes = np.repeat(base, 4, 0) ^ noise
        want = brute(hashes, most)
        assert duplicates.near(hashes, most=most).tolist() == want
        assert want or most == 0


def test_near_finds_nothing_in_nothing():
    assert duplicates.near(np.zeros((0, 64), np.uint8)).shape == (0, 2)
    assert duplicates.near(np.zeros((1, 64), np.uint8)).shape == (0, 2)


def hashed(image, tmp_path, **options):
    path = tmp_path / "image"
    path.write_bytes(broken.encoded(image, **options))
    return np.frombuffer(bytes.fromhex(_looks.look(str(path)).hash), np.uint8)


def test_a_shrunken_and_recompressed_copy_is_near_and_others_are_not(tmp_path):
    image = broken.photo(0, width=320, height=240)
    small = image.resize((160, 120))
    mirror = image.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT)
    others = [broken.photo(seed, width=320, height=240) for seed in (1, 2, 3)]
    hashes = [
        hashed(image, tmp_path),
        hashed(small, tmp_path, quality=60),
        *(hashed(other, tmp_path) for other in (mirror, *others)),
    ]
    assert duplicates.near(np.stack(hashes)).tolist() == [[0, 1]]


def test_a_turned_copy_with_its_orientation_noted_is_near(tmp_path):
    image = broken.photo(0, width=320, height=240)
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    stored = image.transpose(PIL.Image.Transpose.ROTATE_90)
    pair = np.stack([hashed(image, tmp_path), hashed(stored, tmp_path, exif=exif)])
    assert len(duplicates.near(pair)) == 1


def test_exact_copies_point_to_the_first_and_blanks_equal_nothing():
    assert duplicates.exact(["a", "b", "a", "", "", "a"]) == [(2, 0), (5, 0)]


def test_equal_records_of_another_class_conflict():
    rows = [_rows.Row(str(n), "", label) for n, label in enumerate([0, 1, 0, 1])]
    table = _rows.table(rows, ["a", "b"])
    assert duplicates.conflicts(table, ["x", "y", "x", "x"]) == [(3, 0)]


def test_twenty_five_thousand_hashes_take_seconds():
    import time

    hashes = np.random.default_rng(0).integers(0, 256, (25_000, 64), dtype=np.uint8)
    hashes[20_000] = hashes[7]
    start = time.perf_counter()
    assert duplicates.near(hashes).tolist() == [[7, 20_000]]
    assert time.perf_counter() - start < 5
