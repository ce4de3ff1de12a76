import numpy as np
import pytest
import tensorflow as tf

from tltf.tasks import ordinal


def drawn(count=40, levels=5):
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (count, levels - 1)).astype(np.float32)
    return random.integers(0, levels, count), logits


def test_the_mean_loss_is_corns_over_conditional_subsets():
    labels, logits = drawn()
    found = ordinal.loss(
        ordinal.targets(labels, 5), tf.constant(logits), smoothing=0.0, gamma=0.0
    )
    # the paper's: question k is asked of the records at level k or above
    total = 0.0
    for k in range(4):
        asked = labels >= k
        above = labels[asked] > k
        pass_ = 1 / (1 + np.exp(-logits[asked, k].astype(np.float64)))
        total -= np.log(np.where(above, pass_, 1 - pass_)).sum()
    assert float(tf.reduce_sum(found)) == pytest.approx(total, rel=1e-5)


def test_a_question_gets_no_gradient_from_records_below_it():
    logits = tf.Variable([[0.3, 0.2, -0.1]])
    with tf.GradientTape() as tape:
        targets = ordinal.targets(np.array([1]), 4)
        loss = ordinal.loss(targets, logits, smoothing=0.0, gamma=0.0)
    gradient = tape.gradient(loss, logits).numpy()[0]
    assert abs(gradient[2]) < 1e-6
    assert abs(gradient[:2]).min() > 0.1


def test_the_loss_of_mixed_levels_is_the_mix_of_losses():
    _, logits = drawn(1)
    both = [ordinal.targets(np.array([k]), 5) for k in (1, 4)]

    def loss(targets):
        return float(ordinal.loss(targets, logits, smoothing=0.0, gamma=0.0)[0])

    mixed = loss(0.3 * both[0] + 0.7 * both[1])
    assert mixed == pytest.approx(0.3 * loss(both[0]) + 0.7 * loss(both[1]), rel=1e-5)


def test_the_graph_serves_what_is_scored():
    labels, logits = drawn()
    names, chosen = ["a", "b", "c", "d", "e"], {"temperature": 1.7}
    found = ordinal.serve(tf.constant(logits), names, chosen)
    expected = ordinal.probabilities(logits, 1.7)
    np.testing.assert_allclose(found["scores"], expected, atol=1e-6)
    answers = [ordinal.answer(row, names, chosen) for row in expected]
    assert [name.decode() for name in found["classes"].numpy()] == answers
    assert len(set(answers)) > 2
    # the median, not the most probable level
    assert answers != [names[k] for k in expected.argmax(1)]
