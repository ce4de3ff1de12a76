"""Layers from character ids to vectors of tokens."""

import keras
import tensorflow as tf

from tltf.ops import characters


@keras.saving.register_keras_serializable(package="tltf")
class TokenMask(keras.layers.Layer):
    """Bool `[batch, tokens]`: where ids `[batch, tokens, 50]` hold a token."""

    def call(self, chars):
        """Returns the mask."""
        return tf.reduce_any(chars > 0, -1)

    def compute_output_spec(self, chars):
        """Returns shape and type of the mask."""
        return keras.KerasTensor(chars.shape[:-1], "bool")


@keras.saving.register_keras_serializable(package="tltf")
class SentenceEnds(keras.layers.Layer):
    """Puts the marks of begin and end around each sentence.

    From int32 `[batch, tokens, 50]` to `[batch, tokens + 2, 50]`. A row of zeros
    is no token; those stand behind a sentence's last token only.
    """

    def call(self, chars):
        """Returns the character ids with the marks.

        Raises:
          InvalidArgumentError: A row of zeros stands before a token.
        """
        mask = tf.reduce_any(chars > 0, -1)
        hole = tf.reduce_any(mask[:, 1:] & ~mask[:, :-1])
        rule = "chars: a row of zeros stands before a token; pad on the right only"
        tf.debugging.Assert(~hole, [rule])
        counts = tf.reduce_sum(tf.cast(mask, tf.int32), 1)[:, tf.newaxis]  # [batch, 1]
        wide = tf.pad(chars, [[0, 0], [1, 1], [0, 0]])
        place = tf.range(tf.shape(wide)[1])
        begin, end = tf.unstack(characters.encode(tf.constant(["<S>", "</S>"])))
        wide = tf.where((place == 0)[:, tf.newaxis], begin, wide)
        return tf.where((place == counts + 1)[..., tf.newaxis], end, wide)

    def compute_output_spec(self, chars):
        """Returns shape and type of the ids."""
        batch, tokens, ids = chars.shape
        tokens = None if tokens is None else tokens + 2
        return keras.KerasTensor((batch, tokens, ids), chars.dtype)


