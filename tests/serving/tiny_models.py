"""SavedModels of a few operations, and a server of them in a process of its own."""

import contextlib
import io
import json
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import PIL.Image


def save(folder: pathlib.Path, *, shift: float = 0.0) -> pathlib.Path:
    """Saves one version of a model of texts that are numbers, and returns its folder.

    `serving_default`: `text`, string [b], to `scores` [b, 2] and `classes` [b]; the
    first score is the number plus `shift`, the second its negative. A text that is
    no number is refused.
    """
    import tensorflow as tf

    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
        def serve(self, text):
            number = tf.strings.to_number(text) + shift
            scores = tf.stack([number, -number], 1)
            names = tf.constant(["plus", "minus"])
            return {
                "scores": scores,
                "classes": tf.gather(names, tf.argmax(scores, 1)),
            }

        @tf.function(
            input_signature=[
                tf.TensorSpec([None, 2], tf.float32, "a"),
                tf.TensorSpec([None], tf.int32, "b"),
            ]
        )
        def pair(self, a, b):
            return {"sum": tf.reduce_sum(a, 1) + tf.cast(b, tf.float32)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "inputs")])
        def classify(self, inputs):
            fields = {"x": tf.io.FixedLenFeature([], tf.float32)}
            x = tf.io.parse_example(inputs, fields)["x"]
            names = tf.tile([["low", "high"]], [tf.size(x), 1])
            return {"classes": names, "scores": tf.stack([-x, x], 1)}

        @tf.function(input_signature=[tf.TensorSpec([], tf.float32, "x")])
        def scalar(self, x):
            return {"half": x / 2}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
        def echo(self, text):
            return {"raw_bytes": text, "long": tf.strings.length(text)}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
        def image(self, image_bytes):
            def mean(one):
                pixels = tf.io.decode_image(one, channels=3, expand_animations=False)
                return tf.reduce_mean(tf.cast(pixels, tf.float32))

            found = tf.map_fn(mean, image_bytes, fn_output_signature=tf.float32)
            return {"mean": found}

    module = Module()
    signatures = {
        "serving_default": module.serve,
        "pair": module.pair,
        "classify": module.classify,
        "scalar": module.scalar,
        "echo": module.echo,
        "image": module.image,
    }
    folder.parent.mkdir(parents=True, exist_ok=True)
    half = folder.with_name(f".{folder.name}")
    tf.saved_model.save(module, str(half), signatures=signatures)
    os.rename(half, folder)
    return folder


def picture(shade: int = 200, side: int = 8, form: str = "PNG") -> bytes:
    """Returns the file of a grey picture."""
    file = io.BytesIO()
    pixels = np.full((side, side, 3), shade, np.uint8)
    PIL.Image.fromarray(pixels).save(file, form)
    return file.getvalue()


def bomb() -> bytes:
    """Returns a PNG of 100 million pixels in few bytes."""
    file = io.BytesIO()
    PIL.Image.new("1", (10_000, 10_000)).save(file, "PNG")
    return file.getvalue()


class Served:
    """A running server.

    Attributes:
      rest: Its address, such as http://127.0.0.1:40001.
      grpc: Its address, such as 127.0.0.1:40002.
    """

    def __init__(self, process, line: str):
        self.process = process
        _, self.rest, _, self.grpc = line.split()

    def stop(self) -> tuple[int, str]:
        """Asks it to stop and returns exit code and what it said."""
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said


@contextlib.contextmanager
def served(folder: pathlib.Path, *flags: str):
    """Serves a folder on free ports."""
    command = [sys.executable, "-m", "tltf.cli", "serve", f"--saved_models={folder}"]
    command += ["--rest_port=0", "--grpc_port=0", "--poll_s=0.1", *flags]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(process.communicate()[1])
        yield Served(process, line)
    finally:
        process.kill()
        process.communicate()


def save_shades(folder: pathlib.Path) -> pathlib.Path:
    """Saves a model of images with a card, and returns its folder.

    `serving_default`: `image_bytes`, string [b], to `scores` [b, 2], how dark and how
    light, and `classes` [b].
    """
    import tensorflow as tf

    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
        def serve(self, image_bytes):
            def light(one):
                pixels = tf.io.decode_image(one, channels=3, expand_animations=False)
                return tf.reduce_mean(tf.cast(pixels, tf.float32)) / 255

            found = tf.map_fn(light, image_bytes, fn_output_signature=tf.float32)
            scores = tf.stack([1 - found, found], 1)
            names = tf.constant(["dark", "light"])
            return {
                "scores": scores,
                "classes": tf.gather(names, tf.argmax(scores, 1)),
            }

    module = Module()
    tf.saved_model.save(module, str(folder), {"serving_default": module.serve})
    card = {"labels": ["dark", "light"], "intended_use": "Tells shades of cloth."}
    (folder / "card.json").write_text(json.dumps(card))
    return folder
