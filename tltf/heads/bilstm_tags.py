"""A two-directional LSTM over the sequence, one linear layer on each token."""

import keras

READS = "sequence"
GIVES = "tokens"
_UNITS = 128  # of each direction


def layers(outputs: int, *, unit: bool, dropout: float) -> list[keras.layers.Layer]:
    """Returns the head's layers in order, unbuilt.

    Args:
      outputs: Number of tags, at least 2.
      unit: Not used: only solved heads want unit length.
      dropout: Before the LSTM and before the last layer, 0..1.

    Returns:
      Layers whose names start with `head_`; the last is the Dense `head_logits`.
      Applied to float `[b, t, features]`, zeros where there is no word, they give
      float32 logits of each token, `[b, t, outputs]`. A word without a vector is
      zeros, too: it is tagged by its neighbours.

    Source:
      Huang, Xu, Yu 2015 (arXiv:1508.01991), without the CRF.
    """
    # padding must not reach the backward direction, or answers would depend on the
    # longest text of a batch
    made = [keras.layers.Masking(0.0, name="head_mask")]
    if dropout:
        made.append(keras.layers.Dropout(dropout, name="head_dropout_in"))
    lstm = keras.layers.LSTM(_UNITS, return_sequences=True)
    made.append(keras.layers.Bidirectional(lstm, name="head_lstm"))
    if dropout:
        made.append(keras.layers.Dropout(dropout, name="head_dropout"))
    made.append(keras.layers.Dense(outputs, dtype="float32", name="head_logits"))
    return made
