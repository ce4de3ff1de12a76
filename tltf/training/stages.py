"""Runs the stages of a recipe: the one place where weights change."""

import dataclasses
import pathlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from absl import logging

from tltf import errors, specs
from tltf.training import (
    averages,
    devices,
    groups,
    guards,
    history,
    loop,
    optimizer,
    state,
)
from tltf.training import balance as balances
from tltf.training import network as networks

# seconds between two lines inside an epoch
_TELL = 20.0


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Setting:
    """What holds for all stages of a run.

    Attributes:
      recipe: Resolved.
      network: Changed in place.
      loss: As of `loop.Learner`.
      balance: Last learning weights of the encoder, or None, to what makes one
        loss of those of the parts.
      judge: Logits of the valid split to {"valid_loss", "valid_accuracy", ...}.
      feed: Stage to its feed; see `training.feeds`.
      board: (row of history.csv, epochs so far) to the TensorBoard logs.
      folder: Run folder.
      resume: Go on from the checkpoint where there is one.
      parts: Names of the losses; empty for one.
    """

    recipe: specs.Recipe
    network: networks.Network
    loss: Callable
    balance: Callable[[Any], balances.Balance]
    judge: Callable[[np.ndarray], dict[str, float]]
    feed: Callable[[specs.Stage], Any]
    board: Callable[[dict, int], None]
    folder: pathlib.Path
    resume: bool
    parts: tuple[str, ...] = ()

    @property
    def checkpoint(self) -> pathlib.Path:
        """Where the state after the last finished epoch is."""
        return self.folder / "checkpoints" / "state.npz"

    @property
    def history(self) -> pathlib.Path:
        """Where the finished epochs are listed."""
        return self.folder / "history.csv"


@dataclasses.dataclass(kw_only=True, eq=False)
class _Place:
    """Where a run stands; what a checkpoint holds besides weights."""

    stage: int = 0
    epoch: int = 0
    best: float = float("inf")
    stale: int = 0
    rows: list[dict] = dataclasses.field(default_factory=list)
    weights: list[np.ndarray] | None = None


def run(setting: Setting) -> float:
    """Trains stage after stage, or what of them a checkpoint has not done.

    Returns the seconds of the epochs that were done before a resume.

    After each epoch the whole state (weights, optimizer slots, averages, place,
    best weights) is written in one step. The order of the data and all random
    changes are functions of (seed, stage, epoch), so a run that was killed at
    any moment and resumed ends with the weights of an uninterrupted one.

    Raises:
      WorkError: The loss is not finite, or a trainable flag was changed.
      UserError: The checkpoint is damaged or of another recipe.
    """
    place, arrays = _start(setting)
    _same(place)
    earlier = sum(row["seconds"] for row in place.rows)
    for number, stage in enumerate(setting.recipe.stages):
        if number < place.stage:
            continue
        _stage(setting, number, stage, place, arrays)
        arrays = None
        place.stage, place.epoch, place.stale = number + 1, 0, 0
    return earlier


def _start(setting: Setting) -> tuple[_Place, dict | None]:
    if not (setting.resume and setting.checkpoint.exists()):
        history.rewrite(setting.history, [])
        return _Place(), None
    arrays, meta = state.load(setting.checkpoint)
    place = _Place(**meta, weights=arrays.get("best"))
    logging.info("resuming in stage %d, epoch %d", place.stage + 1, place.epoch + 1)
    history.rewrite(setting.history, place.rows)
    return place, arrays


def _same(place: _Place) -> None:
    mine = {"stage": place.stage, "epoch": place.epoch}
    if devices.current().told(mine) != mine:
        raise errors.UserError(
            f"--workdir: the chief begins elsewhere than this worker, {mine}; put it "
            "on a disk that all workers see"
        )


