"""A two-directional LSTM over the sequence, mean over its words, one linear layer."""

import keras

READS = "sequence"
_UNITS = 128  # of each direction


def layers(outputs: int, *, unit: bool, dropout: float) -> list[keras.layers.Layer]:
    """Returns the head's layers in order, unbuilt.

    Args:
      outputs: Number of classes, at least 2.
      unit: Not used: only solved heads want unit length.
      dropout: Before the LSTM and before the last layer, 0..1.

    Returns:
      Layers whose names start with `head_`. Applied to float `[b, t, features]`,
      zeros where there is no word, they give float32 logits `[b, outputs]`.

    Source:
      The classifier over ELMo of Peters et al. 2018 (arXiv:1802.05365), section
      4, in its plainest form.
    """
    made = [keras.layers.Masking(0.0, name="head_mask")]
    if dropout:
        made.append(keras.layers.Dropout(dropout, name="head_dropout_in"))
    lstm = keras.layers.LSTM(_UNITS, return_sequences=True)
    made.append(keras.layers.Bidirectional(lstm, name="head_lstm"))
    # of Keras's pools this one heeds the mask
    made.append(keras.layers.GlobalAveragePooling1D(name="head_pool"))
    if dropout:
        made.append(keras.layers.Dropout(dropout, name="head_dropout"))
    made.append(keras.layers.Dense(outputs, dtype="float32", name="head_logits"))
    return made
