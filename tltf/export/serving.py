"""The served graph: files of images or texts in, named answers out."""

import keras
import numpy as np
import tensorflow as tf

from tltf import layers, registry
from tltf.export import readers
from tltf.export import run as runs


class Answerer:
    """What turns the logits of a run, or of one of its parts, into named answers.

    Args:
      run: With the task, labels and choices.
    """

    def __init__(self, run: runs.Run):
        self.labels = list(run.labels)
        self.task = registry.find("tasks", run.recipe.task)
        self._choices = dict(run.report.choices)

    def serve(self, logits: tf.Tensor, there) -> dict[str, tf.Tensor]:
        """Returns the answers in the graph.

        Args:
          logits: Of the head, `[b, ...]`.
          there: Where the input has a token, bool `[b, t]`; None for images.
        """
        more = {"there": there} if self.task.LABELS == "tokens" else {}
        return self.task.serve(logits, self.labels, self._choices, **more)

    def answer(self, scores: np.ndarray):
        """Returns the answer of the run to a record with these scores."""
        return self.task.answer(scores, self.labels, self._choices)


class Server(tf.Module):
    """Signatures of one trained run.

    Attributes:
      weights: Every variable of the network, so that saving finds them.
      loaded: Modules in the network, for their tables and files.
      labels_files: Paths of labels.txt, or labels_PART.txt, copied into `assets`.
      answerers: By part; of a run without parts, one under "".
      serve: Records, string `[b]`, to what the task answers, by name; see
        `ANSWERS` of the tasks. Of several parts, `PART_NAME` of all of them from
        one pass of the encoder.
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
        parts = runs.parts(run)
        self.answerers = {name: Answerer(part) for name, part in parts.items()}
        self.labels_files = [tf.saved_model.Asset(str(f)) for f in runs.labels(run)]
        self._network = tf.function(lambda inputs: network(inputs, training=False))
        self._mirrored = views(run) == 2
        self.serve = _taking(self._serve, self.reader.name_of_input)
        self.features = _taking(self._vectors, self.reader.name_of_input)
        self.serve_examples = _taking(self._parsed, "examples")
        named = [name for name in self.answerers if name]
        self.parts = {name: self._alone(name) for name in named}

    def signatures(self) -> dict[str, tf.types.experimental.GenericFunction]:
        """Returns the functions under the names that clients call."""
        return {
            "serving_default": self.serve,
            "features": self.features,
            "predict_examples": self.serve_examples,
            **self.parts,
        }

    def _serve(self, records):
        found = self._outputs(records)
        answers = {}
        for name, answerer in self.answerers.items():
            logits = found["logits"][name] if name else found["logits"]
            given = answerer.serve(logits, found.get("there"))
            start = f"{name}_" if name else ""
            answers |= {f"{start}{key}": value for key, value in given.items()}
        return answers

    def _alone(self, name: str) -> tf.types.experimental.GenericFunction:
        """The signature of one part; other heads are not run."""

        def serve(records):
            found = self._outputs(records)
            return self.answerers[name].serve(found["logits"][name], found.get("there"))

        return _taking(serve, self.reader.name_of_input)

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
            found["logits"] = tf.nest.map_structure(
                lambda one, two: (one + two) / 2, found["logits"], other["logits"]
            )
        tasks = [answerer.task for answerer in self.answerers.values()]
        if any(task.LABELS == "tokens" for task in tasks):
            found["there"] = _there(inputs)
        return tf.nest.map_structure(lambda value: value[:count], found)


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

    The vector is what the encoder gives to a layer whose name starts with `head_`;
    of heads that read sequences, what enters the first layer `..._logits`.

    Raises:
      ValueError: No layer has such a name: the network is not one of ours.
    """
    head = [layer for layer in network.layers if layer.name.startswith("head_")]
    if not head:
        raise ValueError("no layer named head_*; expected a network trained by tltf")
    ends = {"features": _vector(head), "logits": network.output}
    return keras.Model(network.input, ends, name="two_ended")


def _vector(head: list[keras.layers.Layer]):
    own = {layer.name for layer in head}
    inputs = [tensor for layer in head for tensor in keras.tree.flatten(layer.input)]
    # a mask is an input, too
    inputs = [x for x in inputs if keras.backend.is_float_dtype(x.dtype)]
    vectors = [x for x in inputs if len(x.shape) == 2 and not _made_by(x) & own]
    last = [layer for layer in head if layer.name.endswith("_logits")] or head[-1:]
    return vectors[0] if vectors else last[0].input


def _made_by(tensor) -> set[str]:
    return {tensor._keras_history.operation.name}