def _stage(setting, number, stage, place, arrays) -> None:
    chosen = groups.select(
        setting.network.model,
        setting.network.backbone,
        stage.train,
        norm=setting.recipe.norm,
    )
    if arrays:
        # before the feed: it may run the encoder, which has to be the trained one
        state.put(_kept(setting), arrays["model"], what="weights")
    feed = setting.feed(stage)
    steps = -(-len(feed) // setting.recipe.batch)
    learner = learner_of(setting, chosen, stage, feed, steps)
    if arrays:
        _restore(learner, arrays)
    learner.across.alike(setting.network.model)
    advance = loop.whole(learner) if feed.whole_epoch else loop.step(learner)
    logits = loop.logits(feed.learner)
    paths = [weight.path for weights in chosen.values() for weight in weights]
    for epoch in range(place.epoch, stage.epochs):
        if setting.recipe.patience and place.stale >= setting.recipe.patience:
            logging.info("no better valid loss in %d epochs: stop", place.stale)
            break
        began = time.perf_counter()
        guards.still_chosen(paths, setting.network.model)
        batches = feed.epoch(
            seed=setting.recipe.seed,
            stage=number,
            epoch=epoch,
            batch=setting.recipe.batch,
        )
        learner.across.apart(feed.learner)
        losses = _epoch(advance, batches, feed, steps)
        learner.across.alike(feed.learner)
        loss = _finite(losses, number, epoch, stage)
        place.epoch = epoch + 1
        row = {"stage": number + 1, "epoch": epoch + 1, "loss": loss}
        with averages.InPlace(learner):
            row |= learner.across.told(setting.judge(logits(feed.valid)))
            row |= _parts(setting, learner, losses)
            row["seconds"] = time.perf_counter() - began
            _note(setting, place, row)
        _save(setting, learner, place)
        history.say(row, len(setting.recipe.stages), stage.epochs)
    with averages.InPlace(learner, keep=True):
        pass
    if setting.recipe.keep == "best" and place.weights:
        state.put(_kept(setting), place.weights, what="best weights")


def _finite(losses: np.ndarray, number: int, epoch: int, stage) -> float:
    """Returns the loss to learn from, if it is a number."""
    loss = float(np.sum(losses))
    if not np.isfinite(loss):
        raise errors.WorkError(
            f"stage {number + 1}, epoch {epoch + 1}: the loss is {loss}; "
            f"lower stages.{number}.rate ({stage.rate:g}) or set "
            "optimizer.clip_norm: 1"
        )
    return loss


def learner_of(setting, chosen, stage, feed, steps) -> loop.Learner:
    """Returns what a stage's steps need: its weights, optimizer and loss."""
    weights = [weight for group in chosen.values() for weight in group]
    across, momentum = devices.current(), setting.recipe.optimizer.ema
    with across.scope():
        made = optimizer.build(
            chosen,
            stage,
            setting.recipe.optimizer,
            steps=steps,
            precision=setting.recipe.precision,
        )
        moving = [tf.Variable(w.value) for w in weights] if momentum else []
        done = tf.Variable(0, dtype=tf.int64)
    across.takes_sums(made)
    return loop.Learner(
        model=feed.learner,
        optimizer=made,
        weights=weights,
        loss=setting.loss,
        balance=setting.balance(balances.shared(chosen)),
        averages=moving,
        momentum=momentum or 0.0,
        steps=done,
        across=across,
    )


def _parts(setting, learner, losses) -> dict[str, float]:
    """Columns of history.csv for the loss, and the factor, of each part."""
    row = {
        f"{name}.loss": float(loss)
        for name, loss in zip(setting.parts, losses, strict=False)
    }
    shares = learner.balance.shares()
    return row | {
        f"{name}.factor": share
        for name, share in zip(setting.parts, shares, strict=False)
    }


def _epoch(advance, batches, feed, steps) -> np.ndarray:
    """Mean loss of each part over the records that carry its label, `[parts]`."""
    if feed.whole_epoch:
        return _mean(*(found.numpy() for found in advance(batches)))
    learn = advance(batches.element_spec)
    total = count = np.zeros(())
    told = time.monotonic()
    for number, batch in enumerate(batches, 1):
        part, size = learn(*batch)
        total, count = total + part.numpy(), count + size.numpy()
        if time.monotonic() - told > _TELL:
            told = time.monotonic()
            now = float(np.sum(_mean(total, count)))
            logging.info("  step %d of %d, loss %.4f", number, steps, now)
    return _mean(total, count)


def _mean(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    # a loss that is no number must not hide behind a part without records
    return total / np.maximum(count, 1.0)


def _note(setting, place: _Place, row: dict) -> None:
    history.append(setting.history, row)
    place.rows.append(row)
    setting.board(row, len(place.rows))
    if row["valid_loss"] < place.best:
        place.best, place.stale = row["valid_loss"], 0
        place.weights = [v.numpy() for v in _kept(setting)]
    else:
        place.stale += 1


def _kept(setting) -> list:
    # While only heads have learnt, the encoder is what the recipe says: saving
    # it again after each epoch would take longer than the epoch.
    trained = [stage.train for stage in setting.recipe.stages]
    if all(names == ("head",) for names in trained):
        return groups.head(setting.network.model)
    return setting.network.model.variables


def _save(setting, learner: loop.Learner, place: _Place) -> None:
    meta = dataclasses.asdict(dataclasses.replace(place, weights=None))
    del meta["weights"]
    state.save(
        setting.checkpoint,
        {
            "model": _kept(setting),
            "optimizer": learner.optimizer.variables,
            "averages": learner.averages,
            "steps": [learner.steps],
            "balance": learner.balance.variables,
            "best": place.weights or [],
        },
        meta,
    )


def _restore(learner: loop.Learner, arrays: dict) -> None:
    state.put(learner.optimizer.variables, arrays["optimizer"], what="optimizer slots")
    state.put(learner.averages, arrays.get("averages", []), what="averages")
    learner.steps.assign(arrays["steps"][0])
    factors = arrays.get("balance", [])
    state.put(learner.balance.variables, factors, what="factors of the losses")
