"""Texts to characters: what is a token, what is cut, what is padded."""

import hypothesis
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import strategies as some

from tltf import errors
from tltf.codecs import chars
from tltf.ops import characters


def tokens(text):
    return [t.decode() for t in chars.pieces(tf.constant([text])).to_list()[0]]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The cat sat.", "The cat sat ."),
        ("I don't, it's “John’s”!", "I do n't , it 's “ John ’s ” !"),
        ("CAN'T WE'LL", "CA N'T WE 'LL"),
        ("$1,000.50 at 10:30, 2nd", "$ 1,000.50 at 10:30 , 2nd"),
        ("The U.S. e-mail... a -- b", "The U.S. e-mail ... a -- b"),
        ("o'clock 'quoted'", "o'clock ' quoted '"),
        ("naïve\u00a0Café\r\n\tx", "naïve Café x"),
        ("a_b (c)[d]", "a_b ( c ) [ d ]"),
        ("cafe\u0301", "cafe\u0301"),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_words_and_signs_stand_alone(text, wanted):
    assert tokens(text) == wanted.split()


def test_bytes_of_latin_1_stay_in_their_word():
    assert tokens(b"caf\xe9 au lait") == ["caf\ufffd", "au", "lait"]


@hypothesis.given(some.binary(max_size=40))
@hypothesis.settings(deadline=None)
def test_no_bytes_fail_and_no_visible_character_is_lost(raw):
    (row,) = chars.pieces(tf.constant([raw])).to_list()
    joined = b"".join(row).decode()
    plain = tf.strings.unicode_transcode([raw], "UTF-8", "UTF-8").numpy()[0].decode()
    blank = "".join(joined.split())
    assert blank == "".join(joined)
    assert [c for c in plain if c.isalnum()] == [c for c in joined if c.isalnum()]


def test_a_batch_is_as_wide_as_its_longest_text():
    codec = chars.Codec(length=10)
    given = codec.encode(tf.constant(["a b c", "", "d"]))["chars"]
    wanted = characters.batch([["a", "b", "c"], [], ["d"]])
    np.testing.assert_array_equal(given, wanted)


def test_texts_without_a_token_are_one_row_of_zeros():
    given = chars.Codec(length=4).encode(tf.constant(["", " "]))["chars"]
    np.testing.assert_array_equal(given, np.zeros((2, 1, 50)))


@pytest.mark.parametrize(("keep", "wanted"), [("start", "a b"), ("end", "b c")])
def test_long_texts_keep_their_start_or_end(keep, wanted):
    codec = chars.Codec(length=2, keep=keep)
    given = codec.encode(tf.constant(["a b c"]))["chars"]
    np.testing.assert_array_equal(given, characters.batch([wanted.split()]))


def test_a_fixed_batch_is_as_wide_as_the_length():
    codec = chars.Codec(length=3, fixed=True)
    given = codec.encode(tf.constant(["a"]))["chars"]
    assert given.shape == (1, 3, 50)
    np.testing.assert_array_equal(given[:, :1], characters.batch([["a"]]))
    assert not given[:, 1:].numpy().any()


def test_texts_that_are_tokenised_are_split_on_spaces_alone():
    codec = chars.fit([], words=0, least=1, length=9, keep="start", fixed=False)
    spaces = chars.Codec(length=9, split="spaces")
    text = tf.constant(["don't (x) </S>"])
    wanted = characters.batch([["don't", "(x)", "</S>"]])
    np.testing.assert_array_equal(spaces.encode(text)["chars"], wanted)
    assert codec.encode(text)["chars"].shape[1] > 3
    assert codec.about() != spaces.about()


def test_it_works_alike_in_a_pipeline_and_on_a_megabyte(tmp_path):
    codec = chars.Codec(length=7)
    codec.save(tmp_path)
    assert (tmp_path / "vocabulary.txt").read_text() == ""
    again = chars.load(tmp_path, words=0, least=1, length=7, keep="start", fixed=False)
    texts = ["word, " * 170_000, "b'c \ud7ff", "x" * 1_000_000]
    data = tf.data.Dataset.from_tensor_slices(texts).batch(3).map(again.encode)
    (given,) = data.as_numpy_iterator()
    np.testing.assert_array_equal(given["chars"], codec.encode(texts)["chars"])
    assert given["chars"].shape == (3, 7, 50)
    assert codec.words == ()


def test_an_unknown_split_lists_what_there_is():
    with pytest.raises(errors.UserError, match="'lines' is unknown; give words or spa"):
        chars.Codec(length=1, split="lines")
