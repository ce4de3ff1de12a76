"""What the benchmarks share: interleaved rounds, ratios with spread, one JSON."""

import json
import os
import pathlib
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))  # run from a checkout
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


class Taken(NamedTuple):
    """Seconds of each side by round: by the clock, and of this process's cores."""

    wall: dict[str, list[float]]
    cpu: dict[str, list[float]]


class Others:
    """How many cores other processes took since this was made; None off Linux."""

    def __init__(self):
        self._start = self._now()

    def cores(self) -> float | None:
        """Returns the mean number of cores."""
        if self._start is None:
            return None
        wall, busy, own = (b - a for a, b in zip(self._start, self._now(), strict=True))
        return round(max(0.0, busy - own) / wall, 2)

    def _now(self):
        try:
            line = pathlib.Path("/proc/stat").read_text().splitlines()[0]
        except OSError:
            return None
        user, nice, system, _, _, *more = map(int, line.split()[1:])
        busy = (user + nice + system + sum(more[:3])) / os.sysconf("SC_CLK_TCK")
        mine = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        children = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
        return time.perf_counter(), busy, mine + children


_OTHERS = Others()


def rounds(sides: dict[str, Callable[[], object]], count: int) -> Taken:
    """Returns what each side took; every round runs every side once.

    The order turns from round to round, so that a drift of the machine's speed
    meets all sides alike.
    """
    taken = Taken({name: [] for name in sides}, {name: [] for name in sides})
    for turn in range(count):
        names = list(sides)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            wall, cpu = time.perf_counter(), time.process_time()
            sides[name]()
            taken.cpu[name].append(time.process_time() - cpu)
            taken.wall[name].append(time.perf_counter() - wall)
            say(f"round {turn + 1} of {count}: {name} {taken.wall[name][-1]:.2f} s")
    return taken


def spread(values: list[float], digits: int = 2) -> dict[str, float]:
    """Returns the median, least and most of some values."""
    middle = statistics.median(values)
    parts = {"median": middle, "min": min(values), "max": max(values)}
    return {name: round(value, digits) for name, value in parts.items()}


def ratios(slow: list[float], fast: list[float]) -> dict[str, float]:
    """Returns how many times `fast` goes into `slow`, round by round."""
    return spread([a / b for a, b in zip(slow, fast, strict=True)])


def peak_mb() -> float:
    """Returns the largest resident memory of this process so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10, 1)


def report(**parts) -> None:
    """Prints the result as one JSON object, the machine with it."""
    cores = len(os.sched_getaffinity(0))
    machine = {"cores": cores, "cores_taken_by_others": _OTHERS.cores()}
    machine["cpu"] = _cpu()
    machine["python"] = platform.python_version()
    print(json.dumps({**parts, "machine": machine}, indent=2))


def say(text: str) -> None:
    """Writes a line to stderr."""
    print(text, file=sys.stderr, flush=True)


def _cpu() -> str:
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((x.partition(": ")[2] for x in lines if "model name" in x), "")
