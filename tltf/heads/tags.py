"""One linear layer on each token of the sequence, after optional dropout."""

import keras

READS = "sequence"
GIVES = "tokens"


def layers(outputs: int, *, unit: bool, dropout: float) -> list[keras.layers.Layer]:
    """Returns the head's layers in order, unbuilt.

    Args:
      outputs: Number of tags, at least 2.
      unit: Not used: only solved heads want unit length.
      dropout: Share of each token's vector dropped in training, 0..1.

    Returns:
      Layers whose names start with `head_`; the last is the Dense
      `head_logits`. Applied to float `[b, t, features]` they give float32 logits
      of each token, `[b, t, outputs]`; those of padding mean nothing.
    """
    made = []
    if dropout:
        made.append(keras.layers.Dropout(dropout, name="head_dropout"))
    # float32 under every precision: a softmax of half floats loses rare tags
    made.append(keras.layers.Dense(outputs, dtype="float32", name="head_logits"))
    return made
