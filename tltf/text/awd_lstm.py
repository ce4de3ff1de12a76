"""The network of an AWD-LSTM, as language model and as encoder."""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from tltf import errors
from tltf.layers import awd_lstm
from tltf.text import language_model

# Howard & Ruder's scripts (facts from fastai's courses/dl2/imdb_scripts): shares
# dropped of words, the input, recurrent weights, between layers, at the output.
LANGUAGE_MODEL = {"words": 0.02, "input": 0.25, "weight": 0.2, "hidden": 0.15}
LANGUAGE_MODEL["output"] = 0.1
CLASSIFIER = {"words": 0.05, "input": 0.4, "weight": 0.5, "hidden": 0.3}
CHUNK = 70  # tokens that a gradient flows back over in the classifier


def layers(
    inputs, *, words: awd_lstm.Words, shape: Mapping, dropout: Mapping, **options
):
    """Returns (output of the last layer, states) of the stack on ids.

    Args:
      inputs: Symbolic ids `[b, t]`.
      words: The table.
      shape: `embedding`, `hidden` and `layers`.
      dropout: Shares as in `LANGUAGE_MODEL`.
      **options: `chunk` of `DropConnectLstm`, and `states`: symbolic
        (h, c) of each layer before the first step.
    """
    states = options.get("states") or [(None, None)] * shape["layers"]
    sequence = words(inputs)
    drop = awd_lstm.LockedDropout(dropout["input"], name="words_drop")
    sequence, ends = drop(sequence), []
    for number, (_, units) in enumerate(language_model.sizes(**shape)):
        lstm = awd_lstm.DropConnectLstm(
            units,
            rate=dropout["weight"],
            chunk=options.get("chunk", 0),
            name=f"lstm_{number}",
        )
        h, c = states[number]
        sequence, *end = lstm(sequence) if h is None else lstm(sequence, h=h, c=c)
        ends.append(tuple(end))
        if number < shape["layers"] - 1:
            drop = awd_lstm.LockedDropout(dropout["hidden"], name=f"lstm_{number}_drop")
            sequence = drop(sequence)
    return sequence, ends


def model(count: int, *, shape: Mapping, multiplier: float = 1.0) -> keras.Model:
    """Returns a language model with a tied softmax and its state in and out.

    Args:
      count: Words.
      shape: `embedding`, `hidden` and `layers`.
      multiplier: Of all shares dropped.

    Returns:
      {"tokens": int32 `[b, t]`, "h_0", "c_0", ...} to {"logits" `[b, t, count]`,
      "raw" and "dropped" `[b, t, embedding]`, "h_0", "c_0", ...}.
    """
    dropout = {key: rate * multiplier for key, rate in LANGUAGE_MODEL.items()}
    words = awd_lstm.Words(
        count, shape["embedding"], rate=dropout["words"], tied=True, name="words"
    )
    inputs = {"tokens": keras.Input([None], dtype="int32", name="tokens")}
    states = []
    for number, (_, units) in enumerate(language_model.sizes(**shape)):
        pair = [keras.Input([units], name=f"{kind}_{number}") for kind in "hc"]
        states.append(tuple(pair))
        inputs |= {value.name: value for value in pair}
    raw, ends = layers(
        inputs["tokens"], words=words, shape=shape, dropout=dropout, states=states
    )
    dropped = awd_lstm.LockedDropout(dropout["output"], name="output_drop")(raw)
    outputs = {"logits": words(dropped, reverse=True), "raw": raw, "dropped": dropped}
    for number, (h, c) in enumerate(ends):
        outputs |= {f"h_{number}": h, f"c_{number}": c}
    return keras.Model(inputs, outputs, name="language_model")


def encoder(
    count: int, *, shape: Mapping, multiplier: float = 1.0, backward: bool = False
) -> keras.Model:
    """Returns {"tokens": int32 `[b, t]`} to "vector", "sequence" and "mask".

    Args:
      count: Words; id 0 is padding.
      shape: `embedding`, `hidden` and `layers`.
      multiplier: Of all shares dropped.
      backward: Read each text from its end; the sequence keeps its order.
    """
    dropout = {key: rate * multiplier for key, rate in CLASSIFIER.items()}
    words = awd_lstm.Words(
        count, shape["embedding"], rate=dropout["words"], name="words"
    )
    tokens = keras.Input([None], dtype="int32", name="tokens")
    mask = awd_lstm.Present(name="mask")(tokens)
    turn = awd_lstm.Turned(name="turned")
    given = turn(tokens, mask) if backward else tokens
    sequence, _ = layers(given, words=words, shape=shape, dropout=dropout, chunk=CHUNK)
    vector = awd_lstm.ConcatPooling(name="pooled")(sequence, mask)
    if backward:
        sequence = awd_lstm.Turned(name="turned_back")(sequence, mask)
    sequence = awd_lstm.Cleared(name="sequence")(sequence, mask)
    outputs = {"vector": vector, "sequence": sequence, "mask": mask}
    return keras.Model({"tokens": tokens}, outputs, name="encoder")


def fits(source, shape: Mapping, backward: bool, where: str) -> None:
    """Raises UserError unless a language model is of this shape and direction."""
    if source.shape != dict(shape):
        raise errors.UserError(
            f"weights: {where} is a language model of {source.shape}, "
            f"the backbone of {dict(shape)}; take the variant of that shape"
        )
    if source.backward != backward:
        has, wants = ("backward", "forward")[:: 1 if source.backward else -1]
        raise errors.UserError(
            f"weights: {where} is a {has} language model, the backbone reads {wants}"
        )


def states(batch: int, shape: Mapping) -> dict[str, tf.Tensor]:
    """Returns the state before any text: zeros for each layer's h and c."""
    sizes = enumerate(language_model.sizes(**shape))
    return {
        f"{kind}_{number}": tf.zeros([batch, units])
        for number, (_, units) in sizes
        for kind in "hc"
    }


def put(network: keras.Model, source: language_model.LanguageModel) -> None:
    """Assigns a language model's arrays to the layers of those names."""
    for layer in network.layers:
        for weight in layer.trainable_weights:
            weight.assign(source.arrays[f"{layer.name}/{weight.name}"])


def arrays(network: keras.Model) -> dict[str, np.ndarray]:
    """Returns the weights of a language model by layer and name."""
    return {
        f"{layer.name}/{weight.name}": weight.numpy()
        for layer in network.layers
        for weight in layer.trainable_weights
    }
