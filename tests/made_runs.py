"""Finished run folders with a tiny network, as training leaves them."""

import json
import pathlib

import numpy as np
import PIL.Image
import yaml

from tltf import specs

LABELS = ("dotted", "striped", "plain cloth")


def draw(folder: pathlib.Path, count: int = 9) -> list[pathlib.Path]:
    """Draws `count` JPEG and PNG textures of unlike sizes, three classes in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    made = []
    for number in range(count):
        high, wide = generator.integers(40, 90, 2)
        rows, columns = np.mgrid[:high, :wide]
        pattern = [
            (rows // 6 + columns // 6) % 2,
            (columns // 5) % 2,
            np.zeros((high, wide)),
        ][number % 3]
        color = generator.integers(0, 120, 3)
        pixels = color + 100 * pattern[..., None] + generator.normal(0, 5, (1, 1, 3))
        ending = "png" if number % 4 == 3 else "jpg"
        path = folder / f"{LABELS[number % 3].split()[0]}_{number}.{ending}"
        PIL.Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
        made.append(path)
    return made


def network(classes: int = 3, side: int = 32):
    """Builds encoder and head with random weights, all of it seeded."""
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    image = keras.Input((side, side, 3), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    x = layers.Conv2D(8, 3, strides=2, activation="relu")(x)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.BatchNormalization()(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.UnitNormalization(name="head_unit")(x)
    x = layers.Dropout(0.5, name="head_dropout")(x)
    logits = layers.Dense(classes, name="head_logits", kernel_initializer="normal")(x)
    model = keras.Model({"image": image}, logits)
    head = model.get_layer("head_logits")
    head.set_weights([60 * head.get_weights()[0], head.get_weights()[1]])
    return model


def make(workdir: pathlib.Path, *, several: bool = False, temperature: float = 1.7):
    """Makes a run folder whose answers come from `ops.images.load` and the network."""
    import tensorflow as tf

    from tltf.ops import calibrate, images

    files = draw(workdir / "images")
    model = network()
    recipe = specs.Recipe(
        method="freeze",
        task="multi_label" if several else "image_class",
        backbone="plain/full",
        data=specs.Data(source=f"folder:{workdir / 'images'}"),
        image=specs.Image(side=32),
    )
    pixels = [
        images.load(tf.io.read_file(str(file)), side=32).numpy() for file in files
    ]
    logits = np.asarray(model({"image": np.stack(pixels)}, training=False))
    squash = calibrate.sigmoid if several else calibrate.softmax
    choices = {"temperature": temperature}
    if several:
        choices["thresholds"] = [0.4, 0.5, 0.6]
    answers = _answers(files, squash(logits / temperature), choices)
    (workdir / "checkpoints").mkdir()
    model.save(workdir / "checkpoints" / "model.keras")
    write(workdir, recipe, answers, choices)
    return files, answers


def write(workdir, recipe, answers, choices, labels=LABELS, split="valid"):
    """Writes everything of a run folder but the network."""
    from tltf.ops import scores

    workdir.mkdir(parents=True, exist_ok=True)
    dumped = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False)
    (workdir / "recipe.yaml").write_text(dumped)
    (workdir / "labels.txt").write_text("\n".join(labels) + "\n")
    lines = "".join(json.dumps(row) + "\n" for row in answers)
    (workdir / f"answers_{split}.jsonl").write_text(lines)
    given = np.array([row["probabilities"] for row in answers])
    if "thresholds" in choices:
        truth = [[name in row["label"] for name in labels] for row in answers]
        found = scores.several(np.array(truth), given, np.array(choices["thresholds"]))
    else:
        truth = np.array([labels.index(row["label"]) for row in answers])
        found = scores.single(truth, given)
    report = specs.Report(
        method=recipe.method,
        scores={split: found},
        counts={"train": 90, split: len(answers), "skipped": 1},
        seconds={"load": 1.5, "features": 12.25, "train": 30.0, "evaluate": 2.0},
        seed=0,
        versions={"tltf": "0.1.0", "tensorflow": "2.21.0", "keras": "3.15.1"},
        weights={"sha256": "0" * 64, "licence": "Apache-2.0", "file": "plain.h5"},
        choices=choices,
        peak_mb=612.0,
    )
    (workdir / "report.json").write_text(report.model_dump_json(indent=2))


def _answers(files, given, choices):
    rows = []
    for number, (file, row) in enumerate(zip(files, given, strict=True)):
        label, answer = LABELS[number % 3], LABELS[int(row.argmax())]
        if "thresholds" in choices:
            label = [label]
            hits = row >= np.array(choices["thresholds"])
            answer = [name for name, hit in zip(LABELS, hits, strict=True) if hit]
        rows.append(
            {
                "id": file.name,
                "label": label,
                "answer": answer,
                "probabilities": [float(p) for p in row],
                "file": str(file.absolute()),
            }
        )
    return rows
