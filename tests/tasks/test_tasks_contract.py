"""Every task, by listing the folder."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tltf import registry

NAMES = registry.names("tasks")
COUNT = 40


def labels_of(task, random):
    if task.LABELS == "one":
        return random.integers(0, 4, COUNT).astype(np.int32), ["a", "b", "c", "d"]
    if task.LABELS == "several":
        flags = random.integers(0, 2, (COUNT, 4)).astype(np.float32)
        return flags, ["a", "b", "c", "d"]
    if task.LABELS == "number":
        return random.normal(100, 5, COUNT).astype(np.float32), []
    tags = np.empty(COUNT, object)
    for row in range(COUNT):
        tags[row] = random.integers(0, 4, random.integers(1, 7)).astype(np.int32)
    return tags, ["O", "B-a", "I-a", "B-b"]


@pytest.fixture(params=NAMES)
def given(request):
    """A task, labels, class names, and logits as its network would give them."""
    task = registry.find("tasks", request.param)
    random = np.random.default_rng(0)
    labels, classes = labels_of(task, random)
    width = task.outputs(len(classes))
    shape = (COUNT, 6, width) if task.LABELS == "tokens" else (COUNT, width)
    return task, labels, classes, random.normal(0, 2, shape).astype(np.float32)


def test_the_loss_of_each_record_is_its_own(given):
    task, labels, classes, logits = given
    targets = task.targets(labels, len(classes))
    assert len(targets) == COUNT
    whole = task.loss(
        tf.constant(targets), tf.constant(logits), smoothing=0.0, gamma=0.0
    )
    assert (whole.shape, whole.dtype) == ((COUNT,), tf.float32)
    one = task.loss(
        tf.constant(targets[3:4]), tf.constant(logits[3:4]), smoothing=0.0, gamma=0.0
    )
    np.testing.assert_allclose(one, whole[3:4], rtol=1e-5)


def test_scores_have_the_main_one_with_its_interval_as_plain_numbers(given):
    task, labels, classes, logits = given
    chosen = task.choices(logits, labels, fit=True)
    assert chosen["temperature"] > 0
    json.dumps(chosen)
    found = task.probabilities(logits, chosen["temperature"])
    scores = task.score(labels, found, chosen, classes=classes)
    low, value, high = (scores[f"{task.METRIC}{end}"] for end in ("_low", "", "_high"))
    assert low <= value <= high
    assert all(type(score) is float for score in scores.values())


def test_right_answers_have_the_best_score(given):
    task, labels, classes, logits = given
    if task.LABELS == "number":
        sure = labels[:, None]
    elif task.LABELS == "several":
        sure = 40 * labels - 20
    elif task.outputs(4) == 3:
        sure = np.where(labels[:, None] > np.arange(3), 20.0, -20.0)
    else:
        sure = np.zeros_like(logits)
        wanted = task.targets(labels, 4)
        if task.LABELS == "tokens":
            sure[:, : wanted.shape[1]] = 20 * np.eye(4)[wanted]
        else:
            sure = 20 * wanted
    chosen = task.choices(sure, labels, fit=False)
    found = task.probabilities(sure, 1.0)
    score = task.score(labels, found, chosen, classes=classes)[task.METRIC]
    assert score == pytest.approx(1.0)
    answers = [task.answer(row, classes, chosen) for row in found]
    for label, answer in zip(labels, answers, strict=True):
        truth = task.truth(label, classes)
        shown = answer[: len(truth)] if task.LABELS == "tokens" else answer
        assert shown == truth
        json.dumps(truth)
    glance = task.glance(labels, sure)
    best = {"accuracy": 1.0, "mean_absolute_error": 0.0}
    for name, value in glance.items():
        assert value == pytest.approx(best[name])


def test_the_graph_serves_what_answer_says(given):
    from tltf.export import named

    task, labels, classes, logits = given
    chosen = task.choices(logits, labels, fit=True)
    served = tf.function(lambda x: task.serve(x, classes, chosen))(tf.constant(logits))
    assert set(served) == set(task.ANSWERS)
    found = task.probabilities(logits, chosen["temperature"])
    for row in range(COUNT):
        one = {name: value.numpy()[row] for name, value in served.items()}
        expected = task.answer(found[row], classes, chosen)
        said = named.label(one, classes)
        if task.LABELS == "number":
            assert said == pytest.approx(expected)
        else:
            assert said == expected
        np.testing.assert_allclose(named.scores(one), found[row], atol=1e-5)


def test_what_it_is_for_can_be_said(given):
    task, _, classes, _ = given
    assert task.USE.format(count=len(classes), one="an image").endswith(".")
    assert set(task.KINDS) <= {"image", "text"}
