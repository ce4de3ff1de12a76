"""20 epochs of a head: features from the cache against the network in the loop.

Usage: python tools/benchmark/frozen_epochs.py [--data=folder:PATH] > result.json

Both sides train the same Dense layer on the same frozen network and files. `all`
counts the one pass that fills the cache, with its engine built anew; `epochs`
finds the features in the cache.
"""

import argparse
import os
import pathlib
import shutil
import tempfile

import _photos
import _timing


def main():
    flags = _flags()
    with tempfile.TemporaryDirectory() as home:
        os.environ["TLTF_HOME"] = f"{home}/tltf"
        photos = _photos.folder(flags.data, pathlib.Path(home, "photos"), flags.images)
        from tltf import models

        encoder = models.create_model(flags.backbone, weights="none", side=flags.side)
        encoder.trainable = False
        labels = [i % 2 for i in range(flags.images)]
        sides = {
            "loop": _loop(encoder, photos, labels, flags),
            "all": _cached(encoder, photos, labels, flags, cold=True),
            "epochs": _cached(encoder, photos, labels, flags, cold=False),
        }
        sides["all"]()  # imports, tracing, the page cache
        taken = _timing.rounds(sides, flags.rounds)
    _timing.report(
        benchmark="frozen_epochs",
        backbone=flags.backbone,
        images=flags.images,
        epochs=flags.epochs,
        data=flags.data or "drawn, 500 x 375",
        seconds={name: _timing.spread(times) for name, times in taken.wall.items()},
        times_faster_than_loop={
            name: _timing.ratios(taken.wall["loop"], taken.wall[name])
            for name in ("all", "epochs")
        },
    )


def _flags():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="", help="folder:PATH; drawn by default")
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--images", type=int, default=244)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    return parser.parse_args()


def _loop(encoder, photos, labels, flags):
    import keras

    def run():
        image = keras.Input((flags.side, flags.side, 3))
        logits = keras.layers.Dense(2)(encoder({"image": image})["vector"])
        data = keras.utils.image_dataset_from_directory(
            photos,
            labels=labels,
            image_size=(flags.side, flags.side),
            batch_size=flags.batch,
            verbose=False,
        )
        _fit(keras.Model(image, logits), data, flags)

    return run


def _cached(encoder, photos, labels, flags, *, cold):
    import keras
    import numpy as np

    from tltf.data import cache, digests, features, pipeline

    paths = sorted(map(str, photos.rglob("*.jpg")))
    targets, weights = np.array(labels), np.ones(len(labels), np.float32)

    def run():
        if cold:
            shutil.rmtree(cache.root(), ignore_errors=True)
        frozen = features.Frozen(
            encoder, flags.backbone, features.weights_digest(encoder)
        )
        if cold:
            features.built(frozen).clear()
        shown = features.Preprocess(flags.side)
        vectors = features.vectors(frozen, paths, digests.sha256(paths), shown)
        vector = keras.Input(vectors.shape[1:])
        model = keras.Model(vector, keras.layers.Dense(2)(vector))
        rows = np.arange(len(paths))
        batch = {"rows": rows, "batch": flags.batch}
        data = pipeline.features(vectors, targets, weights, **batch)
        _fit(model, data, flags)

    return run


def _fit(model, data, flags):
    import keras

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-2), loss)
    model.fit(data, epochs=flags.epochs, verbose=0, shuffle=False)


if __name__ == "__main__":
    main()
