"""Writes configs/README.md, the table of every recipe field, from tltf/specs.py."""

import pathlib
import types
import typing

from tltf import specs

TARGET = pathlib.Path(__file__).parent.parent / "configs" / "README.md"
HEAD = """# Recipes

One YAML file is one run: `tltf train --config=F --workdir=D`.
Any field can be overridden by `--set a.b=value`. The first lines of each file
here say what it reproduces, the command, and what it measured.

This table is made from `tltf/specs.py` by `python tools/recipe_fields.py`.

| field | values | default | meaning |
|---|---|---|---|
"""


def main() -> None:
    TARGET.write_text(page(), encoding="utf-8")


def page() -> str:
    """Returns the content of configs/README.md."""
    return HEAD + "\n".join(rows(specs.Recipe, "")) + "\n"


def rows(model, prefix: str):
    """Yields a line of the table for each field, nested ones by dotted path."""
    for name, field in model.model_fields.items():
        inner = nested(field.annotation)
        if inner:
            number = "0." if "tuple" in str(field.annotation) else ""
            yield from rows(inner, f"{prefix}{name}.{number}")
            continue
        required = field.is_required()
        default = "required" if required else f"`{shown(field.default)}`"
        meaning = (field.description or "").replace("|", "\\|")
        yield (
            f"| `{prefix}{name}` | {values(field.annotation)} | {default} | {meaning} |"
        )


def nested(annotation):
    """Returns the model inside an annotation, or None."""
    if isinstance(annotation, type) and issubclass(annotation, specs.Spec):
        return annotation
    for part in typing.get_args(annotation):
        if found := nested(part):
            return found
    return None


def values(annotation) -> str:
    """Returns the allowed values in words."""
    if typing.get_origin(annotation) is typing.Literal:
        return ", ".join(f"`{value}`" for value in typing.get_args(annotation))
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        parts = [p for p in typing.get_args(annotation) if p is not type(None)]
        return " or ".join(values(part) for part in parts)
    if typing.get_origin(annotation) is tuple:
        return f"list of {values(typing.get_args(annotation)[0])}"
    if typing.get_origin(annotation) is dict:
        return "mapping"
    return {"str": "text", "int": "integer", "float": "number", "bool": "yes or no"}[
        annotation.__name__
    ]


def shown(default) -> str:
    """Returns a default as it is written in YAML."""
    if default is None:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return f"[{', '.join(map(shown, default))}]"
    return f"{default:g}" if isinstance(default, float) else str(default)


if __name__ == "__main__":
    main()
