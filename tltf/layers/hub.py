"""TensorFlow Hub modules as a Keras 3 layer."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tltf import errors
from tltf.fetch import hub
from tltf.layers import _saved


@keras.saving.register_keras_serializable(package="tltf")
class HubLayer(keras.layers.Layer):
    """One function of a SavedModel, or of a module of the older TF1 Hub format.

    Its variables are Keras's own: they are counted, trained, saved and loaded
    with the model, and exported with it. A frozen layer leaves them as they
    are, running statistics included. A `.keras` file holds the handle and the
    weights, so the module must be there when it is read; what `model.export`
    writes stands alone.

    ELMo, as its page on TensorFlow Hub calls it with TensorFlow 1:

      elmo = hub.Module("https://tfhub.dev/google/elmo/2", trainable=True)
      embeddings = elmo(["the cat is on the mat", "dogs are in the fog"],
                        signature="default", as_dict=True)["elmo"]
      embeddings = elmo(inputs={"tokens": [["the", "cat", "is", "on", "the", "mat"],
                                           ["dogs", "are", "in", "the", "fog", ""]],
                                "sequence_len": [6, 5]},
                        signature="tokens", as_dict=True)["elmo"]

    and here:

      elmo = HubLayer("https://tfhub.dev/google/elmo/2", signature="default",
                      trainable=True)
      embeddings = elmo(["the cat is on the mat", "dogs are in the fog"])["elmo"]
      elmo = HubLayer("https://tfhub.dev/google/elmo/2", signature="tokens",
                      output_key="elmo", trainable=True)
      embeddings = elmo({"tokens": [["the", "cat", "is", "on", "the", "mat"],
                                    ["dogs", "are", "in", "the", "fog", ""]],
                         "sequence_len": [6, 5]})

    Args:
      handle: Folder with saved_model.pb, or an address; see
        `tltf.fetch.hub.resolve`.
      signature: Name of a signature; None for the module's own function, or
        `default` or `serving_default` where it has none.
      output_key: Which output to return; `*` for the dict of all; None for the
        only one, or the dict of all where there are several.
      tags: Of the graph to load; None for the only one or, in TF1 format, the
        one to infer with.
      arguments: Further arguments of the function, the same at each call;
        `{"training": False}` holds running statistics while the layer learns, and
        is left out where the function knows no training.
      output_shape: Shape without batch, where the module does not tell it.
      trainable: Whether the module's variables learn; may be set later too.

    Raises:
      UserError: No such module, signature or output; says what there is. Or a
        module of TF1 format with tables is to run on several devices.
    """

    def __init__(  # noqa: PLR0913
        self,
        handle: str,
        *,
        signature: str | None = None,
        output_key: str | None = None,
        tags: Sequence[str] | None = None,
        arguments: Mapping[str, Any] | None = None,
        output_shape: Sequence[int | None] | None = None,
        trainable: bool = False,
        **kwargs: Any,
    ):
        # half floats stay out: a module computes in the types it was saved with
        super().__init__(autocast=False, **kwargs)
        self.handle = _absolute(handle)
        self.signature, self.output_key = signature, output_key
        self.tags = None if tags is None else list(tags)
        self.arguments = dict(arguments or {})
        self.shape = None if output_shape is None else tuple(output_shape)
        found = _saved.load(self.handle, signature=signature, tags=self.tags)
        self._where = f"module {handle}" + (f", {signature}," if signature else "")
        self._key = _saved.pick(output_key, found.outputs, self._where)
        self._root, self._module = found.root, found
        self._start = _Start(found.root) if hasattr(found.root, "initializer") else None
        with keras.name_scope(self.name):
            adopted = _adopted([*found.learnt, *found.fixed], len(found.learnt))
            self._learnt, self._fixed = adopted
        self.built = True
        # Keras hands a change of this on to the variables, but not a first value
        self.trainable = trainable

    @property
    def root(self) -> Any:
        """The loaded module; who saves a graph of this layer has to hold it."""
        return self._root

    @property
    def takes(self) -> tf.TensorSpec | None:
        """What the function takes where that is one tensor, else None."""
        return _saved.single(self._module)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Returns the output, or the dict of outputs.

        Args:
          inputs: Tensor or dict of tensors; lists and NumPy arrays, of strings
            too, are taken for tensors.

        Raises:
          UserError: Not what the function takes; says what it takes.
        """
        inputs = _tensors(inputs)
        if self._module.inputs is not None:
            inputs = _saved.named(inputs, self._module.inputs, self._where)
        try:
            return super().__call__(inputs, *args, **kwargs)
        except (ValueError, TypeError) as error:
            if "matching concrete function" not in str(error):
                raise
            shown = keras.tree.map_structure(_shown, inputs)
            raise errors.UserError(
                f"{self._where} takes {_saved.takes(self._module.call)}, not {shown}"
            ) from error

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Runs the function; `training` reaches it only while the layer learns."""
        extra = {"training": bool(training) and self.trainable, **self.arguments}
        if not self._module.training:
            del extra["training"]
        if self._module.inputs is not None:
            specs = self._module.inputs
            cast = {name: _cast(x, specs[name].dtype) for name, x in inputs.items()}
            out = self._module.call(**cast, **extra)
        else:
            half = keras.tree.map_structure(_whole, inputs)
            out = self._module.call(half, **extra)
        if self.trainable:
            for term in self._module.losses:
                self.add_loss(term())
        if self._key is not None:
            out = out[self._key]
        return out if self.shape is None else tf.ensure_shape(out, (None, *self.shape))

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of `__init__`."""
        return {
            **super().get_config(),
            "handle": self.handle,
            "signature": self.signature,
            "output_key": self.output_key,
            "tags": self.tags,
            "arguments": self.arguments,
            "output_shape": self.shape,
        }


