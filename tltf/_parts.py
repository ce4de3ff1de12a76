"""Checks the parts of a multi-task recipe. No TensorFlow."""

from tltf import errors, registry, specs

# signatures that every published model has, or that TensorFlow keeps for itself
_TAKEN = ("serving_default", "features", "predict_examples", "signatures")


def filled(recipe: specs.Recipe) -> tuple[specs.Part, ...]:
    """Returns the parts of a recipe with their data filled in.

    Raises:
      UserError: Parts without method multitask or the reverse, two parts of one
        name, a part without data, or a setting that is of one task.
    """
    if (recipe.method == "multitask") != bool(recipe.parts):
        raise errors.UserError(
            "parts: method multitask needs parts, each with name, task and data"
            if recipe.method == "multitask"
            else f"parts: method {recipe.method} learns one task; take multitask"
        )
    if not recipe.parts and recipe.data is None:
        raise errors.UserError("recipe: data: this field is required")
    names = [part.name for part in recipe.parts]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise errors.UserError(
                f"parts.{place}.name: {name!r} is also the name of "
                f"parts.{names.index(name)}; give each part its own"
            )
        if name in _TAKEN:
            raise errors.UserError(
                f"parts.{place}.name: {name!r} is a signature of every published "
                "model; take another name"
            )
    if recipe.parts:
        _check_joint(recipe, names)
    return tuple(
        _part(part, recipe.data, place) for place, part in enumerate(recipe.parts)
    )


def _check_joint(recipe: specs.Recipe, names: list[str]) -> None:
    if recipe.joint.watch not in (*names, "mean"):
        raise errors.UserError(
            registry.unknown(
                f"joint.watch: no part {recipe.joint.watch!r}",
                recipe.joint.watch,
                [*names, "mean"],
            )
        )
    if recipe.imbalance != "none":
        raise errors.UserError(
            f"imbalance: {recipe.imbalance} is of one task; set it in each of parts"
        )
    if recipe.augment.mixes:
        raise errors.UserError(
            "augment: mixup and cutmix mix the labels of one task; leave them off "
            "with parts"
        )


def _part(part: specs.Part, shared: specs.Data | None, place: int) -> specs.Part:
    registry.find_name("tasks", part.task)
    registry.find_name("heads", part.head.kind)
    data = part.data or shared
    if data is None:
        raise errors.UserError(
            f"parts.{place}.data: {part.name} has none, nor has the recipe; "
            "give data.source"
        )
    name, _ = registry.source(data.source)
    if part.label and name not in ("csv", "jsonl"):
        raise errors.UserError(
            f"parts.{place}.label: {part.label!r} names a column, which {name} does "
            "not have; leave it out, or take a csv: or jsonl: manifest"
        )
    return part.model_copy(update={"data": data})
