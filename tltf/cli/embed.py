"""Vectors of texts by a pre-trained encoder: one a text, or one a word in context.

Usage: tltf embed --backbone=glove/50d --text='a cat' texts.txt -
       tltf embed --backbone=elmo/own --weights=LM_FOLDER --view=sequence --out=DIR -

A file holds one text a line; `-` is stdin. Without --out each line of stdout is
{"id", "vector"} or, of --view=sequence, {"id", "vectors"}. With --out=DIR the
vectors go to DIR/vectors.npy (float32; of a sequence the words of all texts in
order) and the texts to DIR/texts.jsonl (id, text, and the row where it starts).
"""

import json
import os
import pathlib
import sys
from collections.abc import Iterator

from absl import flags

from tltf import errors, registry
from tltf.cli import _main

_BACKBONE = flags.DEFINE_string(
    "backbone", None, "FILE/VARIANT; see `tltf models --kind=text`."
)
_WEIGHTS = flags.DEFINE_string("weights", "auto", "auto, none, a file or a folder.")
_VIEW = flags.DEFINE_enum(
    "view", "vector", ["vector", "sequence"], "One vector a text, or one a word."
)
_TEXT = flags.DEFINE_multi_string("text", [], "A text; may be repeated.")
_OUT = flags.DEFINE_string("out", None, "Folder to make.")
_LENGTH = flags.DEFINE_integer(
    "length", None, "Words kept of a text; the backbone's own by default.", 1
)
_BATCH = flags.DEFINE_integer("batch", 32, "Texts a step.", lower_bound=1)


def main(argv: list[str]) -> None:
    """Writes the vectors."""
    if not _BACKBONE.value:
        raise errors.UserError("--backbone is missing; see `tltf models --kind=text`")
    texts = _texts(argv[1:])
    module, form = registry.variant(_BACKBONE.value)
    spec = module.VARIANTS[form]
    if spec.kind != "text":
        raise errors.UserError(
            f"--backbone: {_BACKBONE.value} reads images; `tltf featurize` is for them"
        )
    _main.tensorflow()
    rows = _vectors(spec, f"{_BACKBONE.value}", [text for _, text in texts])
    if _OUT.value:
        _write(pathlib.Path(_OUT.value), texts, list(rows))
        return
    key = "vector" if _VIEW.value == "vector" else "vectors"
    for (name, _), vector in zip(texts, rows, strict=True):
        _main.out(json.dumps({"id": name, key: vector.round(6).tolist()}))


def run() -> None:
    """Runs the command."""
    _main.run(main)


def _texts(names: list[str]) -> list[tuple[str, str]]:
    found = [(f"text {n}", text) for n, text in enumerate(_TEXT.value, 1)]
    for name in names:
        try:
            whole = _stdin() if name == "-" else pathlib.Path(name).read_text("utf-8")
        except UnicodeDecodeError as error:
            raise errors.UserError(
                f"{name}: byte {error.object[error.start]:#04x} is not UTF-8; save the "
                "file as UTF-8"
            ) from None
        lines = enumerate(whole.split("\n"), 1)
        found += [(f"{name}:{number}", line.rstrip("\r")) for number, line in lines]
        if not found[-1][1]:
            found.pop()  # what follows the last line's end is no text
    if not found:
        raise errors.UserError("no text; name a file of one text a line, -, or --text")
    return found


def _stdin() -> str:
    return sys.stdin.buffer.read().decode("utf-8")


def _vectors(spec, name: str, texts: list[str]) -> Iterator:
    import numpy as np
    import tensorflow as tf

    from tltf import models

    codec = registry.find("codecs", spec.codec).fit(
        texts,
        words=2**31,
        least=1,
        length=_LENGTH.value or spec.length,
        keep="start",
        fixed=False,
    )
    options = {"weights": _WEIGHTS.value, "words": codec.words}
    encoder = models.create_model(name, length=_LENGTH.value, **options)

    @tf.function(reduce_retracing=True)
    def run_(inputs):
        return encoder(inputs, training=False)

    for start in range(0, len(texts), _BATCH.value):
        part = [
            t.encode("utf-8", "replace") for t in texts[start : start + _BATCH.value]
        ]
        found = run_(_padded(codec.encode(tf.constant(part)), encoder))
        if _VIEW.value == "vector":
            yield from found["vector"].numpy()
            continue
        masks = found["mask"].numpy()
        for row, mask in zip(found["sequence"].numpy(), masks, strict=True):
            yield np.asarray(row[mask], np.float32)


def _padded(inputs: dict, encoder) -> dict:
    """Inputs padded to the length that the encoder was built for, if to any."""
    import tensorflow as tf

    made = {}
    for key, value in inputs.items():
        wanted = encoder.input[key].shape[1]
        lacking = (wanted or tf.shape(value)[1]) - tf.shape(value)[1]
        rest = [[0, 0]] * (len(value.shape) - 2)
        made[key] = tf.pad(value, [[0, 0], [0, lacking], *rest])
    return made


def _write(folder: pathlib.Path, texts: list[tuple[str, str]], rows: list) -> None:
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    stacked = np.stack(rows) if _VIEW.value == "vector" else np.concatenate(rows)
    counts = [1 if row.ndim == 1 else len(row) for row in rows]
    starts = np.cumsum([0, *counts])
    half = folder / ".vectors.part"
    with open(half, "wb") as file:
        np.save(file, stacked.astype(np.float32))
    os.replace(half, folder / "vectors.npy")
    lines = [
        {"id": name, "text": text, "row": int(start), "rows": count}
        for (name, text), start, count in zip(texts, starts[:-1], counts, strict=True)
    ]
    from tltf.fetch import files

    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    files.write_text(folder / "texts.jsonl", text)
    shape = {"out": str(folder), "texts": len(texts), "shape": list(stacked.shape)}
    _main.out(json.dumps(shape))


if __name__ == "__main__":
    run()
