"""Answers with a SavedModel in a process that has TensorFlow and no tltf.

Run as a file in isolated mode: `python -I _reload.py REQUEST.json ANSWER.json`.
"""

import json
import pathlib
import sys

_BATCH = 8


def main(request: str, answer: str) -> None:
    """Reads {"model", "records", "part"} and writes {"answers", "features", "example",
    "alone"}: what `serving_default` gives of each record, by output; the encoder's
    vectors of the first; what `predict_examples` gives of it. Of a part, that is what
    stands under its name; "alone" is what its own signature gives of the first."""
    sys.modules["tltf"] = None  # an import of it now fails, wherever it stands
    import tensorflow as tf

    asked = json.loads(pathlib.Path(request).read_text(encoding="utf-8"))
    loaded = tf.saved_model.load(asked["model"])
    records = [_raw(row) for row in asked["records"]]
    part = asked["part"]
    mine = f"{part}_" if part else ""
    serve = loaded.signatures["serving_default"]
    [key] = serve.structured_input_signature[1]
    answers: dict = {}
    for start in range(0, len(records), _BATCH):
        found = serve(**{key: tf.constant(records[start : start + _BATCH])})
        for name, value in found.items():
            if name.startswith(mine):
                answers.setdefault(name[len(mine) :], []).extend(_plain(value))
    first = tf.constant(records[:1])
    vector = loaded.signatures["features"](**{key: first})["features"]
    ask = loaded.signatures["predict_examples"]
    example = ask(examples=_examples(tf, key, records[:1]))
    alone = loaded.signatures[part](**{key: first}) if part else {}
    report = {
        "answers": answers,
        "features": _plain(vector)[0],
        "example": {
            name[len(mine) :]: _plain(value)[0]
            for name, value in example.items()
            if name.startswith(mine)
        },
        "alone": {name: _plain(value)[0] for name, value in alone.items()},
    }
    pathlib.Path(answer).write_text(json.dumps(report), encoding="utf-8")


def _raw(row):
    if "text" in row:
        return row["text"].encode("utf-8", "replace")
    return pathlib.Path(row["file"]).read_bytes()


def _plain(value):
    """Returns a tensor as nested lists, its strings decoded."""
    return _decoded(value.numpy().tolist())


def _decoded(value):
    if isinstance(value, list):
        return [_decoded(one) for one in value]
    return value.decode() if isinstance(value, bytes) else value


def _examples(tf, key, records):
    made = []
    for record in records:
        value = tf.train.Feature(bytes_list=tf.train.BytesList(value=[record]))
        features = tf.train.Features(feature={key: value})
        made.append(tf.train.Example(features=features).SerializeToString())
    return tf.constant(made)


if __name__ == "__main__":
    main(*sys.argv[1:])
