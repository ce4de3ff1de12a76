"""Opens a SavedModel and finds out what can be called in it."""

import concurrent.futures
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tltf import errors
from tltf.fetch import hub

_USUAL = ("default", "serving_default")


class Module(NamedTuple):
    """What one call of a module needs.

    Attributes:
      root: The loaded object; holds variables and tables alive.
      call: The function.
      inputs: Name to spec of what a signature takes; None for a function that
        takes its argument as it is.
      outputs: Names of its outputs; empty where it returns one tensor.
      learnt: Variables that the module offers for training.
      fixed: Its other variables.
      training: Whether the function knows training from inference.
      losses: Functions that return regularization terms.
      kept: Folder that has to last as long as the module does, or None.
    """

    root: Any
    call: Callable[..., Any]
    inputs: Mapping[str, tf.TensorSpec] | None
    outputs: tuple[str, ...]
    learnt: Sequence[tf.Variable]
    fixed: Sequence[tf.Variable]
    training: bool
    losses: Sequence[Callable[[], tf.Tensor]]
    kept: tempfile.TemporaryDirectory | None


def load(handle: str, *, signature: str | None, tags: Sequence[str] | None) -> Module:
    """Returns a function of a module, with its variables.

    Args:
      handle: As of `tltf.fetch.hub.resolve`.
      signature: Name of a signature; None for the module's own function or,
        where it has none, for the signature `default` or `serving_default`.
      tags: Of the graph; None for the only one or, in modules of TF1 format,
        for the one to infer with.

    Raises:
      UserError: There is no such module, graph or signature; says what there is.
        Or its tables cannot stand on all devices of the strategy.
    """
    path = hub.resolve(handle)
    root, kept = _placed(path, tags)
    call, named = _function(root, signature, path)
    if named:
        inputs = dict(call.structured_input_signature[1])
        outputs = _names([call])
    else:
        inputs, outputs = None, _names(_concrete(call))
    learnt, fixed = _variables(root, call)
    return Module(
        root=root,
        call=call,
        inputs=inputs,
        outputs=outputs,
        learnt=learnt,
        fixed=fixed,
        training=not named and _knows_training(call),
        losses=tuple(getattr(root, "regularization_losses", None) or ()),
        kept=kept,
    )


def pick(asked: str | None, outputs: Sequence[str], where: str) -> str | None:
    """Returns the key to take of the outputs; None for all, or for the one tensor.

    Raises:
      UserError: There is no such output.
    """
    if asked == "*":
        return None
    if asked is None:
        return outputs[0] if len(outputs) == 1 else None
    if asked not in outputs:
        known = f"{', '.join(outputs)}; or * for all" if outputs else "one tensor only"
        raise errors.UserError(f"{where} has no output {asked!r}; there is {known}")
    return asked


def named(inputs: Any, wanted: Mapping[str, tf.TensorSpec], where: str) -> dict:
    """Returns the inputs of a signature by name.

    Raises:
      UserError: Some are missing, or there is no input of that name.
    """
    if not isinstance(inputs, Mapping):
        given = "one tensor"
        inputs = dict.fromkeys(wanted, inputs) if len(wanted) == 1 else {}
    else:
        given = ", ".join(sorted(map(str, inputs)))
    if inputs.keys() != wanted.keys():
        raise errors.UserError(
            f"{where} takes {', '.join(sorted(wanted))}, not {given}; "
            "give a dict of what it takes"
        )
    return dict(inputs)


def takes(call: Callable[..., Any]) -> str:
    """Returns in words what a loaded function accepts."""
    forms = [one.structured_input_signature[0] for one in _concrete(call)]
    specs = [tf.nest.flatten(form)[:1] for form in forms]
    shown = {f"{s.dtype.name} {s.shape}" for (s,) in filter(None, specs)}
    return " or ".join(sorted(shown)) or "nothing"


