import numpy as np
import pytest
import tensorflow as tf

from tltf import errors
from tltf.codecs import rules as codecs
from tltf.ops import special

TEXTS = ["The cat sat.", "the CAT ran!!!", "a dog, the dog"]


def fit(**change):
    shape = {"length": 50, "keep": "start", "fixed": False}
    return codecs.fit(TEXTS, **{"words": 100, "least": 1, **shape, **change})


def test_special_tokens_come_first_then_words_by_count():
    words = fit().words
    assert words[:9] == special.TOKENS
    assert words[:2] == ("xxpad", "xxunk")
    # the: 3; cat and dog: 2; then by spelling
    assert words[9:] == ("the", "cat", "dog", "!", ",", ".", "3", "a", "ran", "sat")


@pytest.mark.parametrize(
    ("change", "last"),
    [({"least": 2}, ("the", "cat", "dog")), ({"words": 10}, ("the",))],
)
def test_rare_words_are_left_out(change, last):
    assert fit(**change).words[9:] == last


def test_ids_are_places_in_the_vocabulary_and_unknown_is_one():
    codec = fit()
    (row,) = codec.encode(tf.constant(["The zebra sat!"]))["tokens"].numpy()
    named = [codec.words[k] for k in row]
    assert named == ["xxbos", "xxmaj", "the", "xxunk", "sat", "!"]


def test_the_end_of_a_long_text_is_kept_on_wish():
    codec = fit(length=3, keep="end")
    tokens = codec.encode(tf.constant(["the cat ran a dog", "a"]))["tokens"].numpy()
    named = [[codec.words[k] for k in row] for row in tokens]
    assert named == [["ran", "a", "dog"], ["xxbos", "a", "xxpad"]]


def test_each_text_is_encoded_whole():
    codec = fit(length=3)
    found = codec.each([*TEXTS, ""])
    assert [len(ids) for ids in found] == [6, 8, 6, 1]
    assert all(ids.dtype == np.int32 for ids in found)


def test_a_vocabulary_without_the_special_tokens_is_refused(tmp_path):
    (tmp_path / "vocabulary.txt").write_text("the\ncat\n")
    with pytest.raises(errors.UserError, match="begins with 'the cat'"):
        codecs.load(tmp_path, length=5, keep="start", fixed=False)
    with pytest.raises(errors.UserError, match="does not exist"):
        codecs.load(tmp_path / "none", length=5, keep="start", fixed=False)
