"""Trains recipes on one device and on two: `two_replicas.py STRIPES TEXTS PLACE`.

Prints one JSON object: name of a case to the largest difference of its weights, and
of its losses.
"""

import csv
import json
import os
import pathlib
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

sys.path.append(str(pathlib.Path(__file__).parents[1]))

import hub_modules

from tltf import config
from tltf.backbones import awd_lstm
from tltf.runs import train, trunk
from tltf.training import devices, network

STRIPES, TEXTS, PLACE = map(pathlib.Path, sys.argv[1:])
TINY = {"backbone": "plain/tiny", "weights": "none", "keep": "last", "seed": 1}
ALL = {"train": "all", "epochs": 1, "rate": 1e-2}
# 36 images: 5 batches of 7, and one whose record leaves a replica without any
IMAGES = {
    **TINY,
    "method": "finetune",
    "data": {"source": f"folder:{STRIPES}"},
    "augment": {"crop": 0.5, "flip": True, "color": 0.2, "mixup": 0.2},
    "head": {"dropout": 0.0},
    # Adam would not tell a sum from a mean
    "optimizer": {"name": "sgd", "ema": 0.9, "clip_norm": 0.05},
    "stages": [{"train": ["head"], "epochs": 1, "rate": 1e-2}, ALL],
    "batch": 7,
}
FEATURES = {**IMAGES, "method": "freeze", "augment": {}, "stages": [{"epochs": 2}]}
TEXT = {
    **TINY,
    "method": "finetune",
    "task": "text_class",
    "backbone": "awd_lstm/tiny",
    "data": {"source": f"jsonl:{TEXTS}"},
    "text": {"words": 60, "length": 40},
    "head": {"dropout": 0.0},
    "optimizer": {"name": "sgd"},
    "stages": [ALL],
    "batch": 17,
}
# where a text has no words, the mean over them is no number
BILSTM = {**TEXT, "backbone": "glove/tiny", "head": {"kind": "bilstm", "dropout": 0.0}}
HUB = {
    **IMAGES,
    "backbone": "hub/full",
    "weights": str(PLACE / "hub"),
    "image": {"side": 16},
    "stages": [ALL],
}
PARTS = {
    **TINY,
    "method": "multitask",
    "data": {"source": f"jsonl:{PLACE / 'labels.jsonl'}"},
    "parts": [
        {"name": "kind", "label": "kind"},
        {"name": "place", "label": "place", "task": "regression"},
    ],
    "optimizer": {"name": "sgd"},
    "stages": [ALL],
    "batch": 7,
}


def weights(recipe, kind: str):
    """Returns the weights and the losses of a run."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=PLACE))
    made = config.override(recipe, {}, where="test")
    train.train(made, folder / "run", distribution=kind)
    model = network.read(folder / "run/checkpoints/model.keras")
    with open(folder / "run/history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    losses = [float(row[key]) for row in rows for key in row if key != "seconds"]
    return folder / "run", [v.numpy() for v in model.weights], losses


def compared(recipe) -> list[float]:
    """Returns the largest differences between one device and two."""
    _, *one = weights(recipe, "none")
    _, *two = weights(recipe, "mirrored")
    return [
        max(float(np.max(np.abs(a - b))) for a, b in zip(left, right, strict=True))
        for left, right in zip(one, two, strict=True)
    ]


def labelled() -> None:
    """Writes the stripes with two labels, each on a part of the records."""
    lines = []
    for number, path in enumerate(sorted(STRIPES.glob("[tv][ra]*/*/*.png"))):
        line = {"image": str(path), "split": path.parts[-3]}
        line["kind"] = "" if number % 3 == 1 else path.parts[-2]
        line["place"] = "" if number % 4 == 1 else number % 5
        lines.append(json.dumps(line))
    (PLACE / "labels.jsonl").write_text("\n".join(lines))


def copies(variable) -> list[np.ndarray]:
    """Returns what each device holds of a variable."""
    return [one.numpy() for one in variable.value.values]


def changed() -> dict:
    """Returns what is left of copies that differ, brought together and apart."""
    with devices.use("mirrored") as across:
        with across.scope():
            layers = [keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)]
            model = keras.Sequential([keras.Input([2]), *layers])
        mean, seed = layers[0].moving_mean, layers[1].seed_generator.state
        for number, one in enumerate(mean.value.values):
            one.assign([number, 0.1])
        across.alike(model)
        found = {"alike": [one.tolist() for one in copies(mean)]}
        across.apart(model)
        found["apart"] = [one.tolist() for one in copies(seed)]
        across.alike(model)
        return found | {"again": [one.tolist() for one in copies(seed)]}


def equal_copies() -> bool:
    """Whether all copies of a network with statistics and dropout end equal."""
    made, real = [], network.build

    def build(*arguments, **options):
        made.append(real(*arguments, **options))
        return made[-1]

    network.build = build
    weights({**IMAGES, "norm": "adapt", "head": {"dropout": 0.3}}, "mirrored")
    network.build = real
    return all(
        np.array_equal(*copies(variable)) and np.isfinite(copies(variable)).all()
        for variable in made[0].model.variables
    )


def main() -> None:
    """Runs all cases."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    awd_lstm.VARIANTS["tiny"].arguments["multiplier"] = 0.0  # no dropout
    found = {"images": compared(IMAGES), "features": compared(FEATURES)}
    found |= {"texts": compared(TEXT), "bilstm": compared(BILSTM)}
    # its weights have losses of their own
    hub_modules.image(PLACE / "hub")
    found["hub"] = compared(HUB)
    labelled()
    # statistics of a replica are its own: from weights, where they are held
    folder, *_ = weights({**FEATURES, "stages": [{"epochs": 1}]}, "none")
    begun = {**PARTS, "weights": str(trunk.save(folder, PLACE / "trunk"))}
    for loss in ("uncertainty", "gradnorm"):
        found[loss] = compared({**begun, "joint": {"loss": loss}})
    found |= changed() | {"equal": equal_copies()}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