@keras.saving.register_keras_serializable(package="tltf")
class CharacterEncoder(keras.layers.Layer):
    """Vectors of tokens, each from its own characters alone.

    Convolutions over the characters, their maxima, highway layers and a projection.
    Tokens that occur more than once in a batch are computed once; places without
    a token get zeros.

    Args:
      filters: (width, number) of each convolution.
      embedding: Length of a character's vector.
      highways: Highway layers.
      activation: `relu` or `tanh`, behind the maxima. The highways always have relu.
      projection: Length of the result, or None for that of the convolutions.

    Source: Kim et al. 2016; ELMo (Peters et al. 2018).
    """

    def __init__(
        self,
        filters,
        *,
        embedding=16,
        highways=1,
        activation="relu",
        projection=None,
        **keywords,
    ):
        super().__init__(**keywords)
        self.filters = tuple((width, number) for width, number in filters)
        self.embedding, self.highways = embedding, highways
        self.activation, self.projection = activation, projection
        self.supports_jit = False  # how many tokens differ is known only at run time

    def get_config(self):
        """Returns the arguments."""
        names = ("embedding", "highways", "activation", "projection")
        mine = {name: getattr(self, name) for name in names}
        filters = [list(pair) for pair in self.filters]
        return {**super().get_config(), "filters": filters, **mine}

    def build(self, _):
        """Makes the weights; there is no row for id 0, which is always zeros."""
        width = sum(number for _, number in self.filters)
        shape = (characters.COUNT - 1, self.embedding)
        start = keras.initializers.RandomUniform(-1.0, 1.0)  # bilm-tf
        self.table = self.add_weight(shape, start, name="table")
        self.convolutions = [
            self._pair((size, self.embedding, number), f"convolution_{index}")
            for index, (size, number) in enumerate(self.filters)
        ]
        self.carries, self.transforms = [], []
        for index in range(self.highways):
            # lets the vector pass at first (bilm-tf)
            carry = self._pair((width, width), f"carry_{index}", bias=-2.0)
            self.carries.append(carry)
            self.transforms.append(self._pair((width, width), f"transform_{index}"))
        if self.projection:
            self.leave = self._pair((width, self.projection), "projection")

    def _pair(self, shape, name, bias=0.0):
        kernel = self.add_weight(shape, "glorot_uniform", name=f"{name}_kernel")
        start = keras.initializers.Constant(bias)
        return kernel, self.add_weight(shape[-1:], start, name=f"{name}_bias")

    def call(self, chars):
        """Returns float `[batch, tokens, length]` for int32 `[batch, tokens, 50]`."""
        flat = tf.reshape(chars, [-1, characters.LENGTH])
        with tf.device("CPU"):
            different, index = tf.raw_ops.UniqueV2(x=flat, axis=[0])
        vectors = tf.gather(self._encode(different), index)
        mask = tf.cast(tf.reduce_any(flat > 0, -1), vectors.dtype)
        vectors *= mask[:, tf.newaxis]
        return tf.reshape(vectors, [*tf.unstack(tf.shape(chars)[:-1]), self._length])

    def compute_output_spec(self, chars):
        """Returns shape and type of the vectors."""
        return keras.KerasTensor((*chars.shape[:-1], self._length), self.compute_dtype)

    @property
    def _length(self):
        return self.projection or sum(number for _, number in self.filters)

    def _encode(self, chars):
        """Returns the vectors of `[tokens, 50]`."""
        x = self._convolve(chars)
        x = tf.nn.relu(x) if self.activation == "relu" else tf.tanh(x)
        for carry, transform in zip(self.carries, self.transforms, strict=True):
            gate = tf.sigmoid(_affine(x, carry))
            x = gate * tf.nn.relu(_affine(x, transform)) + (1 - gate) * x
        return _affine(x, self.leave) if self.projection else x

    def _convolve(self, chars):
        """Returns the maximum of each filter over a token's windows.

        Behind the last character all windows are alike, so that one of them
        will do: the same maxima from far fewer windows.
        """
        token, place, windows = _windows(chars, max(w for w, _ in self.filters))
        zero = tf.zeros([1, self.embedding], self.compute_dtype)
        table = tf.concat([zero, tf.convert_to_tensor(self.table)], 0)
        shown = tf.gather(table, windows)  # [windows, widest, embedding]
        kernel, bias = self._one_kernel()
        values = tf.reshape(shown, [-1, kernel.shape[0]]) @ kernel
        last = tf.constant(
            [characters.LENGTH - w for w, n in self.filters for _ in range(n)]
        )
        values = tf.cond(  # few texts have a token so long
            tf.reduce_any(place > tf.reduce_min(last)),
            lambda: tf.where(place[:, tf.newaxis] <= last, values, values.dtype.min),
            lambda: values,
        )
        return tf.math.segment_max(values, token) + bias

    def _one_kernel(self):
        """Returns all filters side by side, short ones with zeros at their end."""
        widest = max(width for width, _ in self.filters) * self.embedding
        kernels = []
        for (width, number), (kernel, _) in zip(
            self.filters, self.convolutions, strict=True
        ):
            flat = tf.reshape(kernel, [width * self.embedding, number])
            kernels.append(tf.pad(flat, [[0, widest - width * self.embedding], [0, 0]]))
        return tf.concat(kernels, 1), tf.concat([b for _, b in self.convolutions], 0)


def _windows(chars, widest):
    """Returns token and place of each window, and its ids `[windows, widest]`."""
    length = characters.LENGTH
    used = tf.where(chars != characters.FILL, tf.range(1, length + 1), 0)
    counts = tf.minimum(tf.reduce_max(used, 1) + 1, length)
    places = tf.ragged.range(counts)
    token, place = places.value_rowids(), places.flat_values
    wide = tf.pad(chars, [[0, 0], [0, widest - 1]], constant_values=characters.FILL)
    start = tf.cast(token, tf.int32) * (length + widest - 1) + place
    ids = tf.gather(tf.reshape(wide, [-1]), start[:, tf.newaxis] + tf.range(widest))
    return token, place, ids


def _affine(x, pair):
    kernel, bias = pair
    return tf.matmul(x, kernel) + bias
