"""ELMo: vectors of words in their sentence, from a two-direction language model."""

import pathlib
from typing import Any

import keras

from tltf import errors
from tltf.layers import characters as character_layers
from tltf.layers import mix as mixing
from tltf.layers import projected_lstm
from tltf.ops import characters
from tltf.text import elmo_options, elmo_weights

_TRAINABLE = ("none", "mix", "all")


def load_elmo(
    options: pathlib.Path | str | elmo_options.Options,
    weights: pathlib.Path | str | None,
    *,
    trainable: str = "none",
    stateful: bool = False,
    layer_norm: bool = False,
) -> keras.Model:
    """Returns ELMo as a functional model, from the files of bilm-tf or AllenNLP.

    Args:
      options: The file `options.json`, or what `elmo_options.read` gave.
      weights: The HDF5 file, or None for a random start.
      trainable: `none`, `mix` (the scalars of the mix and its scale), or `all`.
      stateful: Start row r of a batch from where row r of the batch before ended,
        as bilm-tf and AllenNLP do, instead of from zeros; see `reset`.
      layer_norm: Normalise each layer before the mix; see `ScalarMix`.

    Returns:
      Model from {"chars": int32 `[batch, tokens, 50]`} (see `ops/characters`) to
      the names of the TF Hub module, float32, zeros behind each sentence's end:
      `word_emb` `[batch, tokens, P]`, `lstm_outputs1`, `lstm_outputs2` (and so on
      for deeper models) and `elmo` `[batch, tokens, 2P]`, `default` `[batch, 2P]`,
      the mean of `elmo` over the tokens.

    Raises:
      UserError: A file is missing or broken, the two do not fit, or an unknown
        `trainable`.

    Source: Peters et al. 2018, Deep contextualized word representations.
    """
    if trainable not in _TRAINABLE:
        raise errors.UserError(
            f"trainable: {trainable!r} is unknown; give {', '.join(_TRAINABLE)}"
        )
    options, arrays = opened(options, weights)
    chars = keras.Input((None, characters.LENGTH), name="chars", dtype="int32")
    found = graph(chars, options, stateful=stateful, layer_norm=layer_norm)
    model = keras.Model({"chars": chars}, _hub_outputs(found), name="elmo")
    if arrays:
        elmo_weights.assign(model, options, arrays)
    for layer in model.layers:
        layer.trainable = trainable in ("all", layer.name)
    return model


def reset(model: keras.Model) -> None:
    """Makes a stateful model start its next batch from zeros."""
    for layer in model.layers:
        if isinstance(layer, projected_lstm.ProjectedLSTM):
            layer.reset()


def opened(
    options: pathlib.Path | str | elmo_options.Options,
    weights: pathlib.Path | str | None,
) -> tuple[elmo_options.Options, dict[str, Any]]:
    """Returns the options and the arrays of the two files, none for None.

    Raises:
      UserError: As `load_elmo`.
    """
    if not isinstance(options, elmo_options.Options):
        options = elmo_options.read(options)
    return elmo_weights.read(weights, options) if weights else (options, {})


def graph(
    chars: keras.KerasTensor,
    options: elmo_options.Options,
    *,
    stateful: bool = False,
    layer_norm: bool = False,
) -> dict[str, Any]:
    """Returns the tensors of the network on `[batch, tokens, 50]`.

    The layers with weights are `characters`, `lstm_forward_1`, `lstm_backward_1`
    and so on, and `mix`.

    Returns:
      `mask` bool `[batch, tokens]`, `word_emb` `[batch, tokens, P]`, `layers` a
      list from the words' own vectors twice to the last LSTMs', and `elmo`, their
      mix, each `[batch, tokens, 2P]`.
    """
    mask = character_layers.TokenMask(name="characters_mask")(chars)
    wide = character_layers.SentenceEnds(name="characters_ends")(chars)
    inside = character_layers.TokenMask(name="characters_inside")(wide)
    words = encoder(options)(wide)
    activations = _activations(words, inside, options, stateful)
    mix = mixing.ScalarMix(layer_norm=layer_norm, name="mix")
    mixed = mix(activations, inside)

    def bare(x, name):
        return mixing.WithoutEnds(name=name, dtype="float32")(x, mask)

    return {
        "mask": mask,
        "word_emb": bare(words, "word_emb"),
        "layers": [bare(x, f"layer_{i}") for i, x in enumerate(activations)],
        "elmo": bare(mixed, "elmo"),
    }


def encoder(options: elmo_options.Options) -> keras.layers.Layer:
    """Returns the layer `characters`, from character ids to the words' vectors."""
    return character_layers.CharacterEncoder(
        options.filters,
        embedding=options.embedding,
        highways=options.highways,
        activation=options.activation,
        projection=options.projection if options.projects_tokens else None,
        name="characters",
    )


def lstm(
    options: elmo_options.Options, direction: str, depth: int, *, carry: bool = False
) -> keras.layers.Layer:
    """Returns the layer `lstm_<direction>_<depth>`.

    Args:
      options: Of the model.
      direction: `forward` or `backward`.
      depth: 1 for the LSTM on the words' vectors.
      carry: See `ProjectedLSTM`.
    """
    return projected_lstm.ProjectedLSTM(
        options.dim,
        projection=options.projection if options.projects_states else None,
        clips=(options.cell_clip, options.proj_clip),
        skip=options.skip and depth > 1,
        backward=direction == "backward",
        carry=carry,
        name=f"lstm_{direction}_{depth}",
    )


def _hub_outputs(found):
    """Returns the tensors of `graph` under the names of the Hub module."""
    lstms = enumerate(found["layers"][1:], 1)
    mean = mixing.MaskedMean(name="default")
    return {
        "word_emb": found["word_emb"],
        **{f"lstm_outputs{depth}": layer for depth, layer in lstms},
        "elmo": found["elmo"],
        "default": mean(found["elmo"], found["mask"]),
    }


def _activations(words, mask, options, stateful):
    """Returns all layers with the marks of begin and end, `[batch, tokens + 2, 2P]`."""
    found = [keras.layers.Concatenate(name="characters_twice")([words, words])]
    below = {"forward": words, "backward": words}
    for depth in range(1, options.layers + 1):
        for direction in below:
            layer = lstm(options, direction, depth, carry=stateful)
            below[direction] = layer(below[direction], mask)
        join = keras.layers.Concatenate(name=f"lstm_both_{depth}")
        found.append(join(list(below.values())))
    return found
