"""Layers under ELMo against plain formulations, values and gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import tltf.text
from tltf.layers import characters as character_layers
from tltf.layers import mix, projected_lstm
from tltf.ops import characters
from tltf.text import elmo_options

SENTENCES = [["the", "cat", "the"], ["a" * 43, "b" * 46, "c" * 60, ""], ["cat"]]


@pytest.fixture
def chars():
    return tf.constant(characters.batch(SENTENCES))


def encoder(**settings):
    keras.utils.set_random_seed(1)
    filters = ((1, 3), (4, 4), (7, 5))
    layer = character_layers.CharacterEncoder(filters, embedding=3, **settings)
    layer.build((None, None, 50))
    return layer


def plainly(layer, chars):
    """All windows of all tokens, one convolution a filter."""
    table = tf.concat([tf.zeros([1, 3]), layer.table.value], 0)
    shown = tf.gather(table, tf.reshape(chars, [-1, 50]))
    parts = [
        tf.reduce_max(tf.nn.conv1d(shown, kernel.value, 1, "VALID"), 1) + bias.value
        for kernel, bias in layer.convolutions
    ]
    x = tf.nn.relu(tf.concat(parts, 1))
    for (carry, b), (transform, d) in zip(layer.carries, layer.transforms, strict=True):
        gate = tf.sigmoid(x @ carry.value + b.value)
        x = gate * tf.nn.relu(x @ transform.value + d.value) + (1 - gate) * x
    mask = tf.cast(tf.reduce_any(chars > 0, -1), tf.float32)
    return tf.reshape(x, [*chars.shape[:2], -1]) * mask[..., None]


def test_tokens_are_encoded_as_by_plain_convolutions_gradients_too(chars):
    layer, found = encoder(), []
    for run in (layer, lambda ids: plainly(layer, ids)):
        with tf.GradientTape() as tape:
            y = run(chars)
            loss = tf.reduce_sum(tf.sin(3 * y))
        slopes = tape.gradient(loss, [v.value for v in layer.trainable_weights])
        found.append([y, *map(tf.convert_to_tensor, slopes)])
    for ours, plain in zip(*found, strict=True):
        np.testing.assert_allclose(ours, plain, atol=2e-5)


def test_a_token_is_computed_once_a_batch(chars, monkeypatch):
    layer, seen = encoder(), []
    whole = layer._encode
    monkeypatch.setattr(
        layer, "_encode", lambda ids: seen.append(len(ids)) or whole(ids)
    )
    layer(chars)
    assert seen == [7]  # the, cat, three long ones, the empty one, and no token


def test_a_row_of_zeros_before_a_token_is_refused(chars):
    wrong = tf.reverse(chars, [1])
    with pytest.raises(tf.errors.InvalidArgumentError, match="pad on the right only"):
        character_layers.SentenceEnds()(wrong)


def test_marks_stand_around_each_sentence(chars):
    given = character_layers.SentenceEnds()(chars)
    wanted = characters.batch([["<S>", *s, "</S>"] for s in [*SENTENCES]])
    np.testing.assert_array_equal(given, wanted)


def lstm(**settings):
    keras.utils.set_random_seed(2)
    layer = projected_lstm.ProjectedLSTM(6, **settings)
    layer.build((None, None, 4))
    layer.bias.assign(keras.random.normal(layer.bias.shape, seed=5))
    return layer


def reordered(matrix):
    """Gates from ours (input, candidate, forget, output) to those of Keras."""
    i, j, f, o = tf.split(matrix, 4, -1)
    return tf.concat([i, f, j, o], -1)


X = np.random.default_rng(0).normal(size=(3, 5, 4)).astype(np.float32)
MASK = np.arange(5) < np.array([[5], [2], [0]])


@pytest.mark.parametrize("backward", [False, True])
def test_without_projection_it_is_the_lstm_of_keras(backward):
    ours = lstm(backward=backward)
    theirs = keras.layers.LSTM(6, return_sequences=True, go_backwards=backward)
    theirs.build((None, None, 4))
    bias = reordered(ours.bias.value[tf.newaxis])[0].numpy()
    bias[6:12] += 1  # of the forget gate
    matrix = reordered(ours.kernel.value).numpy()
    theirs.set_weights([matrix[:4], matrix[4:], bias])
    given = ours(X, tf.constant(MASK)).numpy()
    for row, length in enumerate(MASK.sum(1)):
        wanted = np.zeros((5, 6))
        if length:
            y = theirs(X[row : row + 1, :length]).numpy()[0]
            wanted[:length] = y[::-1] if backward else y
        np.testing.assert_allclose(given[row], wanted, atol=1e-6)


def test_gradients_are_those_of_finite_differences():
    layer = lstm(projection=4, clips=(0.5, 0.4), skip=True, backward=True)
    random = np.random.default_rng(3)
    shares = tf.constant(random.normal(size=(3, 5, 4)).astype(np.float32))

    def loss(x):
        return tf.reduce_sum(layer(x, tf.constant(MASK)) * shares)

    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = loss(x)
    slopes = tape.gradient(value, x).numpy()
    for place in [(0, 0, 1), (0, 4, 3), (1, 1, 0)]:
        step = np.zeros_like(X)
        step[place] = 1e-2
        wanted = (loss(x + step) - loss(x - step)) / 2e-2
        assert slopes[place] == pytest.approx(float(wanted), abs=2e-2)
    np.testing.assert_allclose(slopes[1, 2:], shares[1, 2:])  # the skip alone


def test_clipping_lets_no_gradient_through():
    layer = lstm(projection=4, clips=(None, 1e-6))
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(layer(x, tf.ones([3, 5], tf.bool)))
    assert not tape.gradient(value, x).numpy().any()


def test_a_state_given_goes_on_and_a_mask_holds_it():
    layer = lstm(projection=4)
    whole, last = layer.advance(tf.constant(X), layer.zeros(3))
    first, middle = layer.advance(tf.constant(X[:, :2]), layer.zeros(3))
    second, end = layer.advance(tf.constant(X[:, 2:]), middle)
    np.testing.assert_allclose(tf.concat([first, second], 1), whole, atol=1e-6)
    _, held = layer.advance(tf.constant(X), layer.zeros(3), tf.constant(MASK))
    for part in (0, 1):
        np.testing.assert_allclose(end[part], last[part], atol=1e-6)
        np.testing.assert_allclose(held[part][0], last[part][0], atol=1e-6)
        np.testing.assert_allclose(held[part][1], middle[part][1], atol=1e-6)
        assert not held[part][2].numpy().any()


def test_a_mean_counts_true_places_only():
    given = mix.MaskedMean()(X, tf.constant(MASK)).numpy()
    wanted = [X[0].mean(0), X[1, :2].mean(0), np.zeros(4)]
    np.testing.assert_allclose(given, wanted, atol=1e-6)


def test_half_precision_stays_near_and_gives_float32(chars):
    options = elmo_options.Options(dim=8, projection=4, filters=((2, 6), (3, 6)))
    found = []
    for policy in ("float32", "mixed_bfloat16"):
        keras.config.set_dtype_policy(policy)
        try:
            keras.utils.set_random_seed(0)
            model = tltf.text.load_elmo(options, None)
        finally:
            keras.config.set_dtype_policy("float32")
        found.append(model({"chars": chars}))
    for name, value in found[0].items():
        assert found[1][name].dtype == tf.float32
        np.testing.assert_allclose(found[1][name], value, atol=0.02)
