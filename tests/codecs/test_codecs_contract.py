"""Every codec, by listing the folder."""

import numpy as np
import pytest
import tensorflow as tf

from tltf import registry

NAMES = [name for name in registry.names("codecs") if name != "raw"]
TRAIN = ["The cat sat on the mat.", "The dog isn't on the mat!", "cats & dogs"]
TEXTS = [
    b"the cat",
    b"",
    b"   ",
    b"\xff\xfe broken \xe2\x28",
    "caf\u00e9 \u4f60\u597d \U0001f600".encode(),
    b"a b c d e f g h i j k l m n o p",
    b"x" * 5000,
    b"<br />Line\nbreak\x00zero",
]


def fit(name, **change):
    settings = {"words": 40, "least": 1, "length": 6, "keep": "start", "fixed": False}
    return registry.find("codecs", name).fit(TRAIN, **settings | change)


def as_arrays(encoded):
    return {name: value.numpy() for name, value in encoded.items()}


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_eager_graph_and_data_pipeline_agree_on_any_bytes(name, fixed):
    codec = fit(name, fixed=fixed)
    eager = as_arrays(codec.encode(tf.constant(TEXTS)))
    signature = [tf.TensorSpec([None], tf.string)]
    graph = tf.function(codec.encode, input_signature=signature)
    piped = next(
        iter(tf.data.Dataset.from_tensors(tf.constant(TEXTS)).map(codec.encode))
    )
    for other in (as_arrays(graph(tf.constant(TEXTS))), as_arrays(piped)):
        assert eager.keys() == other.keys()
        for key in eager:
            np.testing.assert_array_equal(eager[key], other[key])


@pytest.mark.parametrize("name", NAMES)
def test_lengths_are_kept(name):
    [(_, loose)] = fit(name).encode(tf.constant(TEXTS)).items()
    [(_, short)] = fit(name).encode(tf.constant(TEXTS[:1])).items()
    [(_, fixed)] = fit(name, fixed=True).encode(tf.constant(TEXTS[:1])).items()
    assert loose.shape[:2] == (len(TEXTS), 6)
    assert 1 <= short.shape[1] < 6
    assert fixed.shape[1] == 6


@pytest.mark.parametrize("name", NAMES)
def test_no_text_at_all_is_a_batch_of_none(name):
    [(_, none)] = fit(name).encode(tf.constant([], tf.string)).items()
    assert none.shape[0] == 0


@pytest.mark.parametrize("name", NAMES)
def test_what_was_saved_reads_back_and_encodes_the_same(name, tmp_path):
    codec = fit(name)
    codec.save(tmp_path)
    again = registry.find("codecs", name).load(
        tmp_path, words=40, least=1, length=6, keep="start", fixed=False
    )
    assert again.words == codec.words
    assert again.about() == codec.about()
    first, second = (as_arrays(c.encode(tf.constant(TEXTS))) for c in (codec, again))
    for key in first:
        np.testing.assert_array_equal(first[key], second[key])


@pytest.mark.parametrize("name", NAMES)
def test_end_and_start_of_a_long_text_differ(name):
    texts = tf.constant([TEXTS[5]])
    start, end = (
        next(iter(fit(name, keep=keep, length=4).encode(texts).values())).numpy()
        for keep in ("start", "end")
    )
    assert start.shape == end.shape
    if fit(name).words:
        known = fit(name, words=100)
        assert known.about() != fit(name, keep="end", words=100).about()
    else:
        assert (start != end).any()
