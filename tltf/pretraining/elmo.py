"""ELMo's language models: trained on plain text, or adapted to one's own."""

import dataclasses
import json
import math
import pathlib
import time
import zlib
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from tltf import errors, specs
from tltf.fetch import files
from tltf.pretraining import _elmo_files, _elmo_step, _elmo_text, _place, _settings
from tltf.text import elmo_options, elmo_weights
from tltf.training import history, state

_TELL = 20.0  # seconds between two lines inside an epoch


class Settings(specs.Spec):
    """What `--set` changes; sizes as the small published ones, the rest bilm-tf's."""

    dim: int = _settings.field(1024, "cells of an LSTM", ge=1)
    projection: int = _settings.field(128, "length of a word's vector", ge=1)
    layers: int = _settings.field(2, "LSTMs on each other", ge=1)
    highways: int = _settings.field(1, "highway layers on the characters", ge=0)
    embedding: int = _settings.field(16, "length of a character's vector", ge=1)
    filters: str = _settings.field(
        "1:32,2:32,3:64,4:128,5:256,6:512,7:1024", "WIDTH:NUMBER of each convolution"
    )
    activation: Literal["relu", "tanh"] = _settings.field("relu", "of convolutions")
    bound: float | None = _settings.field(3.0, "of cells and of outputs", gt=0)
    skip: bool = _settings.field(True, "add an LSTM's input to its output")
    split: Literal["words", "spaces"] = _settings.field("words", "what parts tokens")
    words: int = _settings.field(100_000, "most words predicted", ge=4)
    least: int = _settings.field(2, "occurrences that make a word known", ge=1)
    epochs: int = _settings.field(10, "passes over the texts", ge=1)
    batch: int = _settings.field(128, "texts read side by side", ge=1)
    unroll: int = _settings.field(20, "words a step", ge=1)
    rate: float = _settings.field(0.2, "of Adagrad", gt=0)
    clip: float = _settings.field(10.0, "largest norm of all gradients", gt=0)
    dropout: float = _settings.field(0.1, "share dropped", ge=0, lt=1)
    samples: int = _settings.field(8192, "words a step tells apart", ge=1)
    patience: int | None = _settings.field(
        None, "epochs without better perplexity before a stop", ge=1
    )
    save_steps: int = _settings.field(500, "steps between checkpoints", ge=1)
    seed: int = _settings.field(0, "of all that is random", ge=0)
    start: str | None = _settings.field(
        None, "folder of a model to adapt, or OPTIONS.json,WEIGHTS.hdf5"
    )


def run(
    train: Sequence[str],
    valid: Sequence[str],
    folder: pathlib.Path,
    *,
    settings: dict[str, Any],
    resume: bool,
) -> dict[str, Any]:
    """Trains both language models, writes them into `folder`, returns the scores.

    Args:
      train: Texts to learn from, a sentence a line; words are counted here only.
      valid: Texts held out: perplexity of these chooses the epoch that is kept.
      folder: Gets options.json, weights.hdf5, softmax.hdf5, vocabulary.txt,
        history.csv and checkpoints/. `weights: FOLDER` of a recipe reads it.
      settings: Names and values of `Settings`; `start` may be a pair of paths.
      resume: Go on from the checkpoint where there is one. A run that was
        killed and resumed ends with the weights of an uninterrupted one.

    Returns:
      JSON values: `perplexity` of valid over all words of the vocabulary, that of
      each direction, `epochs`, `tokens`, `words`, ...

    Raises:
      UserError: Unknown setting, no text, or no fitting checkpoint.
      WorkError: The loss is not finite.

    Source: Peters et al. 2018, and bilm-tf for what the paper leaves open.
    """
    start = settings.get("start")
    if isinstance(start, tuple | list):
        settings = settings | {"start": ",".join(map(str, start))}
    chosen = _settings.read(Settings, settings)
    keras.utils.set_random_seed(chosen.seed)
    plan = _plan(train, valid, chosen)
    place = _place.Place(folder=folder, identity=_identity(plan))
    if resume:
        place.restore(plan.variables)
    folder.mkdir(parents=True, exist_ok=True)
    history.rewrite(folder / "history.csv", place.rows)
    for epoch in range(place.epoch, chosen.epochs):
        if chosen.patience and place.stale >= chosen.patience:
            logging.info("no better perplexity in %d epochs: stop", place.stale)
            break
        _epoch(plan, place, epoch)
    return _finish(plan, place)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Plan:
    """What does not change while a model learns, but for its variables."""

    settings: Settings
    options: elmo_options.Options
    words: Sequence[str]
    train: _elmo_text.Streams
    valid: np.ndarray
    model: keras.Model
    network: _elmo_step.Network
    weights: list[tf.Variable]
    slots: list[tf.Variable]
    step: Callable
    score: Callable

    @property
    def variables(self) -> dict[str, list]:
        """What a checkpoint holds besides the place."""
        return {"network": self.weights, "slots": self.slots}


