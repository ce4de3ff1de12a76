import os
import struct

import numpy as np
import pytest
from hypothesis import given, settings, strategies
from hypothesis.extra import numpy as arrays

from tltf import errors, text
from tltf.text import coverage, vector_formats, vectors, word_map

FORMATS = sorted(vector_formats.FORMATS)
WORD = strategies.text(
    strategies.characters(exclude_categories=["Cs"], exclude_characters=" \t\r\n"),
    min_size=1,
    max_size=8,
)
NUMBER = strategies.floats(width=32, allow_nan=False, allow_infinity=False)


@settings(max_examples=50, deadline=None)
@given(
    strategies.sampled_from(FORMATS),
    strategies.sampled_from(["", ".gz"]),
    strategies.lists(WORD, min_size=1, max_size=6, unique=True),
    strategies.data(),
)
def test_what_is_written_reads_back_the_same(
    tmp_path_factory, format, ending, words, data
):
    d = data.draw(strategies.integers(2, 5))
    rows = data.draw(arrays.arrays(np.float32, (len(words), d), elements=NUMBER))
    path = tmp_path_factory.mktemp("written") / f"v{ending}"
    vector_formats.write(vectors.from_arrays(words, rows), path, format)
    loaded = text.load_vectors(path)
    assert loaded.words == words and not loaded.faults.counts
    np.testing.assert_array_equal(loaded.matrix, rows)


THREE = vectors.from_arrays(["a", "b c", "é"], [[0.1, 1 / 3], [-2, 1e-7], [0, 5]])


def test_glove_and_fasttext_files_are_as_published(tmp_path):
    vector_formats.write(THREE, tmp_path / "g", "glove")
    lines = ["a 0.1 0.33333334", "b c -2 1e-07", "é 0 5"]
    assert (tmp_path / "g").read_text("utf-8").split("\n") == [*lines, ""]
    vector_formats.write(THREE, tmp_path / "f", "fasttext")
    ended = ["3 2", *(line + " " for line in lines), ""]
    assert (tmp_path / "f").read_text("utf-8").split("\n") == ended


def test_binary_files_are_as_word2vec_writes_them(tmp_path):
    two = vectors.from_arrays(["a", "é"], [[0.1, 2], [-3, 4]])
    vector_formats.write(two, tmp_path / "b", "word2vec_binary")
    wanted = b"2 2\na " + struct.pack("<2f", 0.1, 2) + b"\n"
    wanted += "é ".encode() + struct.pack("<2f", -3, 4) + b"\n"
    assert (tmp_path / "b").read_bytes() == wanted


@pytest.mark.parametrize(
    ("word", "format"),
    [
        ("new york", "word2vec_binary"),
        ("route 66", "glove"),
        ("tab\there", "word2vec"),
        (" front", "fasttext"),
        ("back\r", "glove"),
    ],
)
def test_a_word_that_the_format_cannot_hold_is_refused(tmp_path, word, format):
    path = tmp_path / "v"
    with pytest.raises(errors.UserError, match="cannot hold the word"):
        vector_formats.write(vectors.from_arrays([word], [[1.0, 2]]), path, format)
    assert not os.listdir(tmp_path)


def test_a_format_no_one_knows_is_refused(tmp_path):
    with pytest.raises(errors.UserError, match="choose one of glove, word2vec"):
        vector_formats.write(THREE, tmp_path / "v", "csv")


def test_one_number_a_word_cannot_pass_for_a_header(tmp_path):
    one = vectors.from_arrays(["10", "11"], [[5.0], [6.0]])
    with pytest.raises(errors.UserError, match="header"):
        vector_formats.write(one, tmp_path / "v", "glove")


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.filterwarnings("ignore")  # of gensim: files left open
def test_gensim_reads_what_we_write_and_we_what_it_writes(tmp_path, format):
    models = pytest.importorskip("gensim.models")
    random = np.random.default_rng(1)
    ours = vectors.from_arrays(
        [f"w{k}é" for k in range(50)], random.normal(size=(50, 7))
    )
    vector_formats.write(ours, tmp_path / "ours", format)
    options = {"binary": format == "word2vec_binary", "no_header": format == "glove"}
    load = models.KeyedVectors.load_word2vec_format
    theirs = load(tmp_path / "ours", **options)
    assert theirs.index_to_key == ours.words
    np.testing.assert_array_equal(theirs.vectors, ours.matrix)
    save = {"binary": options["binary"], "write_header": format != "glove"}
    theirs.save_word2vec_format(tmp_path / "theirs", **save)
    back = text.load_vectors(tmp_path / "theirs")
    assert back.words == ours.words
    np.testing.assert_array_equal(back.matrix, ours.matrix)


