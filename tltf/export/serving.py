"""The served graph: file bytes in, named answers out."""

import base64

import keras
import tensorflow as tf

from tltf.export import run as runs
from tltf.ops import images

# Images of a request that are decoded at the same time.
_PARALLEL = 16
_PIXEL = base64.b64decode(  # a PNG of one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNg"
    "AAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
_BYTES = {"image_bytes": tf.io.FixedLenFeature([], tf.string)}


class Server(tf.Module):
    """Signatures of one trained run.

    Attributes:
      weights: Every variable of the network, so that saving finds them.
      labels_file: Path of labels.txt, copied into `assets`.
    """

    def __init__(self, run: runs.Run):
        super().__init__(name="server")
        network = two_ended(runs.model(run))
        self.weights = [variable.value for variable in network.variables]
        self.labels_file = tf.saved_model.Asset(str(run.workdir / "labels.txt"))
        self._network = tf.function(lambda image: network(image, training=False))
        self._image = run.recipe.image
        self._mirrored = views(run) == 2
        self._labels = list(run.labels)
        self._temperature = run.temperature
        cuts = run.thresholds
        self._thresholds = None if cuts is None else [float(cut) for cut in cuts]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
    def serve(self, image_bytes):
        """Returns scores `[b, classes]`, the best classes `[b]`, labels accepted."""
        return self._answers(self._outputs(image_bytes)["logits"])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
    def features(self, image_bytes):
        """Returns the encoder's vectors, float32 `[b, features]`."""
        vectors = self._outputs(image_bytes)["features"]
        return {"features": tf.cast(vectors, tf.float32)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def serve_examples(self, examples):
        """Returns what `serve` does, for serialized tf.Example with `image_bytes`."""
        return self.serve(tf.io.parse_example(examples, _BYTES)["image_bytes"])

    def signatures(self) -> dict[str, tf.types.experimental.GenericFunction]:
        """Returns the functions under the names that clients call."""
        return {
            "serving_default": self.serve,
            "features": self.features,
            "predict_examples": self.serve_examples,
        }

    def _outputs(self, image_bytes):
        # Some convolutions fail on a batch of none, so it gets a stand-in.
        count = tf.size(image_bytes)
        missing = tf.fill([tf.maximum(1 - count, 0)], tf.constant(_PIXEL))
        pixels = self._decoded(tf.concat([image_bytes, missing], 0))
        found = self._network({"image": pixels})
        if self._mirrored:
            mirror = self._network({"image": tf.image.flip_left_right(pixels)})
            found["logits"] = (found["logits"] + mirror["logits"]) / 2
        return {name: value[:count] for name, value in found.items()}

    def _decoded(self, image_bytes):
        image = self._image

        def load(contents):
            return images.load(
                contents,
                side=image.side,
                fit=image.fit,
                margin=image.margin,
                gray=image.gray,
            )

        return tf.map_fn(
            load,
            image_bytes,
            parallel_iterations=_PARALLEL,
            fn_output_signature=tf.TensorSpec([image.side, image.side, 3]),
        )

    def _answers(self, logits):
        scaled = tf.cast(logits, tf.float32) / self._temperature
        if self._thresholds is None:
            scores = tf.nn.softmax(scaled)
        else:
            scores = tf.sigmoid(scaled)
        best = tf.argmax(scores, axis=-1)
        found = {"scores": scores, "classes": tf.gather(self._labels, best)}
        if self._thresholds is not None:
            found["accepted"] = scores >= tf.constant(self._thresholds)
        return found


def views(run: runs.Run) -> int:
    """Returns how many views of an image the served graph averages, 1 or 2.

    The second is the mirror image. Further views of `tta` are random crops drawn
    by the place of a record in its split, which a request does not have.
    """
    return min(run.recipe.tta, 2)


def two_ended(network: keras.Model) -> keras.Model:
    """Returns the network with the encoder's vector beside the logits.

    The vector is what enters the first layer whose name starts with `head_`.

    Raises:
      ValueError: No layer has such a name: the network is not one of ours.
    """
    head = [layer for layer in network.layers if layer.name.startswith("head_")]
    if not head:
        raise ValueError("no layer named head_*; expected a network trained by tltf")
    ends = {"features": head[0].input, "logits": network.output}
    return keras.Model(network.input, ends, name="two_ended")
