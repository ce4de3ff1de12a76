"""ULMFiT's head: a layer of 50 between two rounds of normalisation and dropout."""

import keras

READS = "vector"

_WIDTH = 50  # Howard & Ruder 2018, section 4.1


def layers(outputs: int, *, unit: bool, dropout: float) -> list[keras.layers.Layer]:
    """Returns the head's layers in order, unbuilt.

    Args:
      outputs: Number of classes, at least 2.
      unit: Scale the vector to unit length first.
      dropout: Share of the vector dropped in training, 0..1; a quarter of it is
        dropped of the hidden layer, as .4 and .1 in the paper's code.

    Returns:
      Layers whose names start with `head_`; the last is the Dense
      `head_logits`.

    Source:
      Howard & Ruder 2018 (arXiv:1801.06146), section 3.3; BatchNormalization
      with torch's momentum .1 (here .9) and epsilon 1e-5, as their code.
    """
    made: list[keras.layers.Layer] = []
    if unit:
        made.append(keras.layers.UnitNormalization(axis=-1, name="head_unit"))
    for number, share in enumerate((dropout, dropout / 4)):
        norm = keras.layers.BatchNormalization(
            momentum=0.9, epsilon=1e-5, name=f"head_norm_{number}"
        )
        made.append(norm)
        if share:
            made.append(keras.layers.Dropout(share, name=f"head_dropout_{number}"))
        if not number:
            hidden = keras.layers.Dense(_WIDTH, activation="relu", name="head_hidden")
            made.append(hidden)
    # float32 under every precision: a softmax of half floats loses rare classes
    made.append(keras.layers.Dense(outputs, dtype="float32", name="head_logits"))
    return made
