"""The served graph: files of images or texts in, named answers out."""

import keras
import numpy as np
import tensorflow as tf

from tltf import layers, registry
from tltf.export import readers
from tltf.export import run as runs


class Server(tf.Module):
    """Signatures of one trained run.

    Attributes:
      weights: Every variable of the network, so that saving finds them.
      loaded: Modules in the network, for their tables and files.
      labels_file: Path of labels.txt, copied into `assets`.
      serve: Records, string `[b]`, to what the task answers, by name; see
        `ANSWERS` of the tasks.
      features: The same input to the encoder's vectors, float32 `[b, features]`.
      serve_examples: Serialized tf.Example to what `serve` gives.
    """

    def __init__(self, run: runs.Run):
        super().__init__(name="server")
        network = two_ended(runs.model(run))
        self.reader = readers.reader(run)
        self.weights = [variable.value for variable in network.variables]
        self.loaded = [
            layer.root for layer in network.layers if isinstance(layer, layers.HubLayer)
        ]
        self.labels_file = tf.saved_model.Asset(str(run.workdir / "labels.txt"))
        self._network = tf.function(lambda inputs: network(inputs, training=False))
        self._mirrored = views(run) == 2
        self._labels = list(run.labels)
        self._task = registry.find("tasks", run.recipe.task)
        self._choices = dict(run.report.choices)
        self.serve = _taking(self._serve, self.reader.name_of_input)
        self.features = _taking(self._vectors, self.reader.name_of_input)
        self.serve_examples = _taking(self._parsed, "examples")

    def signatures(self) -> dict[str, tf.types.experimental.GenericFunction]:
        """Returns the functions under the names that clients call."""
        return {
            "serving_default": self.serve,
            "features": self.features,
            "predict_examples": self.serve_examples,
        }

    def _serve(self, records):
        found = self._outputs(records)
        more = {"there": found["there"]} if self._task.LABELS == "tokens" else {}
        return self._task.serve(found["logits"], self._labels, self._choices, **more)

    def answer(self, scores: np.ndarray):
        """Returns the answer of the run to a record with these scores."""
        return self._task.answer(scores, self._labels, self._choices)

    def _vectors(self, records):
        vectors = self._outputs(records)["features"]
        return {"features": tf.cast(vectors, tf.float32)}

    def _parsed(self, examples):
        name = self.reader.name_of_input
        fields = {name: tf.io.FixedLenFeature([], tf.string)}
        return self._serve(tf.io.parse_example(examples, fields)[name])

    def _outputs(self, records):
        # Some convolutions fail on a batch of none, so it gets a stand-in.
        count = tf.size(records)
        stand_in = tf.constant(self.reader.stand_in)
        missing = tf.fill([tf.maximum(1 - count, 0)], stand_in)
        inputs = self.reader.read(tf.concat([records, missing], 0))
        found = self._network(inputs)
        if self._mirrored:
            mirror = tf.image.flip_left_right(inputs["image"])
            other = self._network({"image": mirror})
            found["logits"] = (found["logits"] + other["logits"]) / 2
        if self._task.LABELS == "tokens":
            found["there"] = _there(inputs)
        return {name: value[:count] for name, value in found.items()}


def views(run: runs.Run) -> int:
    """Returns how many views of an image the served graph averages, 1 or 2.

    The second is the mirror image. Further views of `tta` are random crops drawn
    by the place of a record in its split, which a request does not have.
    """
    return min(run.recipe.tta, 2)


def _there(inputs: dict[str, tf.Tensor]) -> tf.Tensor:
    """Where there is a token, bool `[b, t]`: ids are zero in padding alone."""
    ids = next(iter(inputs.values()))
    rest = list(range(2, ids.shape.rank))
    return tf.reduce_any(ids != 0, rest) if rest else ids != 0


def _taking(function, name: str) -> tf.types.experimental.GenericFunction:
    """The function as a graph of one argument, named as clients name it."""
    records = tf.TensorSpec([None], tf.string, name)
    return tf.function(function, input_signature=[records])


def two_ended(network: keras.Model) -> keras.Model:
    """Returns the network with the encoder's vector beside the logits.

    The vector is what enters the first layer whose name starts with `head_`; of a
    head that reads a sequence, what enters its layer `head_logits`.

    Raises:
      ValueError: No layer has such a name: the network is not one of ours.
    """
    head = [layer for layer in network.layers if layer.name.startswith("head_")]
    if not head:
        raise ValueError("no layer named head_*; expected a network trained by tltf")
    ends = {"features": _vector(head), "logits": network.output}
    return keras.Model(network.input, ends, name="two_ended")


def _vector(head: list[keras.layers.Layer]):
    last = [layer for layer in head if layer.name == "head_logits"] or head[-1:]
    first, before = head[0].input, last[0].input
    return first if len(first.shape) == 2 else before
