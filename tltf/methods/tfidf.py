"""TF-IDF of words and a linear classifier: texts before transfer."""

import pathlib
from collections.abc import Callable

import numpy as np
from sklearn.feature_extraction import text as extraction

from tltf import errors, specs
from tltf.training import gradient, job, solve, state

READS = "text"
SOLVES = True  # classes, by a linear solver
_FILE = "checkpoints/tfidf.npz"


def run(task_job: job.Job) -> job.Outcome:
    """Fits a linear classifier on TF-IDF of words, with C by cross-validation.

    Counts are damped by a logarithm and rows have unit length; the recipe's
    `text.words` most frequent words count, if seen `text.least` times in train.

    Source:
      Salton & Buckley 1988, "Term-weighting approaches in automatic text
      retrieval"; scikit-learn's own example on 20 Newsgroups.
    """
    recipe, table = task_job.recipe, task_job.records.part("train")
    if recipe.imbalance in ("focal", "logit_adjust"):
        raise errors.UserError(
            f"imbalance: tfidf cannot do {recipe.imbalance}; take weights"
        )
    seconds: dict[str, float] = {}
    counter = _counter(max_features=recipe.text.words, min_df=recipe.text.least)
    rows = gradient.timed(
        seconds, "features", lambda: counter.fit_transform(table.values)
    )
    sample = solve.Sample(
        features=rows,
        labels=table.labels,
        weights=table.weights,
        groups=solve.folded(table.groups),
    )
    balanced = recipe.imbalance != "none"
    solved = gradient.timed(
        seconds,
        "solve",
        lambda: solve.fit(
            sample, head=recipe.head, balanced=balanced, seed=recipe.seed
        ),
    )
    words = counter.get_feature_names_out().tolist()
    arrays = {"tfidf": [counter.idf_, solved.weight, solved.bias]}
    state.save(task_job.folder / _FILE, arrays, {"words": words})
    return job.Outcome(
        logits=restore(task_job.folder, recipe, task_job.task),
        model=None,
        chosen=solved.chosen,
        weights={"choice": "none", "file": None, "sha256": None},
        seconds=seconds,
        parameters={"all": solved.weight.size + solved.bias.size},
    )


def restore(folder: pathlib.Path, recipe: specs.Recipe, task) -> Callable:
    """Returns the scores function of a finished run."""
    path = folder / _FILE
    if not path.exists():
        raise errors.UserError(f"{path}: no such file; the run is not finished")
    arrays, meta = state.load(path)
    idf, weight, bias = arrays["tfidf"]
    counter = _counter(vocabulary=meta["words"])
    counter.idf_ = idf

    def score(table) -> np.ndarray:
        return counter.transform(table.values) @ weight + bias

    return score


def _counter(**options) -> extraction.TfidfVectorizer:
    # the pattern takes words of one letter, too: "I" and "u" tell subjects apart
    pattern = r"(?u)\b\w+\b"
    return extraction.TfidfVectorizer(
        sublinear_tf=True, token_pattern=pattern, **options
    )
