"""Images per second from JPEG files to features: tltf against the obvious script.

Usage: python tools/benchmark/featurize.py [--data=folder:PATH] > result.json

The script is keras.utils.image_dataset_from_directory and model.predict on the
same network and side. Every round runs every side in the same process; tltf's
cache is emptied before each round; building an engine is counted apart. Peak
memory is that of fresh processes.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import _photos
import _timing


def main():
    flags = _flags()
    with tempfile.TemporaryDirectory() as home:
        os.environ["TLTF_HOME"] = f"{home}/tltf"
        photos = _photos.folder(flags.data, pathlib.Path(home, "photos"), flags.images)
        if flags.only_memory:
            print(json.dumps(_memory(flags, photos)))
            return
        # first, for a process starts with the peak of the one that made it
        memory = {n: _in_new_process(flags, n) for n in flags.memory}
        results = {b: _speed(flags, b, photos) for b in flags.backbone.split(",")}
    what = {"images": flags.images, "data": flags.data or "drawn, 500 x 375"}
    _timing.report(benchmark="featurize", **what, speed=results, peak_mb=memory)


def _flags():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="", help="folder:PATH; drawn by default")
    parser.add_argument("--backbone", default="mobilenet_v2,efficientnet_lite0")
    parser.add_argument("--images", type=int, default=192)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--memory", type=int, nargs="*", default=[500, 4000])
    parser.add_argument("--only_memory", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _speed(flags, backbone, photos):
    from tltf import models

    encoder = models.create_model(backbone, weights="none", side=flags.side)
    sides, builds = {"script": _script(encoder, photos, flags)}, {}
    for name, options in _ours().items():
        began = time.perf_counter()
        run = _tltf(encoder, backbone, photos, flags, options)
        if run:
            sides[name], builds[name] = run, time.perf_counter() - began
    if torch := _torchvision(backbone, photos, flags):
        sides["torchvision"] = torch
    _timing.rounds(sides, 1)  # tracing and the page cache
    taken = _timing.rounds(sides, flags.rounds)
    return {
        "images_per_second": {
            name: _timing.spread([flags.images / t for t in times], 1)
            for name, times in taken.wall.items()
        },
        "cpu_ms_per_image": {
            name: _timing.spread([1e3 * t / flags.images for t in times])
            for name, times in taken.cpu.items()
        },
        "times_faster_than_script": _faster(taken.wall),
        "times_less_cpu_than_script": _faster(taken.cpu),
        "seconds_to_build": {name: round(s, 1) for name, s in builds.items()},
    }


def _faster(taken):
    script = taken["script"]
    names = [name for name in taken if name != "script"]
    return {name: _timing.ratios(script, taken[name]) for name in names}


def _ours():
    return {
        "float32": {"engine": "auto"},
        "float32_tensorflow": {"engine": "tensorflow"},
        "bfloat16": {"engine": "auto", "precision": "bfloat16"},
    }


def _script(encoder, photos, flags):
    import keras

    model = keras.Model(encoder.inputs[0], encoder.output["vector"])

    def run():
        data = keras.utils.image_dataset_from_directory(
            photos,
            labels=None,
            image_size=(flags.side, flags.side),
            batch_size=flags.batch,
            shuffle=False,
            verbose=False,
        )
        return model.predict(data, verbose=0)

    return run


def _tltf(encoder, backbone, photos, flags, options):
    """Runs with an empty cache; None where this machine lacks the precision."""
    from tltf.data import cache, features, forward

    precision = options.get("precision", "float32")
    if forward.usable("auto", precision)[1] != precision:
        return None
    digest = features.weights_digest(encoder)
    frozen = features.Frozen(encoder, backbone, digest, **options)
    _build(frozen, flags)
    files = _distinct(photos)

    def run():
        shutil.rmtree(cache.root(), ignore_errors=True)
        shown = features.Preprocess(flags.side)
        done = features.extract(frozen, files, shown, batch=flags.batch)
        if done.computed != len(files):
            raise SystemExit(f"{done.computed} of {len(files)} were computed")

    return run


def _build(frozen, flags):
    from tltf.data import features, forward

    name, _ = forward.compile(
        frozen.encoder,
        engine=frozen.engine,
        precision=frozen.precision,
        batch=flags.batch,
        count=100_000,  # a large data set, for which auto takes the fastest
        built=features.built(frozen),
    )
    _timing.say(f"{frozen.precision}, engine {frozen.engine}: {name}")


def _distinct(photos):
    """Paths with made-up digests: a linked file again is work again."""
    import hashlib

    paths = sorted(map(str, photos.rglob("*.jpg")))
    return [(path, hashlib.sha256(path.encode()).hexdigest()) for path in paths]


def _torchvision(backbone, photos, flags):
    try:
        import torch
        import torchvision
    except ImportError:
        return None
    if backbone != "mobilenet_v2":
        return None
    shown = torchvision.transforms.Compose(
        [
            torchvision.transforms.Resize((flags.side, flags.side)),
            torchvision.transforms.ToTensor(),
            torchvision.transforms.Normalize([0.5] * 3, [0.5] * 3),
        ]
    )
    data = torchvision.datasets.ImageFolder(photos, shown)
    network = torchvision.models.mobilenet_v2(weights=None).features.eval()

    def run():
        loader = torch.utils.data.DataLoader(data, flags.batch, num_workers=2)
        with torch.inference_mode():
            return [network(images).mean((2, 3)) for images, _ in loader]

    return run


def _memory(flags, photos):
    from tltf import models
    from tltf.data import features

    encoder = models.create_model(flags.backbone, weights="none", side=flags.side)
    digest = features.weights_digest(encoder)
    frozen = features.Frozen(encoder, flags.backbone, digest)
    shown = features.Preprocess(flags.side)
    vectors = features.extract(frozen, _distinct(photos), shown).vectors
    return {"images": len(vectors), "peak_mb": _timing.peak_mb()}


def _in_new_process(flags, count):
    backbone = flags.backbone.split(",")[0]
    command = [sys.executable, __file__, "--only_memory", f"--images={count}"]
    command += [f"--backbone={backbone}", f"--data={flags.data}"]
    command += [f"--side={flags.side}", f"--batch={flags.batch}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    _timing.say(f"{count} images: {done.stdout.strip()}")
    return json.loads(done.stdout.splitlines()[-1])["peak_mb"]


if __name__ == "__main__":
    main()