def _plan(train, valid, chosen: Settings) -> _Plan:
    types = _elmo_text.first_types()
    lines = [
        _elmo_text.read(texts, types, split=chosen.split) for texts in (train, valid)
    ]
    known = {"words": chosen.words, "least": chosen.least}
    words = _elmo_text.vocabulary(lines[0], types, **known)
    ids = _elmo_text.word_of(types, words)
    streams = [_elmo_text.streams(part, ids) for part in lines]
    _enough(streams, chosen)
    model, options, softmax = _elmo_files.start(words, _sizes(chosen), chosen.start)
    network = _elmo_step.Network(
        model, options.layers, softmax, _elmo_text.chars_of(types)
    )
    found = elmo_weights.variables(model, options).values()
    weights = [*(v.value for v in found), network.softmax, network.bias]
    slots = [tf.Variable(tf.ones_like(v), trainable=False) for v in weights]
    logging.info(
        "%d words, %d tokens to learn from, %d held out",
        len(words), len(lines[0].tokens), len(lines[1].tokens),
    )  # fmt: skip
    return _Plan(
        settings=chosen,
        options=options,
        words=words,
        train=streams[0],
        valid=streams[1].ids,
        model=model,
        network=network,
        weights=weights,
        slots=slots,
        step=_elmo_step.learner(network, weights, slots, chosen),
        score=_elmo_step.scorer(network, chosen.unroll),
    )


def _sizes(chosen: Settings) -> elmo_options.Options:
    pairs = [pair.split(":") for pair in chosen.filters.split(",")]
    try:
        filters = [[int(number) for number in pair] for pair in pairs]
    except ValueError:
        raise errors.UserError(
            f"--set filters={chosen.filters}: give WIDTH:NUMBER,WIDTH:NUMBER"
        ) from None
    fields = elmo_options.Options(
        dim=chosen.dim,
        projection=chosen.projection,
        layers=chosen.layers,
        cell_clip=chosen.bound,
        proj_clip=chosen.bound,
        skip=chosen.skip,
        activation=chosen.activation,
        embedding=chosen.embedding,
        highways=chosen.highways,
        filters=filters,
    )
    return elmo_options.parse(elmo_options.as_json(fields), "--set")


def _enough(streams, chosen: Settings) -> None:
    steps = streams[0].ids.shape[1]
    if steps < chosen.batch:
        raise errors.UserError(
            f"{steps} tokens to learn from are too few for {chosen.batch} rows; "
            "give more text or --set batch=N"
        )
    if not streams[1].ids.shape[1]:
        raise errors.UserError("the held-out texts have no words; give some by --valid")


def _identity(plan: _Plan) -> dict:
    # how often to save, and when to stop, do not change what is learnt
    settings = plan.settings.model_dump(exclude={"save_steps", "patience"})
    sums = [zlib.crc32(ids.tobytes()) for ids in (plan.train.ids, plan.valid)]
    return {"settings": settings, "words": len(plan.words), "texts": sums}


