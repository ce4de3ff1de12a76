import keras
import numpy as np
import pytest
import tensorflow as tf

from tltf.layers import awd_lstm
from tltf.text import awd_lstm as networks

RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.normal(size=(3, 9, 4)).astype(np.float32)


def pair(units=6, **options):
    """A layer of ours and Keras's LSTM with the same weights."""
    ours = awd_lstm.DropConnectLstm(units, **options)
    theirs = keras.layers.LSTM(units, return_sequences=True, return_state=True)
    ours(INPUTS), theirs(INPUTS)
    theirs.set_weights([weight.numpy() for weight in ours.trainable_weights])
    return ours, theirs


def gradients(layer, inputs, *, weight):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs, h, c = layer(inputs, training=True)
        found = tf.reduce_sum(tf.sin(outputs) * weight)
        found += tf.reduce_sum(h**2) + tf.reduce_sum(tf.cos(c))
    return tape.gradient(found, [inputs, *(v.value for v in layer.trainable_weights)])


def test_outputs_and_states_are_those_of_keras():
    ours, theirs = pair()
    for one, other in zip(ours(INPUTS), theirs(INPUTS), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_outputs_in_training_are_those_of_inference_where_nothing_is_dropped():
    ours, _ = pair(chunk=4)
    for one, other in zip(ours(INPUTS), ours(INPUTS, training=True), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("training", [False, True])
def test_states_go_in_and_out(training):
    ours, _ = pair()
    whole, h, c = ours(INPUTS, training=training)
    first, *state = ours(INPUTS[:, :4], training=training)
    second, h2, c2 = ours(INPUTS[:, 4:], *state, training=training)
    np.testing.assert_allclose(tf.concat([first, second], 1), whole, atol=1e-6)
    np.testing.assert_allclose([h2, c2], [h, c], atol=1e-6)


def test_gradients_are_those_of_keras():
    weight = RANDOM.normal(size=(3, 9, 6)).astype(np.float32)
    found = [gradients(x, tf.constant(INPUTS), weight=weight) for x in pair()]
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


def test_a_chunk_cuts_the_gradient_as_stopped_states_do():
    weight = RANDOM.normal(size=(3, 9, 6)).astype(np.float32)
    ours, theirs = pair(chunk=4)

    class Chunked:
        trainable_weights = theirs.trainable_weights

        def __call__(self, inputs, training):
            state, parts = None, []
            for start in (0, 4, 8):
                part = inputs[:, start : start + 4]
                outputs, *state = theirs(part, initial_state=state)
                parts.append(outputs)
                last, state = state, [tf.stop_gradient(value) for value in state]
            return tf.concat(parts, 1), *last

    found = [
        gradients(x, tf.constant(INPUTS), weight=weight) for x in (ours, Chunked())
    ]
    whole = gradients(theirs, tf.constant(INPUTS), weight=weight)
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)
    assert not np.allclose(found[0][2], whole[2], atol=1e-3)


def test_connections_are_dropped_in_training_only_and_anew_each_call():
    layer = awd_lstm.DropConnectLstm(6, rate=0.5)
    calm = [layer(INPUTS)[0].numpy() for _ in range(2)]
    wild = [layer(INPUTS, training=True)[0].numpy() for _ in range(2)]
    np.testing.assert_array_equal(*calm)
    assert not np.allclose(wild[0], wild[1])
    # the first step has no recurrent part
    np.testing.assert_allclose(wild[0][:, 0], calm[0][:, 0], atol=1e-6)


def test_the_mask_of_connections_is_one_for_all_steps():
    layer = awd_lstm.DropConnectLstm(6, rate=0.5)
    layer(INPUTS)
    layer.seed.state.assign([1, 2])
    whole = layer(INPUTS, training=True)[0].numpy()
    layer.seed.state.assign([1, 2])
    first, *state = layer(INPUTS[:, :5], training=True)
    layer.seed.state.assign([1, 2])
    second, *_ = layer(INPUTS[:, 5:], *state, training=True)
    np.testing.assert_allclose(tf.concat([first, second], 1), whole, atol=1e-6)


def test_locked_dropout_drops_a_feature_at_all_times():
    layer = awd_lstm.LockedDropout(0.5)
    kept = layer(np.ones((64, 7, 50), np.float32), training=True).numpy()
    assert set(np.unique(kept)) == {0.0, 2.0}
    assert np.all(kept == kept[:, :1])
    assert not np.all(kept == kept[:1])
    assert abs((kept == 0).mean() - 0.5) < 0.05
    np.testing.assert_array_equal(layer(INPUTS), INPUTS)


def test_a_dropped_word_is_dropped_wherever_it_stands():
    layer = awd_lstm.Words(1000, 5, rate=0.3)
    ids = np.tile(np.arange(1000), (2, 1))
    plain, dropped = layer(ids).numpy(), layer(ids, training=True).numpy()
    gone = (dropped == 0).all(-1)
    np.testing.assert_array_equal(gone[0], gone[1])
    assert abs(gone.mean() - 0.3) < 0.06
    np.testing.assert_allclose(dropped[~gone], plain[~gone] / 0.7, rtol=1e-5)


def test_the_softmax_is_tied_to_the_table():
    layer = awd_lstm.Words(7, 4, tied=True)
    layer(np.zeros((1, 1), np.int32))
    layer.bias.assign(np.arange(7.0))
    found = layer(INPUTS, reverse=True)
    np.testing.assert_allclose(
        found, INPUTS @ layer.table.numpy().T + np.arange(7.0), atol=1e-5
    )
    assert [weight.path.split("/")[-1] for weight in layer.weights] == ["table", "bias"]


def test_pooling_is_last_greatest_and_mean_of_the_real_tokens():
    sequence = RANDOM.normal(size=(3, 5, 2)).astype(np.float32) - 3
    mask = np.array([[1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)
    found = awd_lstm.ConcatPooling()(sequence, mask).numpy()
    for row, count in enumerate((3, 1, 5)):
        real = sequence[row, :count]
        expected = np.concatenate([real[-1], real.max(0), real.mean(0)])
        np.testing.assert_allclose(found[row], expected, rtol=1e-5)


SHAPE = {"embedding": 6, "hidden": 10, "layers": 2}
IDS = np.array([[2, 5, 9, 7, 3, 0, 0], [2, 4, 0, 0, 0, 0, 0]])


@pytest.mark.parametrize("backward", [False, True])
def test_padding_changes_no_vector(backward):
    encoder = networks.encoder(12, shape=SHAPE, backward=backward)
    batch = encoder({"tokens": IDS})
    alone = encoder({"tokens": IDS[1:, :2]})
    for name in ("vector", "sequence"):
        width = alone[name].shape[1]
        np.testing.assert_allclose(batch[name][1, :width], alone[name][0], atol=1e-6)


def test_a_backward_encoder_reads_the_turned_text():
    ahead = networks.encoder(12, shape=SHAPE)
    back = networks.encoder(12, shape=SHAPE, backward=True)
    back.set_weights(ahead.get_weights())
    turned = np.array([[3, 7, 9, 5, 2, 0, 0], [4, 2, 0, 0, 0, 0, 0]])
    one, other = ahead({"tokens": turned}), back({"tokens": IDS})
    np.testing.assert_allclose(one["vector"], other["vector"], atol=1e-6)
    np.testing.assert_allclose(
        one["sequence"][0, :5], other["sequence"][0, :5][::-1], atol=1e-6
    )


@pytest.mark.parametrize("backward", [False, True])
def test_a_saved_encoder_reads_back(backward, tmp_path):
    encoder = networks.encoder(12, shape=SHAPE, backward=backward)
    encoder.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for name, value in encoder({"tokens": IDS}).items():
        np.testing.assert_array_equal(again({"tokens": IDS})[name], value)


def test_a_saved_language_model_reads_back(tmp_path):
    model = networks.model(12, shape=SHAPE)
    inputs = {"tokens": tf.constant(IDS), **networks.states(2, SHAPE)}
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(inputs)["logits"], model(inputs)["logits"])