def test_coverage_counts_words_and_names_the_missing():
    counts = {"a": 5, "A": 2, "zz": 3, "yy": 3, "x": 1}
    assert coverage.report(THREE, counts, top=2) == (
        5,
        1,
        14,
        5,
        [("yy", 3), ("zz", 3)],
    )
    folded = coverage.report(THREE, counts, lower=True, top=9)
    assert folded == (5, 2, 14, 7, [("yy", 3), ("zz", 3), ("x", 1)])
    assert coverage.report(THREE, ["a", "b", "a"])[:4] == (2, 1, 3, 2)


def test_texts_are_cut_into_words_and_marks(tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes("Don't panic: e-mail U.S. café!\n(caf".encode() + b"\xe9)\n")
    assert coverage.tokens("Don't panic!") == ["Don't", "panic", "!"]
    counts = coverage.count([path, path])
    assert counts["e-mail"] == 2 and counts["café"] == 2 and counts["("] == 2
    with pytest.raises(errors.UserError, match="cannot read"):
        coverage.count([tmp_path / "none"])


def test_a_subset_has_the_known_words_in_the_order_asked():
    kept = coverage.subset(THREE, ["é", "zz", "A", "a", "é", ""], lower=True)
    assert kept.words == ["é", "A", "a"]
    wanted = THREE.matrix[[2, 0, 0]]
    np.testing.assert_array_equal(kept.matrix, wanted)
    with pytest.raises(errors.UserError, match="none of the 1 words"):
        coverage.subset(THREE, ["zz"])


def test_vectors_of_arrays_must_fit():
    with pytest.raises(errors.UserError, match="one row a word"):
        vectors.from_arrays(["a"], np.zeros((2, 2)))
    for words in (["a", "a"], ["", "a"], ["a\n", "b"]):
        with pytest.raises(errors.UserError, match="distinct"):
            vectors.from_arrays(words, np.zeros((2, 2)))


def test_the_map_s_places_are_the_projection_on_the_main_directions():
    rows = np.random.default_rng(2).normal(size=(9, 5)).astype(np.float32)
    centred = rows - rows.mean(axis=0)
    _, _, directions = np.linalg.svd(centred.astype(np.float64))
    wanted = centred @ directions[:2].T
    found = word_map.project(rows)
    np.testing.assert_allclose(np.abs(found), np.abs(wanted), atol=1e-5)


def test_a_map_is_a_picture_with_a_panel_for_each_group(tmp_path):
    pytest.importorskip("matplotlib")
    import PIL.Image

    loaded = vectors.from_arrays(
        list("abcdef"), np.random.default_rng(3).normal(size=(6, 4))
    )
    chains = [["a", "b"], ["c", "d"], ["e"]]
    places = word_map.draw(
        loaded, [chains, [["a"], ["b", "c", "f"]]], tmp_path / "m.png"
    )
    assert [spots.shape for spots in places] == [(5, 2), (4, 2)]
    with PIL.Image.open(tmp_path / "m.png") as picture:
        ink = np.asarray(picture.convert("L")) < 250
    assert ink.shape[1] == 2 * ink.shape[0]
    left, right = np.array_split(ink, 2, axis=1)
    assert left.mean() > 0.002 and right.mean() > 0.002
    assert os.listdir(tmp_path) == ["m.png"]


def test_a_map_of_two_words_or_of_no_known_ending_is_refused(tmp_path):
    pytest.importorskip("matplotlib")
    with pytest.raises(errors.UserError, match="at least 3"):
        word_map.draw(THREE, [[["a", "b c"]]], tmp_path / "m.png")
    with pytest.raises(errors.UserError, match="no picture format"):
        word_map.draw(THREE, [[["a", "b c", "é"]]], tmp_path / "m.xyz")
