"""One linear layer on the encoder's vector, after optional unit length and dropout."""

import keras

READS = "vector"


def layers(outputs: int, *, unit: bool, dropout: float) -> list[keras.layers.Layer]:
    """Returns the head's layers in order, unbuilt.

    Args:
      outputs: Number of classes, at least 2.
      unit: Scale the vector to unit length first, as the solved heads of
        featurize expect (fashion-texture recipe: L2-normalise each row).
      dropout: Share of the vector dropped in training, 0..1.

    Returns:
      Layers whose names start with `head_`; the last is the Dense
      `head_logits`. Applied to float `[batch, features]` they give float32
      logits `[batch, outputs]`.
    """
    made = []
    if unit:
        made.append(keras.layers.UnitNormalization(axis=-1, name="head_unit"))
    if dropout:
        made.append(keras.layers.Dropout(dropout, name="head_dropout"))
    # float32 under every precision: a softmax of half floats loses rare classes
    made.append(keras.layers.Dense(outputs, dtype="float32", name="head_logits"))
    return made
