"""Where a served model is, and what it takes and gives."""

import re
import urllib.parse
from typing import NamedTuple

from tltf import errors

SIGNATURE = "serving_default"
_ADDRESS = re.compile(
    r"(https?|grpc)://([^/]+)(?:/v1/models)?/([^/:]+)"
    r"(?:/versions/(\d+)|/labels/(\w+))?/?"
)


class Target(NamedTuple):
    """What an address names."""

    scheme: str
    host: str
    name: str
    number: str | None
    label: str | None

    @property
    def path(self) -> str:
        """Of the model in REST."""
        path = f"/v1/models/{urllib.parse.quote(self.name)}"
        if self.number:
            path += f"/versions/{self.number}"
        return path + (f"/labels/{self.label}" if self.label else "")


class Ends(NamedTuple):
    """The default signature.

    Attributes:
      inputs: Names.
      outputs: Names, and of each the size of its last axis; 0 where it is not known.
    """

    inputs: tuple[str, ...]
    outputs: dict[str, int]


def parse(url: str) -> Target:
    """Returns the parts of an address.

    Raises:
      UserError: It is none.
    """
    found = _ADDRESS.fullmatch(url)
    if not found:
        raise errors.UserError(
            f"--model: {url!r} is no address of a model; expected "
            "http://HOST:PORT/NAME or grpc://HOST:PORT/NAME"
        )
    return Target(*found.groups())


def unsigned() -> errors.UserError:
    """Returns the error of a model without the default signature."""
    return errors.UserError(f"--model: no signature {SIGNATURE} is served")
