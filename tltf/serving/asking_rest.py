"""A served model over REST."""

import base64
import json
from typing import Any

import numpy as np
import requests
import tensorflow as tf
import urllib3
from requests import adapters

from tltf import errors
from tltf.serving import addresses

_TRIES = 6  # of one request, the first with them
_FIRST = 0.2  # seconds before the second try; each wait is twice the one before
_BUSY = (429, 502, 503, 504)
_WRONG = (400, 413)  # of the records that were sent


class Rest:
    """A model over REST."""

    def __init__(self, target: addresses.Target, seconds: float):
        self._target = target
        self._seconds = seconds
        self._root = f"{target.scheme}://{target.host}"
        retry = urllib3.Retry(
            total=_TRIES - 1,
            backoff_factor=_FIRST / 2,
            backoff_jitter=_FIRST,
            status_forcelist=_BUSY,
            allowed_methods=None,  # a prediction changes nothing
            raise_on_status=False,
        )
        self._session = requests.Session()
        adapter = adapters.HTTPAdapter(max_retries=retry)
        self._session.mount(self._root, adapter)

    def ends(self) -> addresses.Ends:
        """Returns the names of inputs and outputs."""
        found = self._done("GET", self._target.path + "/metadata")
        table = found["metadata"]["signature_def"]["signature_def"]
        if addresses.SIGNATURE not in table:
            raise addresses.unsigned()
        parts = table[addresses.SIGNATURE]
        outputs = {
            name: _last_size(info["tensor_shape"])
            for name, info in sorted(parts["outputs"].items())
        }
        return addresses.Ends(tuple(sorted(parts["inputs"])), outputs)

    def labels(self) -> dict[str, tuple[str, ...]]:
        """Returns the names of classes by part where the server is one of ours."""
        response = self._send("GET", "/tltf/models.json")
        if not response.ok:
            return {}
        target = self._target
        for model in response.json():
            if model["name"] == target.name:
                number = model["labels"].get(target.label, target.number)
                for version in model["versions"]:
                    if number is None or str(version["number"]) == str(number):
                        return {k: tuple(v) for k, v in version["classes"].items()}
        return {}

    def ask(self, ends: addresses.Ends, records: list[bytes]) -> dict[str, tf.Tensor]:
        """Returns the outputs for some records.

        Raises:
          tf.errors.InvalidArgumentError: The server refuses a record.
          WorkError: It does not answer.
        """
        columns = [{"b64": base64.b64encode(one).decode()} for one in records]
        body = json.dumps({"inputs": {ends.inputs[0]: columns}})
        found = self._done("POST", self._target.path + ":predict", body)["outputs"]
        if len(ends.outputs) == 1:
            found = {name: found for name in ends.outputs}
        return {name: _tensor(value) for name, value in found.items()}

    def _done(self, verb: str, path: str, body: str | None = None) -> Any:
        response = self._send(verb, path, body)
        try:
            found = response.json()
        except requests.JSONDecodeError:
            found = {"error": response.text[:200]}
        if response.ok:
            return found
        said = str(found.get("error", found))
        if response.status_code in _WRONG and verb == "POST":
            raise tf.errors.InvalidArgumentError(None, None, said)
        kind = errors.WorkError if response.status_code >= 429 else errors.UserError
        raise kind(f"--model: {self._root} says {response.status_code}: {said}")

    def _send(self, verb: str, path: str, body: str | None = None):
        try:
            return self._session.request(
                verb, self._root + path, data=body, timeout=self._seconds
            )
        except requests.ConnectionError as error:
            raise errors.UserError(
                f"--model: nobody answers at {self._root} ({_last(error)}); "
                "`tltf serve` starts a server"
            ) from None
        except requests.RequestException as error:
            raise errors.WorkError(f"--model: {self._root}: {_last(error)}") from None


def _tensor(value: Any) -> tf.Tensor:
    array = np.asarray(value)
    return tf.constant(array.astype(np.float32) if array.dtype.kind == "f" else array)


def _last(error: Exception) -> str:
    """The words of the error at the bottom of a chain of wrappers."""
    while isinstance(error.args[0] if error.args else None, Exception):
        error = error.args[0]
    reason = getattr(error, "reason", None) or error
    return str(reason).rpartition(": ")[2][:200]


def _last_size(shape: dict[str, Any]) -> int:
    return max(0, int(shape["dim"][-1]["size"])) if shape.get("dim") else 0
