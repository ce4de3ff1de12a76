"""Which scores a run is known by: its task's main one, or that of each part."""

from collections.abc import Sequence

from tltf import registry, specs
from tltf.ops import repeats


def names(recipe: specs.Recipe) -> list[str]:
    """Returns the names, in a report's scores, of what a run is compared by.

    Of a plain recipe that is `accuracy` or what its task calls METRIC; of parts,
    `PART.METRIC` of each, and last their `mean`. All are better when higher.
    """
    if not recipe.parts:
        return [registry.find("tasks", recipe.task).METRIC]
    found = [
        f"{part.name}.{registry.find('tasks', part.task).METRIC}"
        for part in recipe.parts
    ]
    return [*found, "mean"]


def spread(recipe: specs.Recipe, found: Sequence[dict]) -> dict[str, float]:
    """Returns mean and interval of those scores over repeated runs.

    Args:
      recipe: Resolved.
      found: Scores of one split, a mapping for each run, two or more.
    """
    spreads: dict[str, float] = {}
    for name in names(recipe):
        spreads |= repeats.spread([scores[name] for scores in found], name)
    return spreads
