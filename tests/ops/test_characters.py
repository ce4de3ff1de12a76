"""Character ids in NumPy, and the same in the graph."""

import hypothesis
import numpy as np
import tensorflow as tf
from hypothesis import strategies as some

from tltf.ops import characters


def test_a_token_is_its_bytes_plus_one_between_marks():
    row = characters.ids(["aé"])[0]
    assert row.tolist() == [259, 98, 0xC3 + 1, 0xA9 + 1, 260] + 45 * [261]


def test_a_long_token_keeps_48_bytes_even_half_a_character():
    row = characters.ids(["a" * 47 + "é"])[0]
    assert row.tolist() == [259] + 47 * [98] + [0xC3 + 1, 260]


def test_marks_of_a_sentence_have_ids_of_their_own():
    begin, end, other = characters.ids(["<S>", "</S>", "<s>"])
    assert begin.tolist() == [259, 257, 260] + 47 * [261]
    assert end.tolist() == [259, 258, 260] + 47 * [261]
    assert other.tolist()[:5] == [259, 61, 116, 63, 260]


def test_lone_surrogates_are_dropped():
    np.testing.assert_array_equal(characters.ids(["a\ud800b"]), characters.ids(["ab"]))


TOKEN = some.one_of(some.text(), some.text(min_size=40), some.sampled_from(["<S>", ""]))


@hypothesis.given(some.lists(TOKEN, max_size=5))
@hypothesis.settings(deadline=None)
def test_the_graph_gives_the_ids_of_numpy(tokens):
    given = characters.encode(tf.constant([t.encode() for t in tokens], tf.string))
    np.testing.assert_array_equal(given, characters.ids(tokens), strict=True)


@hypothesis.given(some.lists(some.lists(TOKEN, max_size=3), min_size=1, max_size=3))
@hypothesis.settings(deadline=None)
def test_a_ragged_batch_is_padded_as_by_numpy(sentences):
    rows = [[t.encode() for t in sentence] for sentence in sentences]
    ragged = tf.ragged.constant(rows, tf.string, ragged_rank=1)
    np.testing.assert_array_equal(
        characters.padded(ragged), characters.batch(sentences)
    )


@hypothesis.given(some.binary(max_size=60))
@hypothesis.settings(deadline=None)
def test_any_bytes_are_encoded(raw):
    row = characters.encode(tf.constant([raw]))[0].numpy().tolist()
    if raw not in (b"<S>", b"</S>"):
        inside = [1 + byte for byte in raw[:48]]
        assert row == ([259, *inside, 260] + 50 * [261])[:50]


def test_only_spaces_part_tokens_and_many_count_as_one():
    found = characters.split(tf.constant(["  a  b\tc \n", "", "d"]))
    assert found.to_list() == [[b"a", b"b\tc", b"\n"], [], [b"d"]]


def test_tokens_behind_a_length_are_cut_to_zeros():
    tokens = tf.constant([["a", "", "b"], ["c", "", ""]])
    given = characters.cut(tokens, tf.constant([2, 1])).numpy()
    wanted = characters.batch([["a", ""], ["c"]])
    np.testing.assert_array_equal(given[:, :2], wanted)
    assert not given[:, 2].any()