def _epoch(plan: _Plan, place: _place.Place, epoch: int) -> None:
    chosen, seed = plan.settings, plan.settings.seed
    ids = plan.train.shuffled(seed, epoch, 0)
    width = ids.shape[1] // chosen.batch
    rows = ids[:, : width * chosen.batch].reshape(4, chosen.batch, width)
    if place.carried is None:
        place.carried = plan.network.states(chosen.batch)
    began = told = time.perf_counter()
    done, steps = 0, -(-width // chosen.unroll)
    for number in range(place.step, steps):
        part = rows[..., number * chosen.unroll : (number + 1) * chosen.unroll]
        drawn = _samples(plan, (seed, epoch, 1, number))
        loss, place.carried = plan.step(
            tf.constant(part),
            place.carried,
            *drawn,
            tf.constant(epoch * steps + number),
        )
        place.learnt(float(loss), part[0].size)
        done += part[0].size
        if place.step % chosen.save_steps == 0:
            place.save(plan.variables)
        if time.perf_counter() - told > _TELL:
            told = time.perf_counter()
            logging.info(
                "  step %d of %d, loss %.4f, %.0f tokens a second",
                place.step, steps, place.total / place.count, done / (told - began),
            )  # fmt: skip
    _judge(plan, place, time.perf_counter() - began, done)


def _samples(plan: _Plan, key: tuple) -> tuple[tf.Tensor, tf.Tensor]:
    words = len(plan.words)
    if plan.settings.samples >= words:
        return tf.range(words, dtype=tf.int64), tf.constant(0.0)
    found, tries = _elmo_text.sample(plan.settings.samples, words, *key)
    return tf.constant(found), tf.constant(tries)


def _judge(plan: _Plan, place: _place.Place, seconds: float, done: int) -> None:
    loss = place.total / place.count
    if not math.isfinite(loss):
        raise errors.WorkError(
            f"epoch {place.epoch + 1}: the loss is {loss}; lower rate "
            f"({plan.settings.rate:g}) or clip ({plan.settings.clip:g})"
        )
    both = plan.score(plan.valid, plan.settings.batch)
    valid = float(np.mean(both))
    row = {"stage": 1, "epoch": place.epoch + 1, "loss": loss, "valid_loss": valid}
    row["perplexity"] = math.exp(valid)
    for way, value in zip(_elmo_step.WAYS, both, strict=True):
        row[f"{way}_perplexity"] = math.exp(value)
    row |= {"seconds": seconds, "tokens_per_second": done / seconds}
    place.judged(row, plan.weights)
    place.save(plan.variables)
    history.append(place.folder / "history.csv", row)
    logging.info(
        "epoch %d/%d: loss %.4f, perplexity %.1f of held-out text (%.0f s)",
        row["epoch"], plan.settings.epochs, loss, row["perplexity"], seconds,
    )  # fmt: skip


def _finish(plan: _Plan, place: _place.Place) -> dict[str, Any]:
    state.put(plan.weights, place.kept, what="best weights")
    best = min(place.rows, key=lambda row: row["valid_loss"])
    named = [f"{way}_perplexity" for way in _elmo_step.WAYS]
    made = {
        **{name: best[name] for name in ("perplexity", *named)},
        "epochs": place.epoch,
        "tokens": plan.train.ids.shape[1],
        "held_out": plan.valid.shape[1],
        "words": len(plan.words),
        "unknown": float(np.mean(plan.valid[2] == _elmo_text.UNKNOWN)),
        "seconds": sum(row["seconds"] for row in place.rows),
    }
    softmax = plan.network.softmax.numpy(), plan.network.bias.numpy()
    _elmo_files.write(place.folder, plan.model, plan.options, (plan.words, *softmax))
    about = {"method": "elmo", **made, "settings": plan.settings.model_dump()}
    files.write_text(place.folder / "lm.json", json.dumps(about, indent=2) + "\n")
    return {**made, "folder": str(place.folder)}