def single(module: Module) -> tf.TensorSpec | None:
    """Returns the spec of the one tensor that a function takes; None if of more."""
    if module.inputs is not None:
        specs = list(module.inputs.values())
    else:
        forms = [one.structured_input_signature[0] for one in _concrete(module.call)]
        specs = tf.nest.flatten(forms[0][:1]) if forms else []
    alone = len(specs) == 1 and isinstance(specs[0], tf.TensorSpec)
    return specs[0] if alone else None


def _opened(path: str, tags: Sequence[str] | None) -> Any:
    # `tfhub_module.pb` marks the TF1 format, whose second graph is to train
    if tags is None and tf.io.gfile.exists(os.path.join(path, "tfhub_module.pb")):
        tags = []
    try:
        with tf.init_scope():
            return tf.saved_model.load(path, tags=tags)
    except (ValueError, RuntimeError, OSError, tf.errors.OpError) as error:
        cause = " ".join(str(error).split())
        raise errors.UserError(f"cannot load module {path}: {cause:.300}") from error


def _placed(
    path: str, tags: Sequence[str] | None
) -> tuple[Any, tempfile.TemporaryDirectory | None]:
    """Returns a module whose variables stand on every device of the strategy.

    TensorFlow loads graphs of its first version onto one device, whatever the
    strategy; saved again, they are of the second, and are not.
    """
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return _opened(path, tags), None
    kept = tempfile.TemporaryDirectory(prefix="tltf-module-")
    # a strategy holds for one thread; a module must be saved outside of it
    with concurrent.futures.ThreadPoolExecutor(1) as alone:
        copied = alone.submit(_copied, path, tags, kept.name).result()
    return _opened(kept.name, None) if copied else _opened(path, tags), kept


def _copied(path: str, tags: Sequence[str] | None, folder: str) -> bool:
    """Saves a graph of TensorFlow 1 as one of 2; returns whether it was one."""
    root = _opened(path, tags)
    if not hasattr(root, "prune"):  # only a graph of TensorFlow 1 has it
        return False
    if any("Table" in op.type for op in root.graph.get_operations()):
        raise errors.UserError(
            f"module {path} of TF1 format has tables, which stand on one device; "
            "run it on one device"
        )
    holder = tf.train.Checkpoint()
    holder.variables = root.variables
    tf.saved_model.save(holder, folder, signatures=dict(root.signatures))
    return True


def _function(root: Any, signature: str | None, path: str) -> tuple[Callable, bool]:
    """Returns a function, and whether it is a signature."""
    known = sorted(getattr(root, "signatures", None) or ())
    if signature is None and callable(root):
        return root.__call__, False
    if signature is None:
        signature = next((name for name in _USUAL if name in known), None)
    if signature in known:
        return root.signatures[signature], True
    there = ", ".join(known) or "none"
    what = f"no signature {signature!r}" if signature else "no function of its own"
    raise errors.UserError(f"module {path} has {what}; its signatures are: {there}")


def _concrete(call: Callable[..., Any]) -> Sequence[Any]:
    return getattr(call, "concrete_functions", None) or ()


def _names(functions: Sequence[Any]) -> tuple[str, ...]:
    forms = [one.structured_outputs for one in functions]
    if forms and all(isinstance(form, Mapping) for form in forms):
        return tuple(sorted(set.intersection(*(set(form) for form in forms))))
    return ()


def _variables(root: Any, call: Callable[..., Any]) -> tuple[list, list]:
    """Returns the variables that learn and the others, each once, in file order."""
    every = getattr(root, "variables", None)
    if every is None:
        owners = [call] if hasattr(call, "variables") else _concrete(call)
        every = [v for owner in owners for v in owner.variables]
    learnt = getattr(root, "trainable_variables", None)
    if learnt is None:
        learnt = [v for v in every if v.trainable]
    learnt = {id(v): v for v in learnt}
    every = {id(v): v for v in every}
    return [*learnt.values()], [v for key, v in every.items() if key not in learnt]


def _knows_training(call: Callable[..., Any]) -> bool:
    kind = getattr(call, "function_type", None)
    return kind is not None and "training" in kind.parameters