class _Start(tf.saved_model.experimental.TrackableResource):
    """Holds a module where `model.export` finds it.

    Keras looks for resources of this class only, and what a module of TF1 format
    does first, such as filling its tables, is none.
    """

    def __init__(self, root: Any):
        super().__init__()
        self._track_trackable(root, "root")

    def _create_resource(self) -> tf.Tensor:
        return tf.constant(1.0)  # as TensorFlow's own holder of such a start does

    def _initialize(self) -> None:
        """Does nothing; the module's own start is saved beside."""


def _absolute(handle: str) -> str:
    """Returns a handle that means the same from any working folder."""
    text = os.fspath(handle)
    return text if "://" in text else hub.resolve(text)


def _adopted(
    variables: Sequence[tf.Variable], learnt: int
) -> tuple[list[keras.Variable], list[keras.Variable]]:
    """Returns Keras variables that share the memory of the module's own.

    Args:
      variables: Of the module.
      learnt: How many of them learn, the first ones.
    """
    names: dict[str, int] = {}
    made = []
    for place, variable in enumerate(variables):
        name = variable.name.split(":")[0].replace("/", "_")
        names[name] = names.get(name, 0) + 1
        made.append(
            keras.Variable(
                variable,
                shape=variable.shape,
                dtype=variable.dtype.name,
                trainable=place < learnt,
                autocast=False,
                name=name if names[name] == 1 else f"{name}_{names[name]}",
            )
        )
    return made[:learnt], made[learnt:]


def _tensors(inputs: Any) -> Any:
    if isinstance(inputs, Mapping):
        return {name: _tensors(x) for name, x in inputs.items()}
    plain = isinstance(inputs, str | bytes | np.ndarray)
    if plain or (isinstance(inputs, list | tuple) and not _holds_tensors(inputs)):
        return tf.convert_to_tensor(inputs)
    return inputs


def _holds_tensors(inputs: Sequence[Any]) -> bool:
    kinds = (tf.Tensor, keras.KerasTensor)
    return any(isinstance(x, kinds) for x in keras.tree.flatten(inputs))


def _cast(x: tf.Tensor, dtype: tf.DType) -> tf.Tensor:
    if x.dtype == dtype or tf.string in (x.dtype, dtype):
        return x
    return tf.cast(x, dtype)


def _whole(x: tf.Tensor) -> tf.Tensor:
    return tf.cast(x, tf.float32) if x.dtype in (tf.float16, tf.bfloat16) else x


def _shown(x: Any) -> str:
    dtype = x.dtype if isinstance(x.dtype, str) else x.dtype.name
    return f"{dtype} {tuple(x.shape)}"
