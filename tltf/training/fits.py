"""Checks that records, task, method and encoder go together."""

from collections.abc import Sequence

from absl import logging

from tltf import errors, registry
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


def task(table: _base.Table, task) -> None:
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


def solver(table: _base.Table, task, *, method: str) -> None:
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


def backbone(table: _base.Table, backbone, *, name: str) -> None:
    """Checks that the encoder reads what the source has.

    Raises:
      UserError: Texts for a network of images, or the reverse.
    """
    if table.kind != backbone.kind:
        raise errors.UserError(
            f"backbone: {name} reads {backbone.kind}s, the source has {table.kind}s; "
            f"`tltf models --kind={table.kind}` lists those that fit"
        )


def tokens(table: _base.Table, recipe, backbone) -> None:
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
