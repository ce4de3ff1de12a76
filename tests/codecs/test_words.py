"""Words and their ids."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tltf import errors
from tltf.codecs import words
from tltf.ops import tokens

SETTINGS = {"words": 6, "least": 1, "length": 5, "keep": "start", "fixed": False}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't stop! It's 3 p.m.", ["do", "n't", "stop", "it", "'s", "3", "p", "m"]),
        ("isn\u2019t 'quoted'", ["is", "n't", "quoted"]),
        ("rock'n'roll", ["rock'n'roll"]),
        ("caf\u00e9 \u00c9t\u00c9", ["caf\u00e9", "\u00e9t\u00e9"]),
        ("--- ... ''", []),
    ],
)
def test_words_are_those_of_the_published_vectors(text, expected):
    found = tokens.words(tf.constant([text])).to_list()[0]
    assert [word.decode() for word in found] == expected


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=4))
def test_any_bytes_give_lower_case_words_without_spaces(texts):
    for row in tokens.words(tf.constant(texts)).to_list():
        for word in row:
            text = word.decode("utf-8")
            assert text.lower() == text or not text.isascii()
            assert text
            assert not any(char.isspace() for char in text)


def test_the_most_frequent_words_of_train_are_known_and_no_others():
    codec = words.fit(["b a b", "a b c d", "e b"], **SETTINGS)
    assert codec.words == ("", "[UNK]", "b", "a", "c", "d")
    ids = codec.encode(tf.constant(["a z b", "e"]))["tokens"].numpy()
    np.testing.assert_array_equal(ids, [[3, 1, 2], [1, 0, 0]])


def test_rare_words_are_unknown():
    codec = words.fit(["b a b", "a b c"], **SETTINGS | {"least": 2})
    assert codec.words[2:] == ("b", "a")


@pytest.mark.parametrize(("keep", "expected"), [("start", [2, 3]), ("end", [4, 5])])
def test_one_end_of_a_long_text_is_kept(keep, expected):
    codec = words.Codec(["", "?", *"abcd"], length=2, keep=keep, fixed=True)
    ids = codec.encode(tf.constant(["a b c d", "a"]))["tokens"].numpy()
    np.testing.assert_array_equal(ids, [expected, [2, 0]])


def test_spaces_alone_part_texts_that_are_tokenised():
    texts = ["Do n't (X) B-52 , \u00c9t\u00e9", "a\tb\nc  d"]
    codec = words.fit(texts, **SETTINGS | {"words": 99, "length": 9}, split="spaces")
    assert {"n't", "(x)", "b-52", ",", "\u00e9t\u00e9"} <= set(codec.words)
    ids = codec.encode(tf.constant(texts))["tokens"].numpy()
    np.testing.assert_array_equal((ids > 0).sum(1), [6, 4])


def test_the_kind_of_split_is_checked_and_kept(tmp_path):
    with pytest.raises(errors.UserError, match="'lines' is unknown; give words or spa"):
        words.fit(["a"], **SETTINGS, split="lines")
    codec = words.fit(["a"], **SETTINGS, split="spaces")
    codec.save(tmp_path)
    again = words.load(tmp_path, **SETTINGS, split="spaces")
    assert again.about() == codec.about()
    assert again.about() != words.fit(["a"], **SETTINGS).about()
