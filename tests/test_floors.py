"""The floor plan: imports point down, files and functions stay small."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent / "tltf"
PATHS = sorted(ROOT.rglob("*.py"))

_LOW = {"errors"}
_RECIPE = {"errors", "registry", "specs"}
MAY_IMPORT = {
    "__init__": set(),
    "errors": set(),
    "_spec": set(),
    "specs": {"_spec"},
    "_parts": _RECIPE,
    "registry": _LOW,
    "ops": _LOW,
    "fetch": _LOW,
    "config": _RECIPE | {"_parts"},
    "sources": _LOW | {"ops", "fetch"},
    "layers": _LOW | {"ops", "fetch"},
    "text": _LOW | {"ops", "fetch", "layers"},
    "codecs": _LOW | {"ops", "fetch", "text"},
    "backbones": _LOW | {"ops", "fetch", "layers", "text"},
    "heads": _LOW | {"ops"},
    "tasks": _LOW | {"ops"},
    "engines": _LOW | {"ops"},
    "models": _LOW | {"registry", "fetch", "backbones"},
    "data": _RECIPE | {"ops", "fetch", "sources"},
    "training": _RECIPE
    | {"ops", "fetch", "layers", "data", "sources", "backbones", ""},
    "pretraining": _RECIPE | {"ops", "fetch", "layers", "text", "data", "training"},
    "methods": _RECIPE | {"ops", "training", "pretraining"},
    "analysis": _LOW | {"ops", "specs"},
    "export": _LOW | {"registry", "ops", "specs", "fetch", "layers", ""},
    "serving": _LOW | {"ops", "fetch", "export"},
    "runs": _RECIPE | {"config", "ops", "fetch", "training", "analysis", "export"},
}
STRANGERS = ("sources", "codecs", "backbones", "heads", "tasks", "engines")


def imported(tree: ast.AST) -> set[str]:
    """Returns the parts of tltf that a file imports; "" is the package itself."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            head, *rest = name.split(".")
            if head == "tltf":
                found.add(rest[0] if rest else "")
    return found


@pytest.mark.parametrize("path", PATHS, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    here = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if here == "cli":
        return
    extra = imported(ast.parse(path.read_text())) - MAY_IMPORT[here] - {here}
    assert not extra, f"{here} may not import {sorted(extra)}"


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("import tltf.cli.train", "cli"),
        ("from tltf import cli", "cli"),
        ("from tltf.cli import train", "cli"),
        ("def f():\n  from tltf.cli.train import main", "cli"),
        ("import tltf", ""),
    ],
)
def test_every_form_of_import_is_seen(line, part):
    assert imported(ast.parse(line)) == {part}


@pytest.mark.parametrize("path", PATHS, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_functions_and_arguments_stay_small(path):
    text = path.read_text()
    assert text.count("\n") <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 50, node.name
            plain = node.args
            count = len(plain.args + plain.kwonlyargs + plain.posonlyargs)
            count -= bool(plain.args) and plain.args[0].arg in ("self", "cls")
            assert count <= 6 or node.name == "__init__", node.name


@pytest.mark.parametrize("path", PATHS, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_name_says_nothing(path):
    banned = {"utils", "util", "helper", "helpers", "manager", "misc", "common"}
    assert not banned & set(path.stem.strip("_").split("_"))


@pytest.mark.parametrize("kind", STRANGERS)
def test_every_entry_has_one_line_on_itself(kind):
    entries = [p for p in (ROOT / kind).glob("*.py") if p.stem[0] != "_"]
    assert entries
    for path in entries:
        line = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
        assert 10 < len(line) <= 90, path
