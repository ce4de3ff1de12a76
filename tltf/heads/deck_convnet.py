"""The deck's convolutional network over 1000 words: pools of 5, 5 and 35."""

import keras

READS = "sequence"


def layers(outputs: int, *, unit: bool, dropout: float) -> list[keras.layers.Layer]:
    """Returns the head's layers in order, unbuilt.

    Args:
      outputs: Number of classes, at least 2.
      unit: Not used: only solved heads want unit length.
      dropout: Before the last layer, 0..1; the deck has none.

    Returns:
      Layers whose names start with `head_`. Applied to float `[b, 1000, features]`
      (996 to 1120 words fit) they give float32 logits `[b, outputs]`; lengths go
      1000, 996, 199, 195, 39, 35, 1.

    Source:
      Deck, "Using Pre-trained Embeddings".
    """
    made = []
    for number, pool in enumerate((5, 5, 35), 1):
        made.append(
            keras.layers.Conv1D(128, 5, activation="relu", name=f"head_conv_{number}")
        )
        made.append(keras.layers.MaxPooling1D(pool, name=f"head_pool_{number}"))
    made.append(keras.layers.Flatten(name="head_flat"))
    made.append(keras.layers.Dense(128, activation="relu", name="head_dense"))
    if dropout:
        made.append(keras.layers.Dropout(dropout, name="head_dropout"))
    made.append(keras.layers.Dense(outputs, dtype="float32", name="head_logits"))
    return made
