"""What learns and what does not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tltf import config, errors
from tltf.training import groups, guards, network, optimizer


@pytest.fixture
def built():
    keras.utils.set_random_seed(0)
    one = recipe()
    return network.build(one, network.Top(head=one.head, outputs=3))


def recipe(**change):
    raw = {"method": "finetune", "backbone": "plain/tiny", "weights": "none"}
    raw["data"] = {"source": "folder:x"}
    return config.override({**raw, **change}, {}, where="test")


def step(built, chosen, settings=None, stage=None):
    """Runs one step on random images and returns the weights before."""
    stage = stage or recipe().stages[1]
    rule = optimizer.build(
        chosen,
        stage,
        settings or recipe(optimizer={"name": "sgd"}).optimizer,
        steps=1,
        precision="float32",
    )
    before = [v.numpy() for v in built.model.variables]
    weights = [w for group in chosen.values() for w in group]
    random = np.random.default_rng(0)
    image = random.uniform(0, 255, (4, 32, 32, 3)).astype("float32")
    with tf.GradientTape() as tape:
        logits = built.model({"image": image}, training=True)
        loss = tf.reduce_mean(tf.square(logits - 1.0))
    rule.apply(tape.gradient(loss, [w.value for w in weights]), weights)
    return before


def moved(built, before):
    """Names the groups whose variables differ from `before`."""
    found = set()
    for old, variable in zip(before, built.model.variables, strict=True):
        if not np.array_equal(old, variable.numpy()):
            name = variable.path.split("/")[0]
            head = name.startswith("head_")
            found.add("head" if head else built.backbone.group_of(name))
    return found


@pytest.mark.parametrize("train", [("head",), ("high",), ("low", "head"), "all"])
def test_the_named_groups_move_and_no_others(built, train):
    chosen = groups.select(built.model, built.backbone, train, norm="frozen")
    before = step(built, chosen)
    assert moved(built, before) == set(groups.order(built.backbone)) & (
        set(train) if train != "all" else set(groups.order(built.backbone))
    )


def norm_of(built):
    return built.model.get_layer("low_norm")


def test_statistics_stay_bit_identical_while_everything_learns(built):
    chosen = groups.select(built.model, built.backbone, "all", norm="frozen")
    before = [v.numpy() for v in norm_of(built).variables]
    step(built, chosen)
    for old, new in zip(before, norm_of(built).variables, strict=True):
        np.testing.assert_array_equal(old, new.numpy())


def test_statistics_move_when_they_may(built):
    chosen = groups.select(built.model, built.backbone, "all", norm="adapt")
    before = norm_of(built).moving_mean.numpy()
    step(built, chosen)
    assert not np.array_equal(before, norm_of(built).moving_mean.numpy())


def test_statistics_that_may_move_follow_within_tens_of_steps(built):
    groups.select(built.model, built.backbone, "all", norm="adapt")
    assert norm_of(built).momentum == 0.9


def test_rates_fall_by_the_decay_for_each_group_down(built):
    # the first step of Adam moves every weight by the rate, whatever the gradient
    chosen = groups.select(built.model, built.backbone, "all", norm="frozen")
    stage = (
        recipe()
        .stages[1]
        .model_copy(update={"rate": 1e-2, "decay": 0.5, "schedule": "constant"})
    )
    before = step(built, chosen, recipe().optimizer, stage)
    for depth, name in enumerate(["head", "high", "low", "stem"]):
        gaps = [
            np.abs(old - v.numpy()).max()
            for old, v in zip(before, built.model.variables, strict=True)
            if v.path.split("/")[0].replace("head_logits", "head") == name
        ]
        np.testing.assert_allclose(max(gaps), 1e-2 * 0.5**depth, rtol=1e-3)


def test_all_gradients_are_clipped_together(built):
    chosen = groups.select(built.model, built.backbone, "all", norm="frozen")
    settings = recipe(
        optimizer={"name": "sgd", "momentum": 0, "clip_norm": 0.01}
    ).optimizer
    stage = (
        recipe()
        .stages[1]
        .model_copy(update={"rate": 1.0, "decay": 1.0, "schedule": "constant"})
    )
    before = step(built, chosen, settings, stage)
    squares = [
        np.sum((old - v.numpy()) ** 2)
        for old, v in zip(before, built.model.variables, strict=True)
    ]
    np.testing.assert_allclose(np.sqrt(np.sum(squares)), 0.01, rtol=1e-3)


def test_weight_decay_leaves_offsets_alone(built):
    chosen = groups.select(built.model, built.backbone, ("head",), norm="frozen")
    settings = recipe(optimizer={"name": "sgd", "weight_decay": 0.5}).optimizer
    rule = optimizer.build(
        chosen, recipe().stages[0], settings, steps=1, precision="float32"
    )
    layer = built.model.get_layer("head_logits")
    layer.bias.assign(np.ones(3))
    kernel = layer.kernel.numpy()
    rule.apply([tf.zeros(w.shape) for w in chosen["head"]], chosen["head"])
    rate = recipe().stages[0].rate
    np.testing.assert_allclose(layer.kernel, kernel * (1 - 0.5 * rate), rtol=1e-6)
    np.testing.assert_array_equal(layer.bias, np.ones(3))


def test_an_unknown_group_is_named(built):
    with pytest.raises(errors.UserError, match="middle"):
        groups.select(built.model, built.backbone, ("middle",), norm="frozen")


def test_the_table_counts_every_parameter_once(built):
    lines = groups.table(built.model, built.backbone, recipe().stages)
    assert sum(line.parameters for line in lines) == built.model.count_params()
    assert [line.group for line in lines] == ["stem", "low", "high", "head"]
    assert lines[0].stages == (2,)
    assert lines[-1].stages == (1, 2)


def test_a_flag_changed_behind_the_stage_is_refused(built):
    chosen = groups.select(built.model, built.backbone, ("head",), norm="frozen")
    paths = [w.path for group in chosen.values() for w in group]
    guards.still_chosen(paths, built.model)
    built.model.get_layer("high").trainable = True
    with pytest.raises(errors.WorkError, match="trainable flags changed.*high"):
        guards.still_chosen(paths, built.model)


def test_a_second_rescaling_is_refused():
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(x)
    with pytest.raises(errors.WorkError, match="2 times"):
        guards.scaled_once(keras.Model(image, x), side=8)
