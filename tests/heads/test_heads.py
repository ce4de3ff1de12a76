"""Every head, by listing the folder."""

import keras
import numpy as np
import pytest

from tltf import registry

SHAPES = {"vector": (24,), "layers": (3, 8), "sequence": (60, 8)}
LONG = {"convnet": (1000, 8), "deck_convnet": (1000, 8)}


def made(name, *, dropout=0.0, unit=False):
    module = registry.find("heads", name)
    keras.utils.set_random_seed(0)
    shape = LONG.get(name, SHAPES[module.READS])
    alone = keras.Input(shape, name=module.READS)
    x = alone
    layers = module.layers(5, unit=unit, dropout=dropout)
    for layer in layers:
        x = layer(x)
    return keras.Model(alone, x), layers


@pytest.mark.parametrize("name", registry.names("heads"))
def test_a_head_ends_in_float32_logits_and_its_layers_say_head(name):
    model, layers = made(name, dropout=0.1)
    assert all(layer.name.startswith("head_") for layer in layers)
    assert layers[-1].name == "head_logits"
    assert layers[-1].dtype_policy.compute_dtype == "float32"
    rows = np.random.default_rng(0).normal(size=(4, *model.input_shape[1:]))
    found = model(rows.astype(np.float32), training=False).numpy()
    per_token = getattr(registry.find("heads", name), "GIVES", "record") == "tokens"
    assert found.shape == ((4, 60, 5) if per_token else (4, 5))
    assert (np.ptp(found, 0) > 0).all()  # every class depends on the record


@pytest.mark.parametrize("name", registry.names("heads"))
def test_dropout_acts_in_training_alone(name):
    model, _ = made(name, dropout=0.5)
    rows = np.ones((4, *model.input_shape[1:]), np.float32)
    still = model(rows, training=False).numpy()
    np.testing.assert_array_equal(model(rows, training=False), still)
    assert np.any(model(rows, training=True).numpy() != still)


@pytest.mark.parametrize("name", registry.names("heads"))
def test_a_gradient_reaches_every_weight(name):
    import tensorflow as tf

    model, _ = made(name)
    rows = np.random.default_rng(1).normal(size=(16, *model.input_shape[1:]))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(rows.astype(np.float32), training=False) ** 2)
    gradients = tape.gradient(loss, [w.value for w in model.trainable_weights])
    assert all(np.any(g.numpy()) for g in gradients)


def test_padding_changes_nothing_for_the_two_directions():
    model, _ = made("bilstm")
    random = np.random.default_rng(0)
    rows = np.zeros((2, 60, 8), np.float32)
    rows[:, :7] = random.normal(size=(2, 7, 8))
    head = keras.Sequential(model.layers[1:])
    np.testing.assert_allclose(head(rows[:, :7]), model(rows), atol=1e-6)


def test_padding_changes_no_tag():
    model, _ = made("bilstm_tags")
    random = np.random.default_rng(0)
    rows = np.zeros((2, 60, 8), np.float32)
    rows[:, :7] = random.normal(size=(2, 7, 8))
    head = keras.Sequential(model.layers[1:])
    np.testing.assert_allclose(head(rows[:, :7]), model(rows)[:, :7], atol=1e-6)


def test_a_tag_depends_on_words_before_and_behind():
    model, _ = made("bilstm_tags")
    head = keras.Sequential(model.layers[1:])
    rows = np.random.default_rng(0).normal(size=(1, 5, 8)).astype(np.float32)
    whole = head(rows).numpy()
    for place in (0, 4):
        other = rows.copy()
        other[0, place] += 1
        assert np.abs(head(other).numpy() - whole)[0, 2].max() > 1e-4


def test_a_mix_of_means_is_the_mean_of_a_mix():
    model, _ = made("mix")
    random = np.random.default_rng(0)
    tokens = random.normal(size=(2, 3, 11, 8)).astype(np.float32)  # layers, then tokens
    mixed = model.get_layer("head_mix").get_weights()[0][:, 0]
    by_hand = np.einsum("l,blth->bth", mixed, tokens).mean(1)
    logits = model.get_layer("head_logits")
    np.testing.assert_allclose(model(tokens.mean(2)), logits(by_hand), atol=1e-5)
