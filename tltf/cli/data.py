"""Looks at a data set: check names each bad file, info counts, split cuts it.

Usage:
  tltf data check SOURCE|DIR [--json] [--nonear] [--limit_pixels=64000000]
  tltf data info SOURCE [--json]
  tltf data split SOURCE [--train=all[:70%]] [--valid=...] [--test=...] [--out=F]

SOURCE is as data.source in a recipe: folder:PATH, csv:PATH, jsonl:PATH,
tfds:NAME, or the name of a set; a path alone means folder:PATH, or csv:PATH or
jsonl:PATH by its extension. check decodes every file, or reads every text, and
ends with exit code 1 if it finds anything. split writes a manifest that csv:
reads back.
"""

import json
import os
import pathlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from absl import flags

from tltf import errors, registry
from tltf.cli import _main

_JSON = flags.DEFINE_bool("json", False, "Print one JSON object.")
_NEAR = flags.DEFINE_bool("near", True, "check: find near duplicates.")
_LIMIT_PIXELS = flags.DEFINE_integer(
    "limit_pixels", None, "check: an image of more is not decoded.", lower_bound=1
)
_SET = flags.DEFINE_multi_string("set", [], "Option of the source, as path=DIR.")
_TRAIN = flags.DEFINE_string("train", None, "split: slice, such as train[:80%].")
_VALID = flags.DEFINE_string("valid", None, "split: slice to choose on.")
_TEST = flags.DEFINE_string("test", None, "split: slice to report on.")
_OUT = flags.DEFINE_string("out", None, "split: file to write; default stdout.")

_KINDS = {"one": "class", "several": "label", "number": "number", "tokens": "tag"}
_EVERY = 5.0  # seconds between two log lines
_SHOWN = 200  # rows of the table; --json has all


def main(argv: list[str]) -> int:
    """Runs `check`, `info` or `split` on one source."""
    acts = {"check": _check, "info": _info, "split": _split}
    if len(argv) < 2 or argv[1] not in acts:
        given = f"no {argv[1]!r}" if len(argv) > 1 else "nothing to do"
        raise errors.UserError(
            f"{given}; write tltf data check SOURCE, tltf data info SOURCE or "
            "tltf data split SOURCE"
        )
    if len(argv) != 3:
        raise errors.UserError(
            f"tltf data {argv[1]} takes one source, got {len(argv) - 2}; "
            f"write tltf data {argv[1]} folder:PATH"
        )
    return acts[argv[1]](_named(argv[2]))


def _named(text: str) -> str:
    """Returns the source that a bare path means; anything else as it is."""
    if text in registry.names("sources"):
        return text
    path = os.path.expanduser(text)
    suffix = os.path.splitext(path)[1].lower()
    if suffix in (".csv", ".jsonl") and ":" not in text:
        return f"{suffix[1:]}:{text}"
    alone = ":" not in text and os.sep in text
    return f"folder:{text}" if os.path.exists(path) or alone else text


def _check(source: str) -> int:
    table = _load(source, strict=False)
    from tltf.data import check

    limit = _LIMIT_PIXELS.value or check.LIMIT_PIXELS
    with _progress("decoding") as progress:
        found = check.scan(
            table, near=_NEAR.value, limit_pixels=limit, progress=progress
        )
    if _JSON.value:
        problems = [problem._asdict() for problem in found.problems]
        _main.out(json.dumps({"files": found.files, "problems": problems}))
    else:
        what = "files" if table.kind == "image" else "texts"
        _show_problems(found, check.summary(found.problems), what)
    return 1 if found.problems else 0


def _info(source: str) -> int:
    table = _load(source, strict=True)
    from tltf.data import facts

    name = registry.source(source)[0]
    card = registry.find("sources", name).CARD
    found = facts.facts(table)
    if _JSON.value:
        shown = {"title": card.title, "homepage": card.homepage}
        shown |= {"licence": card.licence, "citation": card.citation}
        _main.out(json.dumps(shown | found))
    else:
        _show_facts(card, found)
    return 0


def _split(source: str) -> int:
    table = _load(source, strict=True)
    from tltf.data import digests, manifest, splits

    known = digests.records(table)
    cuts = splits.roles(table, train=_TRAIN.value, valid=_VALID.value, test=_TEST.value)
    chosen = {role: splits.rows(table, known, cut) for role, cut in cuts.items() if cut}
    splits.overlap(table, chosen)
    counts = {role: len(rows) for role, rows in chosen.items()}
    said = ", ".join(f"{role} {n} ({cuts[role]})" for role, n in counts.items())
    _main.say(f"{said}; left out {len(table) - sum(counts.values())}")
    if not _OUT.value:
        _main.out(manifest.text(table, chosen).rstrip("\n"))
        return 0
    manifest.write(pathlib.Path(_OUT.value), table, chosen)
    shown = {"out": _OUT.value, "counts": counts}
    _main.out(json.dumps(shown) if _JSON.value else _OUT.value)
    return 0


