"""Requests that TensorFlow Serving replays before a version takes traffic."""

import pathlib
from collections.abc import Sequence

import tensorflow as tf

# Field numbers of tensorflow_serving/apis: prediction_log.proto (PredictionLog,
# PredictLog), predict.proto (PredictRequest), model.proto (ModelSpec). Writing
# five nested fields by hand spares the tensorflow-serving-api package.
_PREDICT_LOG, _REQUEST, _SPEC, _INPUTS, _NAME, _SIGNATURE = 6, 1, 1, 2, 1, 3
_KEY, _VALUE = 1, 2  # of a map entry


def write(
    folder: pathlib.Path, name: str, records: Sequence[bytes], *, key: str
) -> None:
    """Writes one PredictionLog a record to `assets.extra` of a SavedModel.

    Args:
      folder: The SavedModel.
      name: Model name in the requests.
      records: Bytes of image files, or texts, each sent as a batch of one.
      key: Name of the signature's input.
    """
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(request(name, record, key=key))


def request(name: str, record: bytes, *, key: str = "image_bytes") -> bytes:
    """Returns a serialized PredictionLog that asks `serving_default` for a record."""
    spec = _field(_NAME, name.encode()) + _field(_SIGNATURE, b"serving_default")
    tensor = tf.make_tensor_proto([record], tf.string).SerializeToString()
    entry = _field(_KEY, key.encode()) + _field(_VALUE, tensor)
    asked = _field(_SPEC, spec) + _field(_INPUTS, entry)
    return _field(_PREDICT_LOG, _field(_REQUEST, asked))


def _field(number: int, contents: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(contents)) + contents


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
