"""Learning by gradients: feeds, loss and judge put together for the stages."""

import pathlib
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from tltf import specs
from tltf.data import features, text_vectors, texts
from tltf.training import board, codecs, feeds, groups, job, stages
from tltf.training import network as networks

# Focusing exponent of Lin et al. 2017 (arXiv:1708.02002), section 4.1
_GAMMA = 2.0


def learn(task_job: job.Job, network: networks.Network, seconds: dict) -> None:
    """Runs the recipe's stages on the network, which is changed in place.

    Args:
      task_job: The run.
      network: Where to start.
      seconds: Gets the time of `train`, and of what an earlier process did.
    """
    setting = stages.Setting(
        recipe=task_job.recipe,
        network=network,
        loss=_loss(task_job),
        judge=_judge(task_job),
        feed=_feeds(task_job, network),
        board=board.writer(task_job.folder / "logs"),
        folder=task_job.folder,
        resume=task_job.resume,
    )
    earlier = timed(seconds, "train", lambda: stages.run(setting))
    if earlier:
        seconds["earlier"] = earlier


def outcome(task_job, network, seconds, chosen=None) -> job.Outcome:
    """Returns what a method that trains the whole network leaves."""
    recipe = task_job.recipe
    counts = {"all": network.model.count_params()}
    counts["learnt"] = sum(int(np.prod(w.shape)) for w in _learnt(network, recipe))
    return job.Outcome(
        logits=job.scorer(network.model, recipe, task_job.task, task_job.codec),
        model=network.model,
        chosen=chosen or {},
        weights=network.source,
        seconds=seconds,
        parameters=counts,
    )


def restore(folder: pathlib.Path, recipe: specs.Recipe, task) -> Callable:
    """Returns the logits function of a finished run."""
    model = keras.saving.load_model(
        folder / "checkpoints" / "model.keras", compile=False
    )
    return job.scorer(model, recipe, task, codecs.load(recipe, folder))


def vectors(task_job, network, role: str, *, view: int = 0) -> np.ndarray:
    """Returns features of one role from the cache, computed where absent.

    Args:
      task_job: The run.
      network: Its encoder is run as it is now.
      role: train, valid or test.
      view: 0 for the image itself, else the number of an augmented view.
    """
    recipe, table = task_job.recipe, task_job.records.part(role)
    frozen = features.Frozen(
        encoder=network.encoder,
        name=recipe.backbone,
        sha256=features.weights_digest(network.encoder),
        engine=recipe.engine,
        precision="bfloat16" if recipe.precision == "bfloat16" else "float32",
    )
    found = task_job.records.part_digests(role)
    if task_job.codec:
        return text_vectors.vectors(
            frozen,
            list(table.values),
            found,
            task_job.codec,
            view=network.reads,
            batch=recipe.batch,
        )
    image = recipe.image
    shown = features.Preprocess(
        side=image.side,
        fit=image.fit,
        margin=image.margin,
        gray=image.gray,
        augment=recipe.augment if view else None,
        seed=recipe.seed if view else 0,
        view=view,
    )
    return features.vectors(
        frozen,
        list(table.values),
        found,
        shown,
        batch=recipe.batch,
    )


def timed(seconds: dict[str, float], name: str, work: Callable):
    """Returns what `work()` returns and notes how long it took."""
    began = time.perf_counter()
    done = work()
    seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - began
    return done


def frequencies(labels: np.ndarray, classes: int) -> np.ndarray:
    """Returns the share of records of each class, float `[classes]`."""
    if labels.ndim == 2:
        return np.clip(labels.mean(0, dtype=np.float64), 1e-6, 1 - 1e-6)
    return np.bincount(labels, minlength=classes) / len(labels)


def adjustment(priors: np.ndarray, *, several: bool) -> np.ndarray:
    """Returns what frequent classes get on top of their logits in training.

    Source:
      Menon et al. 2021 (arXiv:2007.07314), equation 10, tau = 1; for several
      labels the same with the log odds of each.
    """
    return np.log(priors) - (np.log1p(-priors) if several else 0.0)


