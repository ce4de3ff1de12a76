"""Layers that join what an encoder's layers say."""

import keras
import tensorflow as tf

_LEAST = 1e-13  # as AllenNLP since 2019


@keras.saving.register_keras_serializable(package="tltf")
class ScalarMix(keras.layers.Layer):
    """A learnt weighted mean of several tensors of one shape, times a learnt scale.

    Takes a list of float `[batch, tokens, features]` and a bool mask `[batch,
    tokens]`. The weights are the softmax of the scalars, all 0 at first.

    Args:
      layer_norm: First bring each tensor to mean 0 and variance 1. Both are one
        number over all true places of the whole batch and all features, as in
        AllenNLP, so that a result depends on the batch; the marks of begin and end
        count where they are in the tensors (bilm-tf leaves them out).

    Source: ELMo (Peters et al. 2018), equation 1.
    """

    def __init__(self, *, layer_norm=False, **keywords):
        super().__init__(**keywords)
        self.layer_norm = layer_norm

    def get_config(self):
        """Returns the arguments."""
        return {**super().get_config(), "layer_norm": self.layer_norm}

    def build(self, tensors_shape, mask_shape=None):
        """Makes a scalar for each tensor, and the scale."""
        self.scalars = self.add_weight((len(tensors_shape),), "zeros", name="scalars")
        self.scale = self.add_weight((1,), "ones", name="scale")

    def call(self, tensors, mask):
        """Returns the mix, float `[batch, tokens, features]`."""
        shares = tf.unstack(tf.nn.softmax(tf.convert_to_tensor(self.scalars)))
        if self.layer_norm:
            tensors = [_normal(tensor, mask) for tensor in tensors]
        pairs = zip(shares, tensors, strict=True)
        return self.scale * tf.add_n([share * tensor for share, tensor in pairs])

    def compute_output_spec(self, tensors, mask):
        """Returns shape and type of the mix."""
        return keras.KerasTensor(tensors[0].shape, self.compute_dtype)


@keras.saving.register_keras_serializable(package="tltf")
class WithoutEnds(keras.layers.Layer):
    """Takes the marks of begin and end from around each sentence.

    From float `[batch, tokens + 2, features]` and the sentences' own mask, bool
    `[batch, tokens]`, to `[batch, tokens, features]`, zeros behind each end.
    """

    def call(self, x, mask):
        """Returns the tokens alone."""
        return tf.where(mask[..., tf.newaxis], x[:, 1:-1], 0)

    def compute_output_spec(self, x, mask):
        """Returns shape and type of the tokens."""
        return keras.KerasTensor((*mask.shape, x.shape[-1]), self.compute_dtype)


@keras.saving.register_keras_serializable(package="tltf")
class MaskedMean(keras.layers.Layer):
    """The mean over the tokens of each row, float32; zeros for a row without any.

    From float `[batch, tokens, features]` and bool `[batch, tokens]` to `[batch,
    features]`.
    """

    def call(self, x, mask):
        """Returns the means."""
        wide = tf.cast(x, tf.float32)
        total = tf.reduce_sum(tf.where(mask[..., tf.newaxis], wide, 0), 1)
        count = tf.reduce_sum(tf.cast(mask, tf.float32), 1, keepdims=True)
        return total / tf.maximum(count, 1)

    def compute_output_spec(self, x, mask):
        """Returns shape and type of the means."""
        return keras.KerasTensor((x.shape[0], x.shape[-1]), "float32")


def _normal(x, mask):
    live = tf.cast(mask, x.dtype)[..., tf.newaxis]
    count = tf.reduce_sum(live) * x.shape[-1]
    mean = tf.reduce_sum(x * live) / count
    spread = tf.reduce_sum(((x - mean) * live) ** 2) / count
    return (x - mean) / tf.sqrt(spread + _LEAST)
