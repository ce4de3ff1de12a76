"""The range test on the real feed and step, and that it leaves no trace."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from tltf import config, errors
from tltf.methods import finetune
from tltf.training import job, loop, range_test, stages

PLAN = range_test.Plan(low=1e-5, high=1.0, steps=20, restarts=2)


def recipe(stripes, **change):
    raw = {
        "method": "finetune",
        "backbone": "plain/tiny",
        "weights": "none",
        "data": {"source": f"folder:{stripes}"},
        "augment": {"flip": True},
        "head": {"dropout": 0.3},
        "optimizer": {"ema": 0.9, "weight_decay": 0.01},
        "stages": [{"train": "all", "epochs": 2, "rate": 3e-3}],
        "batch": 8,
        "norm": "adapt",
        "keep": "last",
    }
    return config.override({**raw, **change}, {}, where="test")


def setting(made, folder):
    """Returns what the method hands to the stages."""
    caught = []

    def catch(one):
        caught.append(one)
        return 0.0

    keras.utils.set_random_seed(made.seed)
    started = job.start(made, folder)
    finetune.run(dataclasses.replace(started, stages_by=catch))
    return caught[0]


def values(model):
    return [np.copy(variable.numpy()) for variable in model.variables]


def equal(left, right):
    return all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for a, b in zip(left, right, strict=True)
    )


@pytest.fixture(scope="module")
def made(stripes, tmp_path_factory):
    return setting(recipe(stripes), tmp_path_factory.mktemp("run"))


def test_everything_is_as_before_bit_by_bit(made, monkeypatch):
    seen = []
    real = stages.learner_of

    def kept(*arguments):
        seen.append(real(*arguments))
        return seen[-1]

    monkeypatch.setattr(stages, "learner_of", kept)
    before = values(made.network.model)
    curves = range_test.run(made, 0, PLAN)
    assert equal(before, values(made.network.model))
    [learner] = seen
    assert learner.steps.numpy() == 0
    assert len(learner.optimizer.variables) > len(learner.weights)
    # moments of Adam begin at zero, and so do they again
    slots = [v.numpy() for v in learner.optimizer.variables if "learning" not in v.path]
    assert all(not np.any(slot) for slot in slots)
    starts = [weight.numpy() for weight in learner.weights]
    assert equal(starts, [average.numpy() for average in learner.averages])
    # and yet it had learnt: rates of 1e-5 and of 1 do not give one loss
    assert all(np.ptp(curve.losses) > 0.1 for curve in curves)


def test_the_statistics_of_normalisation_did_move_meanwhile(made):
    # else the test above would show nothing
    norm = made.network.model.get_layer("low_norm")
    before = norm.moving_mean.numpy()
    inside = []
    real = range_test._losses

    def looked(learner, epochs):
        for loss in real(learner, epochs):
            inside.append(norm.moving_mean.numpy())
            yield loss

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(range_test, "_losses", looked)
        range_test.run(made, 0, PLAN)
    assert not np.array_equal(inside[-1], before)
    np.testing.assert_array_equal(norm.moving_mean.numpy(), before)


def test_training_after_a_test_ends_with_the_weights_of_training_alone(
    stripes, tmp_path
):
    ends = []
    for name, tested in (("alone", False), ("after", True)):
        one = setting(recipe(stripes), tmp_path / name)
        if tested:
            range_test.run(one, 0, PLAN)
        stages.run(one)
        ends.append(values(one.network.model))
    assert equal(*ends)


def test_the_test_repeats_and_its_restarts_differ(made):
    first, second = range_test.run(made, 0, PLAN), range_test.run(made, 0, PLAN)
    for one, again in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.losses, again.losses)
    assert not np.array_equal(first[0].losses, first[1].losses)
    assert [curve.seed for curve in first] == [0, 1]


def test_the_rates_are_those_of_the_optimizer(made, monkeypatch):
    used = []
    real = stages.learner_of

    def spied(*arguments):
        learner = real(*arguments)
        used.extend(o._learning_rate.rates for o in learner.optimizer.optimizers)
        return learner

    monkeypatch.setattr(stages, "learner_of", spied)
    stage = made.recipe.stages[0].model_copy(update={"decay": 0.5})
    lower = made.recipe.model_copy(update={"stages": (stage,)})
    plan = range_test.Plan(low=1e-5, high=1e-2, steps=15, restarts=1)
    one = dataclasses.replace(made, recipe=lower)
    [curve] = range_test.run(one, 0, plan)
    # the topmost group has the rate of the curve, each further down half of it
    tops = sorted(used, key=lambda rates: -rates[0])
    np.testing.assert_allclose(tops[0], curve.rates, rtol=1e-6)
    np.testing.assert_allclose(tops[2], curve.rates / 4, rtol=1e-6)


def test_a_loss_that_is_no_number_ends_the_test_and_says_where(made, monkeypatch):
    real = loop.step
    taken = []

    def broken(learner):
        graph = real(learner)

        def of(spec):
            learn = graph(spec)

            def one(*batch):
                sums, counts = learn(*batch)
                taken.append(1)
                if len(taken) == 12:
                    for weight in learner.weights:
                        weight.assign(tf.fill(weight.shape, np.nan))
                    sums = sums * np.nan
                return sums, counts

            return one

        return of

    monkeypatch.setattr(loop, "step", broken)
    before = values(made.network.model)
    [curve] = range_test.run(
        made, 0, range_test.Plan(low=1e-5, high=1e-3, steps=20, restarts=1)
    )
    assert curve.stopped.startswith("the loss is nan at step 12 of 20, rate 0.000144")
    assert len(curve.rates) == 11
    assert np.isfinite(curve.losses).all()
    assert equal(before, values(made.network.model))


def test_a_loss_that_explodes_at_once_is_told(made):
    plan = range_test.Plan(low=1e4, high=1e6, steps=20, restarts=1)
    with pytest.raises(errors.WorkError, match="lower --low"):
        range_test.run(made, 0, plan)


def test_it_stops_at_four_times_the_least_loss(made):
    plan = range_test.Plan(low=1e-3, high=1e3, steps=40, restarts=1)
    [curve] = range_test.run(made, 0, plan)
    assert curve.stopped
    assert len(curve.rates) < 40
    assert (curve.smoothed[:-1] <= 4 * curve.smoothed.min() + 1e-9).all()
