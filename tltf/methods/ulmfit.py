"""A language model adapted to the texts, then a classifier on top of it."""

import dataclasses
import inspect
import pathlib

import keras

from tltf import errors, registry, specs
from tltf.pretraining import awd_lstm, texts
from tltf.training import gradient, job
from tltf.training import network as networks

restore = gradient.restore

_HELD_OUT = 0.05  # share of the texts by which the language model's epoch is chosen


def run(task_job: job.Job) -> job.Outcome:
    """Adapts the language model, then trains the recipe's stages on its encoder.

    The language model of `weights` learns from the train texts (and with
    `ulmfit.unlabelled` from the source's unlabelled ones) with rates that fall
    by 2.6 for each group; its words and those of the texts become the
    classifier's. With `ulmfit.both` the same is done with the backward reader,
    and probabilities are averaged.

    Source:
      Howard & Ruder 2018 (arXiv:1801.06146), section 3.
    """
    recipe, seconds = task_job.recipe, {}
    _check(recipe)
    ahead = _adapted(task_job, recipe.weights, seconds)
    codec = _codec(task_job, ahead)
    codec.save(task_job.folder)
    network = _classifier(task_job, recipe, ahead, codec, seconds)
    outcome = gradient.outcome(
        dataclasses.replace(task_job, codec=codec), network, seconds
    )
    if not recipe.ulmfit.both:
        return outcome
    back_job = _turned(task_job)
    model = _adapted(back_job, back_job.recipe.weights, seconds)
    back = _classifier(back_job, back_job.recipe, model, codec, seconds)
    whole = both(network, back, several=recipe.task == "multi_label")
    logits = job.scorer(whole, recipe, codec)
    counts = {name: 2 * count for name, count in outcome.parameters.items()}
    return dataclasses.replace(outcome, model=whole, logits=logits, parameters=counts)


def both(ahead: networks.Network, back: networks.Network, *, several: bool):
    """Returns one network of two, whose probabilities are the mean of theirs.

    Args:
      ahead: Reads forward.
      back: Reads backward, of the same sizes.
      several: Labels are independent: the mean is that of their logits.
    """
    tokens = keras.Input([None], dtype="int32", name="tokens")
    pairs = (("forward", ahead), ("backward", back))
    vectors = [
        keras.Model(n.encoder.input, n.encoder.output[n.reads], name=name)(
            {"tokens": tokens}
        )
        for name, n in pairs
    ]
    wide = vectors[0].shape[-1]
    joined = keras.layers.Concatenate(name="vectors")(vectors)
    # what enters the first layer of this name is exported as the features
    joined = keras.layers.Identity(name="head_both")(joined)
    found = [
        keras.Model(n.head.input, n.head.output, name=f"{name}_head")(part)
        for (name, n), part in zip(
            pairs, (joined[:, :wide], joined[:, wide:]), strict=True
        )
    ]
    if several:
        mean = (found[0] + found[1]) / 2
    else:
        # of probabilities, kept as logarithms; a constant shift changes none
        mean = keras.ops.logaddexp(*(keras.ops.log_softmax(x) for x in found))
    return keras.Model({"tokens": tokens}, mean, name="model")


def _check(recipe: specs.Recipe) -> None:
    if not recipe.backbone.startswith("awd_lstm/"):
        raise errors.UserError(
            f"method: ulmfit needs a backbone of awd_lstm, not {recipe.backbone}"
        )
    if recipe.ulmfit.both and recipe.backbone.endswith("_backward"):
        raise errors.UserError(
            f"ulmfit.both: takes the forward backbone, not {recipe.backbone}"
        )


def _turned(task_job: job.Job) -> job.Job:
    recipe = task_job.recipe
    change = {"backbone": f"{recipe.backbone}_backward"}
    change["weights"] = recipe.ulmfit.backward_weights
    if recipe.weights == "none":
        change["weights"] = "none"
    folder = task_job.folder / "backward"
    folder.mkdir(exist_ok=True)
    return dataclasses.replace(
        task_job, recipe=recipe.model_copy(update=change), folder=folder
    )


def _adapted(task_job: job.Job, weights: str, seconds: dict) -> str:
    """Returns the folder of the language model, adapted to the texts; or `none`."""
    recipe = task_job.recipe
    module, form = registry.variant(recipe.backbone)
    if weights == "none" or not recipe.ulmfit.epochs:
        return weights
    start = module.resolve(module.VARIANTS[form], weights)
    folder = task_job.folder / "language_model"
    if (folder / "lm.json").exists():
        return str(folder)
    corpus = [str(text) for text in task_job.records.part("train").values]
    if recipe.ulmfit.unlabelled:
        corpus += _unlabelled(recipe)
    parts = texts.held_out(corpus, _HELD_OUT, recipe.seed)
    settings = {
        **recipe.ulmfit.model_dump(include={"epochs", "rate", "batch", "dropout"}),
        "start": str(start),
        "backward": module.VARIANTS[form].arguments["backward"],
        "words": recipe.text.words,
        "least": max(recipe.text.least, 2),
        "seed": recipe.seed,
    }
    gradient.timed(
        seconds,
        "language_model",
        lambda: awd_lstm.run(*parts, folder, settings=settings, resume=True),
    )
    return str(folder)


def _unlabelled(recipe: specs.Recipe) -> list[str]:
    name, _ = registry.source(recipe.data.source)
    read = getattr(registry.find("sources", name), "unlabelled", None)
    if read is None:
        raise errors.UserError(f"ulmfit.unlabelled: source {name} has no such texts")
    taken = inspect.signature(read).parameters
    return read(**{k: v for k, v in recipe.data.options.items() if k in taken})


def _codec(task_job: job.Job, model: str):
    """Returns the codec of a language model's words; of the train texts without one."""
    recipe = task_job.recipe
    if model == "none":
        return task_job.codec
    folder = pathlib.Path(model)
    module, form = registry.variant(recipe.backbone)
    if not recipe.ulmfit.epochs:
        folder = module.resolve(module.VARIANTS[form], model)
    return registry.find("codecs", "rules").load(
        folder, length=recipe.text.length, keep=recipe.text.keep, fixed=False
    )


def _classifier(task_job, recipe, weights: str, codec, seconds) -> networks.Network:
    changed = recipe.model_copy(update={"weights": weights})
    mine = dataclasses.replace(task_job, recipe=changed, codec=codec)
    network = networks.build(changed, task_job.top(), words=codec.words)
    gradient.learn(mine, network, seconds)
    return network