def _loss(task_job) -> Callable:
    recipe, task = task_job.recipe, task_job.task
    labels = task_job.records.part("train").labels
    priors = frequencies(labels, len(task_job.classes))
    gamma = _GAMMA if recipe.imbalance == "focal" else 0.0
    shift, weight = np.zeros_like(priors), np.ones_like(priors)
    if recipe.imbalance == "logit_adjust":
        shift = adjustment(priors, several=labels.ndim == 2)
    if recipe.imbalance == "weights":
        weight = 1 / (priors * len(priors))

    shift, weight = shift.astype(np.float32), weight.astype(np.float32)

    def loss(targets, logits):
        found = task.loss(
            targets, logits + shift, smoothing=recipe.smoothing, gamma=gamma
        )
        if recipe.imbalance == "weights":
            # the mean weight of its labels; a record without labels counts once
            held = tf.reduce_sum(targets, -1)
            mean = tf.math.divide_no_nan(tf.reduce_sum(targets * weight, -1), held)
            found *= tf.where(held > 0, mean, 1.0)
        return found

    return loss


def _judge(task_job) -> Callable:
    table, task = task_job.records.part("valid"), task_job.task
    targets = task.targets(table.labels, len(task_job.classes))

    def judge(logits: np.ndarray) -> dict[str, float]:
        losses = task.loss(targets, tf.constant(logits), smoothing=0.0, gamma=0.0)
        hits = task.hits(table.labels, logits)
        return {
            "valid_loss": float(np.mean(losses)),
            "valid_accuracy": float(np.mean(hits)),
        }

    return judge


def _odds(task_job) -> np.ndarray | None:
    if task_job.recipe.imbalance != "oversample":
        return None
    table = task_job.records.part("train")
    rare = 1 / frequencies(table.labels, len(table.classes))
    if table.multi_label:
        odds = np.max(table.labels * rare, 1) + rare.min()
    else:
        odds = rare[table.labels]
    return odds / odds.sum()


def _feeds(task_job, network) -> Callable:
    made: list[feeds.Images | feeds.Texts] = []

    def feed(stage: specs.Stage):
        if cached(task_job.recipe, stage):
            return _features(task_job, network)
        if not made:
            made.append(_whole(task_job, network))
        return made[0]

    return feed


def _whole(task_job, network) -> feeds.Images | feeds.Texts:
    shown, valid = task_job.examples("train"), task_job.examples("valid")
    both = {"learner": network.model, "train": shown, "odds": _odds(task_job)}
    batch = task_job.recipe.batch
    if task_job.codec:
        return feeds.Texts(valid=texts.evaluation(valid, batch=batch), **both)
    return feeds.Images(
        valid=feeds.held(valid, batch), augment=task_job.recipe.augment, **both
    )


def cached(recipe: specs.Recipe, stage: specs.Stage) -> bool:
    """Whether a stage learns from cached features: a frozen encoder sees the same
    records each epoch, or one of `augment.views` fixed views of them."""
    augment = recipe.augment
    fixed = not augment.random or augment.views > 0
    kept = stage.train == ("head",) and networks.cacheable(recipe)
    return kept and fixed and not augment.mixes


def _features(task_job, network) -> feeds.Features:
    shown = task_job.examples("train")
    augment = task_job.recipe.augment
    numbers = range(1, augment.views + 1) if augment.random else [0]
    valid = vectors(task_job, network, "valid")
    return feeds.Features(
        learner=network.head,
        views=[vectors(task_job, network, "train", view=n) for n in numbers],
        targets=shown.targets,
        weights=shown.weights,
        valid=tf.data.Dataset.from_tensor_slices(np.asarray(valid)).batch(1024),
        odds=_odds(task_job),
    )


def _learnt(network, recipe) -> list:
    stages_ = recipe.stages or ()
    if all(stage.train == ("head",) for stage in stages_):
        return network.head.trainable_weights
    names = [
        groups.order(network.backbone) if s.train == "all" else s.train for s in stages_
    ]
    held = "adapt" if recipe.method == "standard" else recipe.norm
    every = {name for chosen in names for name in chosen}
    chosen = groups.select(network.model, network.backbone, tuple(every), norm=held)
    return [weight for weights in chosen.values() for weight in weights]
