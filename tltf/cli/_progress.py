"""Progress on stderr: a bar on a terminal, a line now and then elsewhere."""

import contextlib
import time
from collections.abc import Callable, Iterator

from tltf.cli import _main

_EVERY = 10.0  # seconds between lines


@contextlib.contextmanager
def shown(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yields a callable that takes the number of records done since its last call."""
    import rich.console
    import rich.progress as parts

    console = rich.console.Console(stderr=True)
    if not console.is_terminal:
        yield _lines(what, total)
        return
    rate = parts.TextColumn("{task.fields[rate]} records/s")
    columns = parts.Progress.get_default_columns()
    columns = (*columns, parts.MofNCompleteColumn(), rate)
    with parts.Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=total, rate="-")

        def advance(count: int) -> None:
            speed = bar.tasks[0].speed
            bar.update(task, advance=count, rate=f"{speed:.0f}" if speed else "-")

        yield advance


def _lines(what: str, total: int) -> Callable[[int], None]:
    last = time.monotonic()
    first = None  # the pace is taken from here on, for starting up has another
    done = 0

    def advance(count: int) -> None:
        nonlocal done, first, last
        done, now = done + count, time.monotonic()
        if first is None and count:
            first = (now, done)
        elif now - last > _EVERY and done > first[1]:
            last = now
            left = (now - first[0]) / (done - first[1]) * (total - done)
            _main.say(f"{what}: {done} of {total}, {left:.0f} s left")

    return advance
