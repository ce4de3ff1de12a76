"""The weights of a two-direction language model in bilm-tf's HDF5 layout."""

import contextlib
import dataclasses
import os
import pathlib
import re
import tempfile

import h5py
import keras
import numpy as np

from tltf import errors
from tltf.text import elmo_options

# What belongs to the network; other data sets in a file are not ours to judge.
_OURS = r"char_embed$|CNN/|CNN_high_\d+/|CNN_proj/|RNN_\d+/"
_PROJECTIONS = {"projects_tokens": "CNN_proj/W_proj", "projects_states": "W_P_0"}


def read(
    path: pathlib.Path | str, options: elmo_options.Options
) -> tuple[elmo_options.Options, dict[str, np.ndarray]]:
    """Returns the options that the file bears out, and its arrays in float32.

    The options change in one point: a file may leave out, or have, a projection
    that does not change the size.

    Args:
      path: HDF5 file.
      options: What `options.json` says.

    Raises:
      UserError: No such file, or an array that is missing, of another shape, or
        of no place in this network.
    """
    path = pathlib.Path(path).expanduser()
    try:
        with h5py.File(path) as file:
            found = _arrays(file)
    except OSError as error:
        cause = error.strerror or "not a readable HDF5 file"
        raise errors.UserError(f"weights: cannot read {path}: {cause}") from None
    for field, name in _PROJECTIONS.items():
        has = any(key.endswith(name) for key in found)
        if not getattr(options, field) and has:
            options = dataclasses.replace(options, **{field: True})
        elif not has and _square(options, field):
            options = dataclasses.replace(options, **{field: False})
    _fit(found, shapes(options), path)
    return options, {key: found[key].astype(np.float32) for key in shapes(options)}


def shapes(options: elmo_options.Options) -> dict[str, tuple[int, ...]]:
    """Returns the shape of each array of the file."""
    out, wide = options.projection, options.convolved
    found = {"char_embed": (261, options.embedding)}
    for index, (width, number) in enumerate(options.filters):
        found[f"CNN/W_cnn_{index}"] = (1, width, options.embedding, number)
        found[f"CNN/b_cnn_{index}"] = (number,)
    for index in range(options.highways):
        for part in ("carry", "transform"):
            found[f"CNN_high_{index}/W_{part}"] = (wide, wide)
            found[f"CNN_high_{index}/b_{part}"] = (wide,)
    if options.projects_tokens:
        found |= {"CNN_proj/W_proj": (wide, out), "CNN_proj/b_proj": (out,)}
    for direction in range(2):
        for layer in range(options.layers):
            cell = _cell(direction, layer)
            found[f"{cell}/W_0"] = (2 * out, 4 * options.dim)
            found[f"{cell}/B"] = (4 * options.dim,)
            if options.projects_states:
                found[f"{cell}/W_P_0"] = (options.dim, out)
    return found


def variables(
    model: keras.Model, options: elmo_options.Options
) -> dict[str, keras.Variable]:
    """Returns the model's variable for each array of the file."""
    encoder = model.get_layer("characters")
    found = {"char_embed": encoder.table}
    for index, (kernel, bias) in enumerate(encoder.convolutions):
        found |= {f"CNN/W_cnn_{index}": kernel, f"CNN/b_cnn_{index}": bias}
    for part, pairs in (("carry", encoder.carries), ("transform", encoder.transforms)):
        for index, (kernel, bias) in enumerate(pairs):
            found[f"CNN_high_{index}/W_{part}"] = kernel
            found[f"CNN_high_{index}/b_{part}"] = bias
    if options.projects_tokens:
        kernel, bias = encoder.leave
        found |= {"CNN_proj/W_proj": kernel, "CNN_proj/b_proj": bias}
    for direction, name in enumerate(("forward", "backward")):
        for layer in range(options.layers):
            lstm = model.get_layer(f"lstm_{name}_{layer + 1}")
            cell = _cell(direction, layer)
            found |= {f"{cell}/W_0": lstm.kernel, f"{cell}/B": lstm.bias}
            if options.projects_states:
                found[f"{cell}/W_P_0"] = lstm.leave
    return found


def assign(
    model: keras.Model, options: elmo_options.Options, arrays: dict[str, np.ndarray]
) -> None:
    """Gives the model the arrays of a file."""
    for key, variable in variables(model, options).items():
        variable.assign(arrays[key].reshape(variable.shape))


def write(
    model: keras.Model, options: elmo_options.Options, path: pathlib.Path | str
) -> None:
    """Writes the model's weights in one step, without the scalar mix.

    Args:
      model: Of `load_elmo`, or one with layers of the same names.
      options: Its options.
      path: HDF5 file to write; its folder has to be there.
    """
    found, sizes = variables(model, options), shapes(options)
    path = pathlib.Path(path).expanduser()
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        with h5py.File(temporary, "w") as file:
            for key, variable in found.items():
                value = keras.ops.convert_to_numpy(variable)
                file[key] = value.astype(np.float32).reshape(sizes[key])
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _arrays(file: h5py.File) -> dict[str, np.ndarray]:
    found = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset) and re.match(_OURS, name):
            found[name] = item[()]

    file.visititems(keep)
    return found


def _square(options, field):
    """Whether leaving this projection out keeps all sizes."""
    before = options.convolved if field == "projects_tokens" else options.dim
    return before == options.projection


def _fit(found, wanted, path):
    missing = sorted(wanted.keys() - found.keys())
    extra = sorted(found.keys() - wanted.keys())
    if missing:
        raise errors.UserError(
            f"weights: {path} lacks {missing[0]}{_more(missing)}; "
            "take the options.json that came with this file"
        )
    for key, shape in wanted.items():
        if found[key].shape != shape:
            raise errors.UserError(
                f"weights: {key} in {path} is {found[key].shape}, the options want "
                f"{shape}; take the options.json that came with this file"
            )
    if extra:
        raise errors.UserError(
            f"weights: {path} has {extra[0]}{_more(extra)}, for which the options "
            "have no place; take the options.json that came with this file"
        )


def _more(names):
    return f" and {len(names) - 1} more" if len(names) > 1 else ""


def _cell(direction, layer):
    return f"RNN_{direction}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"
