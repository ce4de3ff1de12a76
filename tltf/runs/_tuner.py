"""Keras Tuner around `runs.train`: what proposes values, and what runs them."""

import contextlib
import dataclasses
import json
import os
import pathlib
import sys
import time
from collections.abc import Callable

import keras
import keras_tuner
from absl import logging
from keras_tuner import errors as tuner_errors

from tltf import config, errors, specs
from tltf.fetch import files
from tltf.runs import headline, search_space, train, trials

# trials for which nothing but a user's mistake was heard, before the search ends
_PATIENCE = 3


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Work:
    """What holds for all trials of a search.

    Attributes:
      recipe: What is varied.
      search: How.
      folder: Of the search.
      told: Called after each trial with its row.
    """

    recipe: specs.Recipe
    search: search_space.Search
    folder: pathlib.Path
    told: Callable[[dict], None]

    @property
    def objective(self) -> str:
        """Name of the score of the valid split that trials are compared by."""
        return headline.names(self.recipe)[-1]


class _Whole:
    """Writes an oracle's state in one step, and mends it after a SIGKILL."""

    def save(self):
        """Replaces oracle.json."""
        text = json.dumps(self.get_state())
        files.write_text(pathlib.Path(self._get_oracle_fname()), text)

    def _save_trial(self, trial):
        folder = pathlib.Path(self._get_trial_dir(trial.trial_id))
        files.write_text(folder / "trial.json", json.dumps(trial.get_state()))

    def reload(self):
        """Reads the state; a trial begun but not yet in oracle.json is forgotten, for
        the same one is then proposed again."""
        super().reload()
        for name in set(self.trials) - set(self.start_order):
            del self.trials[name]


class _Random(_Whole, keras_tuner.oracles.RandomSearchOracle):
    """Independent draws."""


class _Bayesian(_Whole, keras_tuner.oracles.BayesianOptimizationOracle):
    """A Gaussian process over what was tried."""


class _Hyperband(_Whole, keras_tuner.oracles.HyperbandOracle):
    """Many short trials, of which the best are repeated with more epochs."""


class Tuner(keras_tuner.engine.base_tuner.BaseTuner):
    """Runs each trial as `tltf train` would, in a run folder of its own.

    Args:
      work: What holds for all trials.
    """

    def __init__(self, work: Work):
        self._work = work
        self._domains = search_space.domains(work.search, work.recipe)
        self._waiting = False
        self.fault: Exception | None = None
        oracle = _oracle(work, self._domains)
        oracle.verbose = 0
        with contextlib.redirect_stdout(sys.stderr):  # it tells what it reloads
            super().__init__(oracle, directory=work.folder, project_name="tuner")

    def save(self):
        """Saves the oracle; the tuner itself has no state."""
        if not self._is_worker():
            self.oracle.save()
        files.write_text(pathlib.Path(self._get_tuner_fname()), "{}")

    def pre_create_trial(self):
        """Waits a moment when the last answer was that others must end first."""
        if self._waiting:
            time.sleep(0.2)
        self._waiting = True

    def on_trial_begin(self, trial):
        """Notes that there was a trial."""
        self._waiting = False

    def run_trial(self, trial):
        """Returns the objective of one trial, {name: value}.

        Raises:
          FailedTrialError: The recipe does not work with these values, or its loss
            is not finite: others may.
          FatalError: A fault that the values do not explain; see `fault`.
        """
        try:
            return self._run(trial)
        except (errors.UserError, errors.WorkError) as error:
            if self._hopeless(error):
                self._give_up(error)
            raise tuner_errors.FailedTrialError(str(error)) from error
        except Exception as error:  # the tuner would hide it among failed trials
            self._give_up(error)
        finally:
            keras.utils.clear_session()

    def _run(self, trial) -> dict[str, float]:
        work = self._work
        proposed = dict(trial.hyperparameters.values)
        values = search_space.overrides(self._domains, proposed)
        if epochs := proposed.get("tuner/epochs"):
            values |= search_space.shortened(work.recipe, int(epochs))
        folder = work.folder / "trials" / trial.trial_id
        trials.fresh(folder, values)
        row = {"trial": trial.trial_id, "values": values, "worker": self.tuner_id}
        row |= {"score": None, "low": None, "high": None, "seconds": None}
        trials.write(folder, {**row, "error": None})
        try:
            recipe = config.change(work.recipe, (), values)
            report = train.train(recipe, folder, resume=True)
        except (errors.UserError, errors.WorkError) as error:
            self._tell(folder, {**row, "error": str(error)})
            raise
        row |= scored(report, work.objective)
        self._tell(folder, {**row, "error": None})
        return {work.objective: row["score"]}

    def _tell(self, folder: pathlib.Path, row: dict) -> None:
        trials.write(folder, row)
        trials.prune(self._work.folder, self._work.search.keep)
        self._work.told(row)

    def _hopeless(self, error: Exception) -> bool:
        rows = trials.read(self._work.folder)
        failed = [row for row in rows if row["error"]]
        mistaken = isinstance(error, errors.UserError)
        return mistaken and not trials.ranked(rows) and len(failed) >= _PATIENCE

    def _give_up(self, error: Exception):
        self.fault = error
        raise tuner_errors.FatalError(str(error)) from error


