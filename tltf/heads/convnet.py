"""Three convolutions over a sequence of words, maximum over the text."""

import keras

READS = "sequence"


def layers(outputs: int, *, unit: bool, dropout: float) -> list[keras.layers.Layer]:
    """Returns the head's layers in order, unbuilt.

    Args:
      outputs: Number of classes, at least 2.
      unit: Not used: only solved heads want unit length.
      dropout: Before the last layer, 0..1.

    Returns:
      Layers whose names start with `head_`. Applied to float `[b, t, features]`,
      t at least 149, they give float32 logits `[b, outputs]`.

    Source:
      keras.io, "Using pre-trained word embeddings", Keras 3 version.
    """
    made = []
    for number in (1, 2, 3):
        made.append(_convolution(number))
        if number < 3:
            made.append(keras.layers.MaxPooling1D(5, name=f"head_pool_{number}"))
    made.append(keras.layers.GlobalMaxPooling1D(name="head_pool"))
    return [*made, *_classifier(outputs, dropout)]


def _convolution(number: int) -> keras.layers.Layer:
    return keras.layers.Conv1D(128, 5, activation="relu", name=f"head_conv_{number}")


def _classifier(outputs: int, dropout: float) -> list[keras.layers.Layer]:
    made = [keras.layers.Dense(128, activation="relu", name="head_dense")]
    if dropout:
        made.append(keras.layers.Dropout(dropout, name="head_dropout"))
    made.append(keras.layers.Dense(outputs, dtype="float32", name="head_logits"))
    return made
