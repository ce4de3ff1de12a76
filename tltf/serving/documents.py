"""JSON of REST requests to tensors, and of tensors to answers."""

import base64
import json
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tltf.serving import status, tensors, values, version

_BYTES = "_bytes"  # outputs named so are written in base64


class Asked(NamedTuple):
    """A request to predict.

    Attributes:
      inputs: Tensors by name.
      rows: Whether it named records ("instances") and not columns ("inputs"),
        and so will be answered.
    """

    inputs: tensors.Tensors
    rows: bool


def parse(body: bytes | bytearray) -> dict[str, Any]:
    """Returns the JSON object of a request.

    NaN and Infinity are taken as numbers, as TensorFlow Serving does.

    Raises:
      status.Refused: It is no JSON object.
    """
    if not body:
        raise status.invalid("JSON Parse error: The document is empty")
    try:
        found = json.loads(body)
    except UnicodeDecodeError as error:
        raise status.invalid(
            f"JSON Parse error: not UTF-8 at offset: {error.start}"
        ) from None
    except json.JSONDecodeError as error:
        raise status.invalid(
            f"JSON Parse error: {error.msg} at offset: {error.pos}"
        ) from None
    except (RecursionError, ValueError):  # ValueError: an integer of 4,300 digits
        raise status.invalid(
            "JSON Parse error: nested too deeply, or a number too long"
        ) from None
    if not isinstance(found, dict):
        raise status.invalid(f"JSON Value: {values.short(found)} Is not object")
    return found


def signature_name(document: dict[str, Any]) -> str:
    """Returns the signature that a request names, "" for none.

    Raises:
      status.Refused: It is no string.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise status.invalid(
            f"JSON Value: {values.short(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    return name


def asked(document: dict[str, Any], signature: version.Signature) -> Asked:
    """Returns the tensors of a request to predict.

    Args:
      document: From `parse`, with either "instances" or "inputs".
      signature: Whose inputs they are.

    Raises:
      status.Refused: A value does not fit, or a name is missing.
    """
    if "instances" in document and "inputs" in document:
        raise status.invalid(
            "Not formatted correctly expecting only one of 'inputs' or 'instances' "
            "keys to exist"
        )
    if "instances" in document:
        return Asked(_of_rows(document["instances"], signature), True)
    if "inputs" in document:
        return Asked(_of_columns(document["inputs"], signature), False)
    raise status.invalid("Missing 'inputs' or 'instances' key")


def examples(document: dict[str, Any]) -> list[bytes]:
    """Returns serialized tf.Examples of a request to classify or regress.

    Raises:
      status.Refused: It has none, or one holds values that a feature cannot.
    """
    found = document.get("examples")
    if found is None:
        raise status.invalid("key 'examples' is expected and was not found")
    if not isinstance(found, list):
        raise status.invalid("Expecting 'examples' value to be an list/array")
    if not found:
        raise status.invalid("'examples' value is an empty array")
    context = document.get("context", {})
    return [_example(context, one).SerializeToString() for one in found]


def predictions(outputs: tensors.Tensors, *, rows: bool) -> dict[str, Any]:
    """Returns the answer to a request: one named output stands without its name.

    Args:
      outputs: Of the signature.
      rows: Whether the request named records.

    Raises:
      status.Refused: Records were asked for, but outputs have unlike numbers of them.
    """
    if not rows:
        found = {name: _written(name, value) for name, value in outputs.items()}
        return {"outputs": _alone(found)}
    sizes = {name: len(v) if v.ndim else None for name, v in outputs.items()}
    if None in sizes.values() or len(set(sizes.values())) > 1:
        raise status.invalid(
            f"outputs have inconsistent batch sizes {sizes}; ask with 'inputs'"
        )
    columns = {name: _written(name, value) for name, value in outputs.items()}
    if len(columns) == 1:
        return {"predictions": _alone(columns)}
    whole = zip(*columns.values(), strict=True)
    return {"predictions": [dict(zip(columns, row, strict=True)) for row in whole]}


def _of_rows(instances: Any, signature: version.Signature) -> tensors.Tensors:
    if not isinstance(instances, list):
        raise status.invalid("Expecting 'instances' to be an list/array")
    if not instances:
        raise status.invalid("No values in 'instances' array")
    inputs = signature.inputs
    if not _named(instances[0]):
        if len(inputs) != 1:
            raise status.invalid(
                "instances is a plain list, but expecting list of objects as multiple "
                "input tensors required as per tensorinfo_map"
            )
        [(name, wanted)] = inputs.items()
        return {name: values.tensor(instances, wanted.dtype)}
    for number, one in enumerate(instances):
        if not _named(one) or one.keys() != inputs.keys():
            raise status.invalid(
                f"Failed to process element: {number} of 'instances' list. JSON "
                f"object: {values.short(one)} keys must be equal to: {','.join(inputs)}"
            )
    return {
        name: values.tensor([one[name] for one in instances], wanted.dtype)
        for name, wanted in inputs.items()
    }


def _of_columns(inputs: Any, signature: version.Signature) -> tensors.Tensors:
    wanted = signature.inputs
    if not _named(inputs):
        if len(wanted) != 1:
            raise status.invalid(
                "inputs is a plain value/list, but expecting an object as multiple "
                "input tensors required as per tensorinfo_map"
            )
        inputs = {next(iter(wanted)): inputs}
    for name in wanted:
        if name not in inputs:
            raise status.invalid(f"Missing named input: {name} in 'inputs' object.")
    return {
        name: values.tensor(inputs[name], one.dtype) for name, one in wanted.items()
    }


def _named(value: Any) -> bool:
    return isinstance(value, dict) and not values.binary(value)


def _example(context: Any, one: Any) -> tf.train.Example:
    example = tf.train.Example()
    for part in (context, one):
        if not isinstance(part, dict):
            raise status.invalid(
                f"Example must be JSON object but got JSON {values.short(part)}"
            )
        for name, value in part.items():
            given = value if isinstance(value, list) else [value]
            feature = example.features.feature[values.encoded(name).decode()]
            _fill(feature, name, given)
    return example


def _fill(feature: tf.train.Feature, name: str, given: list) -> None:
    kinds = set(map(type, given))
    try:
        if kinds <= {bool, int}:
            feature.int64_list.value[:] = [int(value) for value in given]
        elif kinds <= {float}:
            feature.float_list.value[:] = given
        else:
            feature.bytes_list.value[:] = [values.string(value) for value in given]
    except ValueError as error:  # over 64 bits
        raise status.invalid(f"Feature: {name}: {error}") from None


def _written(name: str, value: np.ndarray) -> Any:
    if value.dtype.kind == "O":
        return _strings(value.tolist(), name.endswith(_BYTES))
    if value.dtype.kind not in "biuf":  # bfloat16 and its like
        value = value.astype(np.float32)
    return value.tolist()


def _strings(value: Any, binary: bool) -> Any:
    if isinstance(value, list):
        return [_strings(one, binary) for one in value]
    if binary:
        return {"b64": base64.b64encode(value).decode()}
    return value.decode("utf-8", "replace")


def _alone(found: dict[str, Any]) -> Any:
    return next(iter(found.values())) if len(found) == 1 else found
