"""AWD-LSTM language models: trained on plain text, or adapted to one's own."""

import dataclasses
import math
import pathlib
import time
import zlib
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from tltf import errors, registry, specs
from tltf.pretraining import _place, _settings, _step, corpus
from tltf.text import awd_lstm, language_model
from tltf.training import history, optimizer, state

_TELL = 20.0  # seconds between two lines inside an epoch


class Settings(specs.Spec):
    """What `--set` changes; defaults are ULMFiT's."""

    words: int = _settings.field(60_000, "largest vocabulary", ge=16)
    least: int = _settings.field(2, "occurrences that make a word known", ge=1)
    embedding: int = _settings.field(400, "length of a word's vector", ge=1)
    hidden: int = _settings.field(1152, "length of inner layers", ge=1)
    layers: int = _settings.field(3, "LSTM layers", ge=1)
    epochs: int = _settings.field(10, "passes over the texts", ge=1)
    batch: int = _settings.field(64, "texts read side by side", ge=1)
    bptt: int = _settings.field(70, "tokens a step, on average", ge=2)
    rate: float = _settings.field(5e-3, "peak rate of the last layer", gt=0)
    decay: float | None = _settings.field(
        None, "factor for each group down; 1, or 1/2.6 with start", gt=0, le=1
    )
    schedule: str | None = _settings.field(
        None, "of specs.Stage; one_cycle, or slanted with start"
    )
    weight_decay: float = _settings.field(0.0, "of the optimizer", ge=0)
    clip: float = _settings.field(0.3, "largest norm of all gradients", gt=0)
    dropout: float = _settings.field(1.0, "factor for all shares dropped", ge=0, le=2)
    alpha: float = _settings.field(2.0, "activation regularisation", ge=0)
    beta: float = _settings.field(1.0, "temporal activation regularisation", ge=0)
    patience: int | None = _settings.field(
        None, "epochs without better perplexity before a stop", ge=1
    )
    save_steps: int = _settings.field(500, "steps between checkpoints", ge=1)
    seed: int = _settings.field(0, "of all that is random", ge=0)
    backward: bool = _settings.field(False, "read texts from their end")
    start: str | None = _settings.field(None, "folder of a model to adapt")
    keep_words: bool = _settings.field(True, "of start, beside those of the texts")
    half: bool = _settings.field(False, "write weights as float16")


def run(
    train: Sequence[str],
    valid: Sequence[str],
    folder: pathlib.Path,
    *,
    settings: dict[str, Any],
    resume: bool,
) -> dict[str, Any]:
    """Trains a language model, writes it into `folder` and returns its scores.

    Args:
      train: Texts to learn from; words are counted here only.
      valid: Texts held out: perplexity of these chooses the epoch that is kept.
      folder: Gets lm.npz, vocabulary.txt, lm.json, history.csv and checkpoints/.
      settings: Names and values of `Settings`.
      resume: Go on from the checkpoint where there is one. A run that was
        killed and resumed ends with the weights of an uninterrupted one.

    Returns:
      JSON values: `perplexity` (of valid), `epochs`, `tokens`, `words`, ...

    Raises:
      UserError: Unknown setting, no text, or no fitting checkpoint.
      WorkError: The loss is not finite.

    Source:
      Howard & Ruder 2018 (arXiv:1801.06146), sections 3.1 and 3.2; Merity et
      al. 2018 (arXiv:1708.02182).
    """
    chosen = _settings.read(Settings, settings)
    keras.utils.set_random_seed(chosen.seed)
    plan = _plan(train, valid, chosen)
    place = _place.Place(folder=folder, identity=_identity(plan))
    if resume:
        place.restore(plan.variables)
    history.rewrite(folder / "history.csv", place.rows)
    for epoch in range(place.epoch, chosen.epochs):
        if chosen.patience and place.stale >= chosen.patience:
            logging.info("no better perplexity in %d epochs: stop", place.stale)
            break
        _epoch(plan, place, epoch)
    return _finish(plan, place)


