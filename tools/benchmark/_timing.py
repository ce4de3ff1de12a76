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
    machine = {"cores": cores, "cpu": _cpu(), "load": round(os.getloadavg()[1], 1)}
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