def scored(report: specs.Report, name: str) -> dict[str, float | None]:
    """Returns what a trial's row says of its report: score, interval, seconds.

    The score is of the valid split; of repeated runs it is their mean.
    """
    valid = report.scores["valid"]
    mean = f"{name}_mean"
    return {
        "score": valid.get(mean, valid[name]),
        "low": valid.get(f"{mean}_low", valid.get(f"{name}_low")),
        "high": valid.get(f"{mean}_high", valid.get(f"{name}_high")),
        "seconds": report.seconds["total"],
    }


def _oracle(work: Work, domains) -> keras_tuner.Oracle:
    search = work.search
    space = keras_tuner.HyperParameters()
    # each draws from the seed in turn: the order of the file must not matter
    for one in sorted(domains, key=lambda one: one.path):
        _declare(space, one)
    shared = {
        "objective": keras_tuner.Objective(work.objective, "max"),
        "hyperparameters": space,
        # Keras Tuner takes 0 for "no seed"
        "seed": search.seed + 1,
        # a loss that explodes is an answer: wide ranges have many in a row
        "max_consecutive_failed_trials": sys.maxsize,
    }
    if search.tuner == "hyperband":
        epochs = sum(stage.epochs for stage in work.recipe.stages)
        oracle = _Hyperband(max_epochs=epochs, factor=search.factor, **shared)
        oracle.max_trials = search.trials
        return oracle
    shared["max_trials"] = search.trials or 20
    if search.tuner == "bayesian":
        return _Bayesian(num_initial_points=search.first, **shared)
    return _Random(**shared)


def _declare(space: keras_tuner.HyperParameters, one: search_space.Domain) -> None:
    if one.range is None:
        space.Choice(one.path, list(one.told))
        return
    made = space.Int if one.whole else space.Float
    kind = int if one.whole else float
    step = one.range.step or (1 if one.whole and one.range.scale == "linear" else None)
    made(
        one.path,
        kind(one.range.low),
        kind(one.range.high),
        step=step,
        sampling=one.range.scale,
    )


def place() -> str:
    """Returns `alone`, `chief` or `worker`, by Keras Tuner's variables.

    Raises:
      UserError: Some of them are set and others are not.
    """
    names = [f"KERASTUNER_{name}" for name in ("ORACLE_IP", "ORACLE_PORT", "TUNER_ID")]
    missing = [name for name in names if not os.environ.get(name)]
    if len(missing) == len(names):
        return "alone"
    if missing:
        raise errors.UserError(
            f"{', '.join(missing)}: not set; chief and workers need all of "
            f"{', '.join(names)}, one machine alone none"
        )
    return "chief" if "chief" in os.environ[names[2]] else "worker"


def say(row: dict, rows: list[dict]) -> None:
    """Logs one line on a trial that ended."""
    values = ", ".join(
        f"{name} {_short(value)}" for name, value in row["values"].items()
    )
    if row["error"]:
        logging.warning("trial %s failed: %s: %s", row["trial"], values, row["error"])
        return
    best = trials.ranked(rows)[0]
    said = f"{row['score']:.4f} in {row['seconds']:.1f} s"
    first = f"{best['score']:.4f} of trial {best['trial']}"
    logging.info("trial %s: %s: %s; best is %s", row["trial"], values, said, first)


def _short(value) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
