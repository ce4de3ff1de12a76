"""Checks that fail before time is spent."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from absl import logging

from tltf import errors, registry
from tltf.data import _order
from tltf.sources import _base

_SAID = {
    "one": "one class",
    "several": "any number of labels",
    "number": "a number",
    "tokens": "a tag for each token",
}
# a manifest is asked for these
_FORMS = {
    "number": "set data.options.form: numbers, or ",
    "tokens": "set data.options.form: tokens, or ",
}
_TASKS = {
    "one": "{kind}_class",
    "several": "multi_label",
    "number": "regression",
    "tokens": "sequence_tags",
}


def task_fits(table: _base.Table, task) -> None:
    """Checks that the records are of the task's kind.

    Raises:
      UserError: Texts for an image task, or one class a record where the task
        wants several, and the reverse.
    """
    if table.kind not in task.KINDS:
        raise errors.UserError(
            f"task: {_name(task)} works on "
            f"{' and '.join(task.KINDS)}s, the source has {table.kind}s; use task: "
            f"{_task_of(table)}"
        )
    if table.form != task.LABELS:
        raise errors.UserError(
            f"task: {_name(task)} takes {_SAID[task.LABELS]} a record, the source "
            f"has {_SAID[table.form]}; {_FORMS.get(task.LABELS, '')}use task: "
            f"{_task_of(table)}"
        )
    if table.form != "number" and len(table.classes) < 2:
        raise errors.UserError(
            f"data: one class only, {table.classes}; a classifier needs two or more"
        )
    if getattr(task, "ORDERED", False):
        _in_order(table.classes)


def solvable(table: _base.Table, task, *, method: str) -> None:
    """Checks that a method without gradients can learn the task.

    Raises:
      UserError: It solves classes, and the task has none.
    """
    classes = len(table.classes)
    if not classes or task.outputs(classes) != classes or table.form == "tokens":
        raise errors.UserError(
            f"method: {method} solves classes, which task "
            f"{task.__name__.rpartition('.')[2]} does not have; take freeze"
        )


def _in_order(levels: Sequence[str]) -> None:
    try:
        numbers = [float(level) for level in levels]
    except ValueError:
        numbers = []
    if numbers != sorted(numbers):
        raise errors.UserError(
            f"data: levels {', '.join(levels)} do not rise; declare them from low to "
            "high in data.options.classes"
        )
    logging.info("levels from low to high: %s", ", ".join(levels))


def backbone_fits(table: _base.Table, backbone, *, name: str) -> None:
    """Checks that the encoder reads what the source has.

    Raises:
      UserError: Texts for a network of images, or the reverse.
    """
    if table.kind != backbone.kind:
        raise errors.UserError(
            f"backbone: {name} reads {backbone.kind}s, the source has {table.kind}s; "
            f"`tltf models --kind={table.kind}` lists those that fit"
        )


def tokens_fit(table: _base.Table, recipe, backbone) -> None:
    """Checks that each token gets one answer where labels are tags, else each text.

    Args:
      table: The records.
      recipe: With `text` and `head`.
      backbone: Description of the encoder.

    Raises:
      UserError: The head gives another kind of answer; or the encoder's tokens are
        not those that the tags are of.
    """
    tags = table.form == "tokens"
    head = registry.find("heads", recipe.head.kind)
    if tags != (getattr(head, "GIVES", "record") == "tokens"):
        wrong = "one answer a text" if tags else "an answer for each token"
        right = "set head.kind: tags" if tags else "take another head, such as linear"
        raise errors.UserError(
            f"head.kind: {recipe.head.kind} gives {wrong}, which does not fit the "
            f"labels; {right}"
        )
    if not tags:
        return
    if "spaces" not in registry.find("codecs", backbone.codec).SPLITS:
        raise errors.UserError(
            f"backbone: {recipe.backbone} has tokens of its own ({backbone.codec}), "
            "tags are of the text's; take a backbone of glove or elmo"
        )
    for field, needed in (("split", "spaces"), ("keep", "start")):
        if getattr(recipe.text, field) != needed:
            raise errors.UserError(
                f"text.{field}: {getattr(recipe.text, field)} does not keep tokens and "
                f"tags together; set text.{field}: {needed}"
            )


def _task_of(table: _base.Table) -> str:
    return _TASKS[table.form].format(kind=table.kind)


def _name(task) -> str:
    return task.__name__.rpartition(".")[2]


def disjoint(table, found: Sequence[str], rows: Mapping, *, cuts, leaks: str) -> dict:
    """Returns the rows with no record, and no equal file, under two roles.

    Args:
      table: The records.
      found: sha256 of each record.
      rows: Role to row numbers.
      cuts: Role to slice, for the message.
      leaks: `stop`, `drop` (equal files leave the earlier role: train gives
        way to valid, valid to test), or `allow`.

    Raises:
      UserError: Two slices share records; or equal files under `stop`.
    """
    kept = dict(rows)
    roles = [role for role in ("train", "valid", "test") if role in rows]
    for place, low in enumerate(roles):
        for high in roles[place + 1 :]:
            both = np.intersect1d(kept[low], kept[high])
            if len(both):
                raise errors.UserError(
                    f"data: {low} {cuts[low]!r} and {high} {cuts[high]!r} share "
                    f"{len(both)} records, such as {table.ids[both[0]]}"
                )
            kept[low] = _without_equal(table, found, kept, (low, high), leaks)
    return kept


def _without_equal(table, found, rows, pair, leaks):
    low, high = pair
    there = {found[row]: row for row in rows[high]}
    twins = [row for row in rows[low] if found[row] in there]
    if not twins or leaks == "allow":
        return rows[low]
    first = f"{table.ids[twins[0]]} = {table.ids[there[found[twins[0]]]]}"
    if leaks == "stop":
        raise errors.UserError(
            f"data: {len(twins)} records of {low} are equal to records of {high} "
            f"({first}); remove them, or set data.leaks: drop to learn without them"
        )
    logging.warning(
        "dropped %d records of %s equal to %s: %s", len(twins), low, high, first
    )
    return np.setdiff1d(rows[low], twins, assume_unique=True)


def not_empty(rows: Mapping, *, cuts: Mapping[str, str]) -> None:
    """Checks that every role has records.

    Raises:
      UserError: A role is empty, as when all its records were dropped.
    """
    for role, found in rows.items():
        if not len(found):
            raise errors.UserError(
                f"data.{role}: {cuts[role]!r} is empty once bad and equal files are "
                "left out"
            )


def every_class(table: _base.Table, train: np.ndarray, *, cut: str) -> None:
    """Checks that train has a record of each class; of tags it only warns, for no
    cut can spread those over sentences.

    Raises:
      UserError: A class is missing.
    """
    seen = _order.flags(table.rows(train)).any(0)
    missing = [
        name for name, there in zip(table.classes, seen, strict=True) if not there
    ]
    if missing and table.form == "tokens":
        logging.warning("data.train: %r has no token of %s", cut, ", ".join(missing))
    elif missing:
        raise errors.UserError(
            f"data.train: {cut!r} has no record of {', '.join(missing)}; "
            "widen the slice or take the class out of the data"
        )


def one_label(table: _base.Table, found: Sequence[str], train: np.ndarray) -> None:
    """Checks that equal files carry equal labels.

    Numbers and tags may differ, as two measurements of one thing do: of those it
    warns.

    Raises:
      UserError: The same bytes stand under two classes in train.
    """
    first: dict[str, int] = {}
    torn = 0
    for row in train:
        other = first.setdefault(found[row], row)
        if np.array_equal(table.labels[row], table.labels[other]):
            continue
        torn += 1
        if table.form in ("one", "several"):
            raise errors.UserError(
                f"data: {table.ids[other]} and {table.ids[row]} are the same "
                "record under two labels; keep the right one"
            )
    if torn:
        logging.warning("data: %d records of train equal others of another label", torn)


def scaled_once(network, *, side: int) -> None:
    """Checks that the encoder does not expect pixels outside 0..255.

    A second rescaling would shrink the input's range by a factor of 100 and
    more; the first convolution then sees nearly a constant.

    Raises:
      WorkError: Two rescaling layers follow one another in the network.
    """
    scaling = defaultdict(int)
    for layer in network.layers:
        if type(layer).__name__ == "Rescaling" and np.max(np.abs(layer.scale)) < 0.1:
            scaling[type(layer).__name__] += 1
    if sum(scaling.values()) > 1:
        raise errors.WorkError(
            f"the network rescales its {side}-pixel input {sum(scaling.values())} "
            "times; pixels must be scaled from 0..255 once"
        )


def still_chosen(chosen: Sequence[str], network) -> None:
    """Checks that the weights that may learn are those the stage chose.

    Raises:
      WorkError: A trainable flag changed after the stage began: without this
        check the change has no effect, or an unwanted one, in silence.
    """
    now = {weight.path for weight in network.trainable_weights}
    if now != set(chosen):
        odd = sorted(now ^ set(chosen))
        raise errors.WorkError(
            f"trainable flags changed after the stage began: {', '.join(odd[:3])}"
            f" ({len(odd)} weights); set them in stages[].train instead"
        )


def chooses_on_valid(cuts: Mapping[str, str]) -> None:
    """Checks that there is a split to choose on that is not the test split.

    Raises:
      UserError: No valid split, or valid and test are one slice.
    """
    if not cuts.get("valid"):
        raise errors.UserError(
            "data.valid: nothing to choose on; give a slice of train"
        )
    if cuts.get("test") == cuts["valid"]:
        raise errors.UserError(
            f"data.valid: {cuts['valid']!r} is also data.test; choosing on the "
            "test split makes its score too high"
        )