def _load(source: str, *, strict: bool):
    from tltf.data import tables

    options = _options()
    module = registry.find("sources", registry.source(source)[0])
    if "strict" in tables.taken(module):
        options.setdefault("strict", strict)
    return tables.load(source, options)


def _options() -> dict[str, Any]:
    import yaml

    options = {}
    for text in _SET.value:
        name, equals, value = text.partition("=")
        if not equals:
            raise errors.UserError(f"--set={text}: write --set=OPTION=VALUE")
        try:
            options[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise errors.UserError(f"--set={text}: the value is not YAML") from None
    return options


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yields a callable (done, total): a bar on a terminal, lines elsewhere."""
    import rich.console
    import rich.progress

    console = rich.console.Console(stderr=True)
    if not console.is_terminal:
        yield _lines(what)
        return
    columns = rich.progress.Progress.get_default_columns()
    count = rich.progress.MofNCompleteColumn()
    with rich.progress.Progress(*columns, count, console=console) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(what: str) -> Callable[[int, int], None]:
    last = [time.monotonic()]

    def line(done: int, total: int) -> None:
        now = time.monotonic()
        if now - last[0] > _EVERY or done == total:
            last[0] = now
            _main.say(f"{what}: {done} of {total} files")

    return line


def _show_problems(found, counts, what: str) -> None:
    if not found.problems:
        _main.out(f"{found.files} {what}, no problems")
        return
    listed = _table(what[:-1], "cause", "action")
    for problem in found.problems[:_SHOWN]:
        path = _short(problem.path) if what == "files" else problem.path
        listed.add_row(path, problem.cause, problem.action)
    summed = _table("cause", "action", what)
    for (cause, action), count in counts.items():
        summed.add_row(cause, action, str(count))
    _print(listed)
    if len(found.problems) > _SHOWN:
        _main.out(f"... and {len(found.problems) - _SHOWN} more; --json has all")
    _print(summed)
    _main.out(f"{found.files} {what}, {len(found.problems)} problems")


def _show_facts(card, found) -> None:
    _main.out(card.title)
    for name in ("homepage", "licence", "citation"):
        if getattr(card, name):
            _main.out(f"{name}: {getattr(card, name)}")
    counted = _table(_KINDS[found["form"]], *found["splits"])
    for name, row in found["classes"].items():
        counted.add_row(name, *map(str, row.values()))
    for place, name in enumerate(("least", "mean", "median", "largest")):
        if columns := list(found.get("numbers", {}).values()):
            counted.add_row(name, *(f"{c[place]:g}" if c else "" for c in columns))
    counted.add_row("records", *map(str, found["splits"].values()), style="bold")
    _print(counted)
    if found["skipped"]:
        _main.out(f"{found['skipped']} records skipped; tltf data check says which")
    if "sides" in found:
        wide, high = found["sides"]["width"], found["sides"]["height"]
        _main.out(
            f"{found['bytes'] / 1e6:.1f} MB; width {wide[0]} to {wide[2]}, median "
            f"{wide[1]}; height {high[0]} to {high[2]}, median {high[1]} pixels"
        )
    if "lengths" in found:
        parts = [
            f"{low} to {high} {name}, median {middle}"
            for name, (low, middle, high) in found["lengths"].items()
        ]
        _main.out(f"{found['bytes'] / 1e6:.1f} MB; {'; '.join(parts)}")


def _table(*columns: str):
    import rich.box
    import rich.table

    made = rich.table.Table(box=rich.box.SIMPLE, pad_edge=False)
    for name in columns:
        made.add_column(name, overflow="fold")
    return made


def _print(table) -> None:
    import sys

    import rich.console

    console = rich.console.Console(file=sys.stdout, highlight=False, markup=False)
    if not console.is_terminal:
        console.width = 200  # so that a path stays on its line
    console.print(table)


def _short(path: str) -> str:
    below = os.path.relpath(path)
    return path if below.startswith("..") else below


def run() -> None:
    """Entry point."""
    _main.run(main)


if __name__ == "__main__":
    run()
