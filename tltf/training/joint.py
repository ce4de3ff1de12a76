"""Learning several parts together: one encoder, a head and a masked loss for each."""

import pathlib
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from tltf import specs
from tltf.data import texts
from tltf.training import balance as balances
from tltf.training import (
    board,
    codecs,
    devices,
    feeds,
    gradient,
    job,
    objective,
    parts,
    stages,
)
from tltf.training import network as networks

# vectors of the valid split that go through the heads together
_AT_ONCE = 1024


def build(joint: parts.Joint, recipe: specs.Recipe) -> networks.Network:
    """Returns the encoder with a head for each part."""
    tops = [one.top(name=name) for name, one in joint.jobs.items()]
    return networks.joined(recipe, tops, words=joint.words)


def learn(
    joint: parts.Joint, recipe: specs.Recipe, network: networks.Network, seconds: dict
) -> None:
    """Runs the recipe's stages on the network, which is changed in place.

    Args:
      joint: The run.
      recipe: Its recipe, perhaps with other weights or statistics.
      network: Where to start.
      seconds: Gets the time of `train`, and of what an earlier process did.
    """
    numbers = [one.task.LABELS == "number" for one in joint.jobs.values()]
    across = devices.current()
    with across.scope():
        balance = balances.build(recipe, numbers)
    if balance.optimizer:
        across.takes_sums(balance.optimizer)
    setting = stages.Setting(
        recipe=recipe,
        network=network,
        loss=loss(joint),
        judge=judge(joint),
        balance=balance.under,
        feed=_feeds(joint, recipe, network),
        board=board.writer(joint.folder / "logs"),
        folder=joint.folder,
        resume=joint.resume,
        parts=tuple(joint.jobs),
    )
    run = joint.stages_by or stages.run
    earlier = gradient.timed(seconds, "train", lambda: run(setting))
    if earlier:
        seconds["earlier"] = earlier


def outcome(joint, recipe, network, seconds) -> job.Outcome:
    """Returns what the run leaves; its logits are {part: `[n, ...]`} of values."""
    counts = gradient.counted(network, recipe)
    return job.Outcome(
        logits=job.runner(network.model, recipe, joint.codec),
        model=network.model,
        chosen={},
        weights=network.source,
        seconds=seconds,
        parameters=counts,
    )


def restore(folder: pathlib.Path, recipe: specs.Recipe) -> Callable:
    """Returns the logits function, of paths or texts, of a finished run."""
    path = folder / "checkpoints" / "model.keras"
    model = networks.read(path)
    return job.runner(model, recipe, codecs.load(recipe, folder))


def loss(joint: parts.Joint) -> Callable:
    """Returns the masked losses of a run's parts; see `masked`."""
    return masked({name: objective.per_record(one) for name, one in joint.jobs.items()})


def masked(each: Mapping[str, Callable]) -> Callable:
    """Returns a function of (targets, logits, weights), each by part, to the mean
    loss and the count of each part: two lists.

    A record whose weight in a part is 0 does not carry its label, and adds nothing
    to its loss, its count or its gradients: the mean is over the others, 0 where
    there are none.

    Args:
      each: Part to a function of (targets, logits) to the loss of each record.
    """

    def means(targets, logits, weights):
        found, counts = [], []
        for name, record_loss in each.items():
            there = weights[name] > 0
            # chosen, not multiplied: 0 times what is no number is none either, in
            # the loss and in its gradient
            losses = record_loss(_where(there, targets[name]), logits[name])
            weighed = tf.where(there, losses, 0.0) * weights[name]
            count = tf.reduce_sum(tf.cast(there, tf.float32))
            found.append(tf.reduce_sum(weighed) / tf.maximum(count, 1.0))
            counts.append(count)
        return found, counts

    return means


def _where(there: tf.Tensor, targets) -> tf.Tensor:
    targets = tf.convert_to_tensor(targets)
    rows = tf.reshape(there, [-1] + [1] * (targets.shape.rank - 1))
    return tf.where(rows, targets, tf.zeros_like(targets))


def judge(joint: parts.Joint) -> Callable:
    """Returns a function of the valid split's logits, by part, to a row of history.csv.

    `valid_loss`, which keep and patience follow, is that of `joint.watch`.
    """
    each = {name: objective.judge(one) for name, one in joint.jobs.items()}
    rows = joint.merged("valid").rows
    watch = joint.recipe.joint.watch

    def scores(logits) -> dict[str, float]:
        found = {name: one(logits[name][rows[name]]) for name, one in each.items()}
        losses = {name: row["valid_loss"] for name, row in found.items()}
        mean = float(np.mean(list(losses.values())))
        row = {"valid_loss": losses.get(watch, mean)}
        for name, part in found.items():
            row |= {f"{name}.{key}": value for key, value in part.items()}
        return row

    return scores


def _feeds(joint, recipe, network) -> Callable:
    made: list[feeds.Images | feeds.Texts] = []
    order = feeds.mixed(joint.pools(), recipe.joint)

    def feed(stage: specs.Stage):
        if network.head and gradient.cached(recipe, stage):
            return _features(joint, recipe, network, order)
        if not made:
            made.append(_whole(joint, recipe, network, order))
        return made[0]

    return feed


def _whole(joint, recipe, network, order) -> feeds.Images | feeds.Texts:
    train, valid = joint.examples("train"), joint.examples("valid")
    both = {"learner": network.model, "train": train, "order": order}
    if joint.codec:
        return feeds.Texts(valid=texts.evaluation(valid, batch=recipe.batch), **both)
    return feeds.Images(
        valid=feeds.held(valid, recipe.batch), augment=recipe.augment, **both
    )


def _features(joint, recipe, network, order) -> feeds.Features:
    train = joint.examples("train")
    numbers = range(1, recipe.augment.views + 1) if recipe.augment.random else [0]
    valid = np.asarray(_vectors(joint, recipe, network, "valid", 0))
    return feeds.Features(
        learner=network.head,
        views=[_vectors(joint, recipe, network, "train", n) for n in numbers],
        targets=train.targets,
        weights=train.weights,
        valid=tf.data.Dataset.from_tensor_slices(valid).batch(_AT_ONCE),
        order=order,
    )


def _vectors(joint, recipe, network, role: str, view: int) -> np.ndarray:
    merged = joint.merged(role)
    return gradient.encoded(
        network,
        recipe,
        joint.codec,
        list(merged.values),
        list(merged.digests),
        view=view,
    )
