import numpy as np
import pytest
import tensorflow as tf

from tltf.tasks import sequence_tags


def rows(*sizes):
    random = np.random.default_rng(0)
    found = np.empty(len(sizes), object)
    for row, size in enumerate(sizes):
        found[row] = random.integers(0, 3, size).astype(np.int32)
    return found


def logits_of(count, tokens):
    random = np.random.default_rng(1)
    return random.normal(0, 2, (count, tokens, 3)).astype(np.float32)


@pytest.mark.parametrize("read", [2, 5, 9])
def test_the_loss_is_the_mean_over_the_tokens_that_are_read(read):
    labels, logits = rows(5, 1, 4), logits_of(3, read)
    found = sequence_tags.loss(
        sequence_tags.targets(labels, 3), tf.constant(logits), smoothing=0.0, gamma=0.0
    )
    for row, (tags, one) in enumerate(zip(labels, logits, strict=True)):
        size = min(len(tags), read)
        shares = np.exp(one[:size]) / np.exp(one[:size]).sum(-1, keepdims=True)
        expected = -np.log(shares[np.arange(size), tags[:size]]).mean()
        assert float(found[row]) == pytest.approx(expected, rel=1e-5)


def test_padding_gets_no_gradient():
    logits = tf.Variable(logits_of(2, 4))
    with tf.GradientTape() as tape:
        targets = sequence_tags.targets(rows(2, 4), 3)
        loss = sequence_tags.loss(targets, logits, smoothing=0.1, gamma=2.0)
    gradient = tape.gradient(loss, logits).numpy()
    assert not gradient[0, 2:].any()
    assert gradient[0, :2].all()
    assert gradient[1].all()


def test_the_temperature_is_that_of_the_tokens_read():
    from tltf.ops import calibrate

    labels, logits = rows(5, 1, 4), logits_of(3, 4)
    chosen = sequence_tags.choices(logits, labels, fit=True)
    flat = np.concatenate([x[: len(t)] for x, t in zip(logits, labels, strict=True)])
    tags = np.concatenate([t[:4] for t in labels])
    assert chosen["temperature"] == pytest.approx(calibrate.temperature(flat, tags))


def test_the_glance_is_the_score():
    labels, logits = rows(5, 1, 4), logits_of(3, 4)
    score = sequence_tags.score(labels, sequence_tags.probabilities(logits, 1.0), {})
    glance = sequence_tags.glance(labels, logits)
    assert glance["accuracy"] == pytest.approx(score["accuracy"])


def test_the_graph_serves_tags_and_nothing_in_padding():
    logits = logits_of(2, 4)
    names = ["x", "y", "z"]
    there = np.array([[True] * 4, [True, False, False, False]])
    found = sequence_tags.serve(
        tf.constant(logits), names, {"temperature": 2.0}, there=tf.constant(there)
    )
    expected = sequence_tags.probabilities(logits, 2.0)
    np.testing.assert_allclose(found["scores"], expected * there[:, :, None], atol=1e-6)
    shown = [[tag.decode() for tag in row] for row in found["tags"].numpy()]
    assert shown[0] == sequence_tags.answer(expected[0], names, {})
    assert shown[1][1:] == ["", "", ""]
