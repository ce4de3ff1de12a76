"""A learnt mix of an encoder's layers, then one linear layer."""

import keras

READS = "layers"


def layers(outputs: int, *, unit: bool, dropout: float) -> list[keras.layers.Layer]:
    """Returns the head's layers in order, unbuilt.

    Args:
      outputs: Number of classes, at least 2.
      unit: Scale the mix to unit length before the last layer.
      dropout: Before the last layer, 0..1.

    Returns:
      Layers whose names start with `head_`. Applied to float `[b, layers,
      features]`, the mean of each layer over the text, they give float32 logits
      `[b, outputs]`.

    Source:
      Peters et al. 2018 (arXiv:1802.05365), equation 1; the weights here are
      free, and begin at 1, for softmax and scale together say no more. The mean
      of a mix over the text is the mix of the means, so that an encoder that is
      frozen need not run again.
    """
    made = [
        keras.layers.Permute((2, 1), name="head_turn"),
        keras.layers.Dense(
            1, use_bias=False, kernel_initializer="ones", name="head_mix"
        ),
        keras.layers.Flatten(name="head_flat"),
    ]
    if unit:
        made.append(keras.layers.UnitNormalization(axis=-1, name="head_unit"))
    if dropout:
        made.append(keras.layers.Dropout(dropout, name="head_dropout"))
    made.append(keras.layers.Dense(outputs, dtype="float32", name="head_logits"))
    return made