def perplexity(folder: pathlib.Path, texts: Sequence[str], *, rows: int = 32) -> float:
    """Returns the perplexity of texts under the model in `folder`.

    An unknown word counts as the one word `xxunk`, so that perplexities compare
    between models of one vocabulary only.

    Args:
      folder: Of a language model.
      texts: At least two words in all.
      rows: Parts of the text that are read side by side, each from no state.
    """
    source = language_model.load(folder)
    codec = registry.find("codecs", "rules").Codec(source.words)
    network = awd_lstm.model(len(source.words), shape=source.shape)
    awd_lstm.put(network, source)
    parts = codec.each(texts)
    ids = corpus.stream([p[::-1] for p in parts] if source.backward else parts).ids
    return math.exp(_step.scorer(network)(ids, rows, source.shape))


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class _Plan:
    """What does not change while a model learns, but for its variables."""

    settings: Settings
    shape: dict[str, int]
    words: tuple[str, ...]
    train: corpus.Stream
    valid: np.ndarray
    network: keras.Model
    optimizer: Any
    weights: list
    start: dict[str, Any] | None

    def __post_init__(self):
        object.__setattr__(self, "step", _step.learner(self))
        object.__setattr__(self, "score", _step.scorer(self.network))

    def rows(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the texts in an epoch's order, as columns, and the steps' sizes."""
        seed = self.settings.seed
        ids = self.train.shuffled(seed, epoch, 0)
        rows = corpus.columns(ids, self.settings.batch)
        width = rows.shape[1] - 1
        return rows, corpus.lengths(width, self.settings.bptt, seed, epoch, 1)

    @property
    def variables(self) -> dict[str, list]:
        """What a checkpoint holds: weights, states of random numbers, slots."""
        slots = self.optimizer.variables
        return {"network": self.network.variables, "optimizer": slots}


def _identity(plan: _Plan) -> dict:
    # how often to save, and when to stop, do not change what is learnt
    settings = plan.settings.model_dump(exclude={"save_steps", "half", "patience"})
    sums = [zlib.crc32(ids.tobytes()) for ids in (plan.train.ids, plan.valid)]
    return {"settings": settings, "words": len(plan.words), "texts": sums}


def _plan(train, valid, chosen: Settings) -> _Plan:
    codecs = registry.find("codecs", "rules")
    source = language_model.load(chosen.start) if chosen.start else None
    if source and source.backward != chosen.backward:
        direction = "backward" if source.backward else "forward"
        raise errors.UserError(f"start: {chosen.start} is a {direction} model")
    found = codecs.vocabulary(train, words=chosen.words, least=chosen.least)
    codec = codecs.Codec(_joined(found, source) if chosen.keep_words else found)
    shape = source.shape if source else _settings.shape(chosen)
    network = awd_lstm.model(len(codec.words), shape=shape, multiplier=chosen.dropout)
    if source:
        awd_lstm.put(network, language_model.remap(source, codec.words))
    streams = [_ids(codec, texts, chosen) for texts in (train, valid)]
    _settings.enough(streams[0].ids, streams[1].ids, chosen.batch)
    names = ["words", *(f"lstm_{k}" for k in range(shape["layers"]))]
    groups = {n: network.get_layer(n).trainable_weights for n in reversed(names)}
    plan = _Plan(
        settings=chosen,
        shape=shape,
        words=codec.words,
        train=streams[0],
        valid=streams[1].ids,
        network=network,
        optimizer=_optimizer(groups, chosen, streams[0]),
        weights=[weight for group in groups.values() for weight in group],
        start=dict(source.about) if source else None,
    )
    logging.info(
        "%d words, %d tokens to learn from, %d held out, %d weights",
        len(plan.words), len(plan.train), len(plan.valid), network.count_params(),
    )  # fmt: skip
    return plan


def _joined(words, source) -> tuple[str, ...]:
    known = source.words if source else ()
    return tuple(dict.fromkeys([*known, *words]))


def _ids(codec, texts, chosen: Settings) -> corpus.Stream:
    parts = codec.each(texts)
    return corpus.stream([ids[::-1] for ids in parts] if chosen.backward else parts)


def _optimizer(groups, chosen: Settings, train: corpus.Stream):
    width = (len(train) - 1) // chosen.batch
    sizes = [
        len(corpus.lengths(width, chosen.bptt, chosen.seed, epoch, 1))
        for epoch in range(chosen.epochs)
    ]
    adapted = chosen.start is not None
    stage = specs.Stage(
        train="all",
        epochs=chosen.epochs,
        rate=chosen.rate,
        decay=chosen.decay or (1 / 2.6 if adapted else 1.0),
        schedule=chosen.schedule or ("slanted" if adapted else "one_cycle"),
    )
    rule = specs.Optimizer(clip_norm=chosen.clip, weight_decay=chosen.weight_decay)
    steps = -(-sum(sizes) // chosen.epochs)
    return optimizer.build(groups, stage, rule, steps=steps, precision="float32")


def _epoch(plan: _Plan, place: _place.Place, epoch: int) -> None:
    rows, sizes = plan.rows(epoch)
    if place.carried is None:
        place.carried = awd_lstm.states(plan.settings.batch, plan.shape)
    began = told = time.perf_counter()
    done = 0
    for tokens in corpus.steps(rows, sizes, place.step):
        loss, place.carried = plan.step(tf.constant(tokens), place.carried)
        size = tokens.shape[0] * (tokens.shape[1] - 1)
        place.learnt(float(loss), size)
        done += size
        if place.step % plan.settings.save_steps == 0:
            place.save(plan.variables)
        if time.perf_counter() - told > _TELL:
            told = time.perf_counter()
            logging.info(
                "  step %d of %d, loss %.4f, %.0f tokens a second",
                place.step, len(sizes), place.total / place.count,
                done / (told - began),
            )  # fmt: skip
    _judge(plan, place, time.perf_counter() - began, done)


def _judge(plan: _Plan, place: _place.Place, seconds: float, done: int) -> None:
    loss = place.total / place.count
    if not math.isfinite(loss):
        raise errors.WorkError(
            f"epoch {place.epoch + 1}: the loss is {loss}; lower rate "
            f"({plan.settings.rate:g}) or clip ({plan.settings.clip:g})"
        )
    valid = plan.score(plan.valid, plan.settings.batch, plan.shape)
    row = {"stage": 1, "epoch": place.epoch + 1, "loss": loss, "valid_loss": valid}
    row |= {"perplexity": math.exp(valid), "seconds": seconds}
    row["tokens_per_second"] = done / seconds
    place.judged(row, plan.weights)
    place.save(plan.variables)
    history.append(place.folder / "history.csv", row)
    logging.info(
        "epoch %d/%d: loss %.4f, perplexity %.1f of held-out text (%.0f s)",
        row["epoch"], plan.settings.epochs, loss, row["perplexity"], seconds,
    )  # fmt: skip


def _finish(plan: _Plan, place: _place.Place) -> dict[str, Any]:
    state.put(plan.weights, place.kept, what="best weights")
    made = {
        "perplexity": math.exp(place.best),
        "epochs": place.epoch,
        "tokens": len(plan.train),
        "held_out": len(plan.valid),
        "words": len(plan.words),
        "unknown": float(np.mean(plan.valid == 1)),
        "seconds": sum(row["seconds"] for row in place.rows),
    }
    about = {"method": "awd_lstm", **made, "settings": plan.settings.model_dump()}
    if plan.start:
        about["start"] = plan.start
    model = language_model.LanguageModel(
        words=plan.words,
        arrays=awd_lstm.arrays(plan.network),
        backward=plan.settings.backward,
        about=about,
    )
    language_model.save(model, place.folder, half=plan.settings.half)
    return {**made, "folder": str(place.folder)}
