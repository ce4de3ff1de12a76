"""What every part of a recipe is, and the report of a run. No TensorFlow."""

from typing import Any

import pydantic
from pydantic import Field


class Spec(pydantic.BaseModel):
    """A frozen part of a recipe; an unknown key is an error."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


class Report(Spec):
    """What a run leaves in report.json.

    Attributes:
      scores: By split, then by metric; plain numbers, intervals beside as
        `accuracy_low` and `accuracy_high`.
    """

    method: str
    scores: dict[str, dict[str, float]]
    counts: dict[str, int]
    seconds: dict[str, float]
    seed: int
    versions: dict[str, str]
    weights: dict[str, Any]
    choices: dict[str, Any] = Field(
        {}, description="what was chosen on train or valid: C, temperature, ..."
    )
    parameters: dict[str, int] = Field({}, description="all, and those that learnt")
    peak_mb: float
