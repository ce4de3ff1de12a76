"""Learning by gradients: feeds, loss and judge put together for the stages."""

import pathlib
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tltf import specs
from tltf.data import features, text_vectors, texts
from tltf.training import (
    balance,
    board,
    codecs,
    feeds,
    frozen,
    groups,
    job,
    objective,
    stages,
)
from tltf.training import network as networks


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
        loss=objective.loss(task_job),
        judge=objective.judge(task_job),
        balance=balance.Sum(1).under,
        feed=_feeds(task_job, network),
        board=board.writer(task_job.folder / "logs"),
        folder=task_job.folder,
        resume=task_job.resume,
    )
    run = task_job.stages_by or stages.run
    earlier = timed(seconds, "train", lambda: run(setting))
    if earlier:
        seconds["earlier"] = earlier


def outcome(task_job, network, seconds, chosen=None) -> job.Outcome:
    """Returns what a method that trains the whole network leaves."""
    recipe = task_job.recipe
    counts = counted(network, recipe)
    whole = job.scorer(network.model, recipe, task_job.codec)
    return job.Outcome(
        logits=frozen.scorer(task_job, network) or whole,
        model=network.model,
        chosen=chosen or {},
        weights=network.source,
        seconds=seconds,
        parameters=counts,
    )


def counted(network: networks.Network, recipe: specs.Recipe) -> dict[str, int]:
    """Returns how many numbers the network has, and how many of them learnt."""
    learnt = sum(int(np.prod(weight.shape)) for weight in _learnt(network, recipe))
    return {"all": network.model.count_params(), "learnt": learnt}


def restore(folder: pathlib.Path, recipe: specs.Recipe, task) -> Callable:
    """Returns the logits function of a finished run."""
    model = networks.read(folder / "checkpoints" / "model.keras")
    return job.scorer(model, recipe, codecs.load(recipe, folder))


def vectors(task_job, network, role: str, *, view: int = 0) -> np.ndarray:
    """Returns features of one role from the cache, computed where absent.

    Args:
      task_job: The run.
      network: Its encoder is run as it is now.
      role: train, valid or test.
      view: 0 for the image itself, else the number of an augmented view.
    """
    table = task_job.records.part(role)
    return encoded(
        network,
        task_job.recipe,
        task_job.codec,
        list(table.values),
        task_job.records.part_digests(role),
        view=view,
    )


def encoded(network, recipe, codec, values, digests, *, view: int = 0) -> np.ndarray:
    """Returns features of records from the cache, computed where absent.

    Args:
      network: Its encoder is run as it is now.
      recipe: How records become its input.
      codec: How texts do; None for images.
      values: Paths or texts.
      digests: SHA-256 of each.
      view: As of `vectors`.
    """
    frozen = features.Frozen(
        encoder=network.encoder,
        name=recipe.backbone,
        sha256=features.weights_digest(network.encoder),
        engine=recipe.engine,
        precision="bfloat16" if recipe.precision == "bfloat16" else "float32",
    )
    if codec:
        return text_vectors.vectors(
            frozen, values, digests, codec, view=network.reads, batch=recipe.batch
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
    return features.vectors(frozen, values, digests, shown, batch=recipe.batch)


def timed(seconds: dict[str, float], name: str, work: Callable):
    """Returns what `work()` returns and notes how long it took."""
    began = time.perf_counter()
    done = work()
    seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - began
    return done


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
    order = feeds.shuffled(len(shown), objective.odds(task_job))
    both = {"learner": network.model, "train": shown, "order": order}
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
    heads = [part.head for part in recipe.parts] or [recipe.head]
    fixed = not augment.random or augment.views > 0
    kept = stage.train == ("head",) and networks.cacheable(heads)
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
        order=feeds.shuffled(len(shown), objective.odds(task_job)),
    )


def _learnt(network, recipe) -> list:
    stages_ = recipe.stages or ()
    if all(stage.train == ("head",) for stage in stages_):
        return groups.head(network.model, trainable=True)
    names = [
        groups.order(network.backbone) if s.train == "all" else s.train for s in stages_
    ]
    held = "adapt" if recipe.method == "standard" else recipe.norm
    every = {name for chosen in names for name in chosen}
    chosen = groups.select(network.model, network.backbone, tuple(every), norm=held)
    return [weight for weights in chosen.values() for weight in weights]
