"""AWD-LSTM: an LSTM with dropout on words, between layers and on its own weights."""

import keras
import tensorflow as tf

from tltf.layers import _recurrence


def _kept(shape, rate: float, seed, dtype) -> tf.Tensor:
    """Returns 0 with chance `rate`, else what keeps the mean at 1."""
    drawn = tf.random.stateless_uniform(shape, seed)
    return tf.cast(drawn >= rate, dtype) / (1 - rate)


@keras.saving.register_keras_serializable(package="tltf")
class LockedDropout(keras.layers.Layer):
    """Drops the same features at all times of a sequence.

    Args:
      rate: Share dropped while training, 0 to below 1.

    Source:
      Merity et al. 2018 (arXiv:1708.02182), section 3.2; Gal & Ghahramani 2016.
    """

    def __init__(self, rate: float, **options):
        super().__init__(**options)
        self.rate = rate
        self.seed = keras.random.SeedGenerator()
        self.supports_masking = True

    def call(self, inputs, training=False):
        """Returns the sequence `[b, t, f]`, parts of it dropped in training."""
        if not training or not self.rate:
            return inputs
        shape = tf.stack([tf.shape(inputs)[0], 1, inputs.shape[-1]])
        return inputs * _kept(shape, self.rate, self.seed.next(), inputs.dtype)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "rate": self.rate}


@keras.saving.register_keras_serializable(package="tltf")
class Words(keras.layers.Layer):
    """Vectors of words; whole words are dropped, at every place they stand.

    Args:
      count: Words.
      units: Length of a vector.
      rate: Share of words dropped while training, 0 to below 1.
      tied: Also serve as softmax: `reverse=True` gives a score for each word.

    Source:
      Merity et al. 2018 (arXiv:1708.02182), sections 3.3 and 3.5.
    """

    def __init__(
        self, count: int, units: int, *, rate: float = 0.0, tied=False, **options
    ):
        super().__init__(**options)
        self.count, self.units, self.rate, self.tied = count, units, rate, tied
        self.seed = keras.random.SeedGenerator()

    def build(self, _):
        """Makes the table, and the offsets of a tied softmax."""
        # fastai: uniform in -.1 .. .1
        start = keras.initializers.RandomUniform(-0.1, 0.1)
        self.table = self.add_weight(
            name="table", shape=(self.count, self.units), initializer=start
        )
        if self.tied:
            self.bias = self.add_weight(
                name="bias", shape=(self.count,), initializer="zeros"
            )
        self.built = True

    def call(self, inputs, training=False, reverse=False):
        """Returns vectors `[b, t, units]` of ids `[b, t]`; reversed, scores.

        Args:
          inputs: Ids, or `[b, t, units]` if `reverse`.
          training: Drop words.
          reverse: Return float `[b, t, count]`, the logits of a tied softmax.
        """
        table = tf.cast(tf.convert_to_tensor(self.table), self.compute_dtype)
        if reverse:
            scores = tf.matmul(tf.reshape(inputs, [-1, self.units]), table, False, True)
            scores += tf.cast(tf.convert_to_tensor(self.bias), scores.dtype)
            shape = tf.concat([tf.shape(inputs)[:2], [self.count]], 0)
            return tf.reshape(scores, shape)
        vectors = tf.gather(table, tf.cast(inputs, tf.int32))
        if training and self.rate:
            kept = _kept([self.count], self.rate, self.seed.next(), vectors.dtype)
            vectors *= tf.gather(kept, tf.cast(inputs, tf.int32))[..., None]
        return vectors

    def compute_output_spec(self, inputs, training=False, reverse=False):
        """Returns shape and dtype for the functional graph."""
        length = self.count if reverse else self.units
        return keras.KerasTensor((*inputs.shape[:2], length), dtype=self.compute_dtype)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        own = {name: getattr(self, name) for name in ("count", "units", "rate", "tied")}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="tltf")
class DropConnectLstm(keras.layers.Layer):
    """LSTM whose recurrent weights lose connections, drawn once a call.

    Args:
      units: Length of the output.
      rate: Share of recurrent weights dropped while training, 0 to below 1.
      chunk: No gradient flows back over every `chunk`-th step; 0 for none.

    Source:
      Merity et al. 2018 (arXiv:1708.02182), section 2; chunks as in BPT3C,
      Howard & Ruder 2018 (arXiv:1801.06146), section 3.3.
    """

    def __init__(self, units: int, *, rate: float = 0.0, chunk: int = 0, **options):
        super().__init__(**options)
        self.units, self.rate, self.chunk = units, rate, chunk
        self.seed = keras.random.SeedGenerator()

    def build(self, shape):
        """Makes the weights, gates in the order input, forget, candidate, output."""
        start = keras.initializers.RandomUniform(
            -(self.units**-0.5), self.units**-0.5
        )  # torch's
        wide = 4 * self.units
        for name, size in (("kernel", shape[-1]), ("recurrent", self.units)):
            weight = self.add_weight(name=name, shape=(size, wide), initializer=start)
            setattr(self, name, weight)
        self.bias = self.add_weight(name="bias", shape=(wide,), initializer=start)
        self.built = True

    def call(self, inputs, h=None, c=None, training=False):
        """Returns (outputs `[b, t, units]`, last h, last c, each `[b, units]`).

        Args:
          inputs: Float `[b, t, f]`.
          h: Output before the first step; zeros by default.
          c: Cell before the first step; zeros by default.
          training: Drop connections.
        """
        kernel, recurrent, bias = (
            tf.cast(tf.convert_to_tensor(weight), self.compute_dtype)
            for weight in (self.kernel, self.recurrent, self.bias)
        )
        if training and self.rate:
            shape, seed = recurrent.shape, self.seed.next()
            recurrent *= _kept(shape, self.rate, seed, recurrent.dtype)
        turned = tf.transpose(inputs, [1, 0, 2])
        given = tf.matmul(tf.reshape(turned, [-1, inputs.shape[-1]]), kernel) + bias
        shape = tf.concat([tf.shape(turned)[:2], [4 * self.units]], 0)
        given = tf.ensure_shape(tf.reshape(given, shape), [None, None, 4 * self.units])
        empty = tf.zeros([tf.shape(inputs)[0], self.units], given.dtype)
        state = empty if h is None else h, empty if c is None else c
        if training:
            found = _recurrence.learn(given, recurrent, *state, chunk=self.chunk)
        else:
            found = _recurrence.run(given, recurrent, *state)
        outputs, h, c = found
        return tf.transpose(outputs, [1, 0, 2]), h, c

    def compute_output_spec(self, inputs, h=None, c=None, training=False):
        """Returns shapes and dtype for the functional graph."""
        batch, steps, _ = inputs.shape
        shapes = ((batch, steps, self.units), *[(batch, self.units)] * 2)
        return tuple(keras.KerasTensor(s, dtype=self.compute_dtype) for s in shapes)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        own = {name: getattr(self, name) for name in ("units", "rate", "chunk")}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="tltf")
class Present(keras.layers.Layer):
    """Which tokens are no padding."""

    def call(self, inputs):
        """Returns bool `[b, t]` of ids `[b, t]`; padding is 0."""
        return keras.ops.not_equal(inputs, 0)


@keras.saving.register_keras_serializable(package="tltf")
class Cleared(keras.layers.Layer):
    """A sequence with zeros where there is padding."""

    def call(self, inputs, mask):
        """Returns `inputs` `[b, t, f]`, zero where `mask` `[b, t]` is false."""
        return inputs * keras.ops.cast(mask, inputs.dtype)[..., None]


@keras.saving.register_keras_serializable(package="tltf")
class Turned(keras.layers.Layer):
    """The real tokens of each row in reverse order, padding still behind them."""

    def call(self, inputs, mask):
        """Returns `inputs` `[b, t, ...]` turned where `mask` `[b, t]` is true."""
        lengths = tf.reduce_sum(tf.cast(mask, tf.int32), 1)
        return tf.reverse_sequence(inputs, lengths, seq_axis=1, batch_axis=0)

    def compute_output_spec(self, inputs, mask):
        """Returns the input's shape and dtype."""
        return keras.KerasTensor(inputs.shape, dtype=inputs.dtype)


@keras.saving.register_keras_serializable(package="tltf")
class ConcatPooling(keras.layers.Layer):
    """[last, max, mean] of a sequence over its real tokens.

    Source:
      Howard & Ruder 2018 (arXiv:1801.06146), section 3.3.
    """

    def call(self, inputs, mask):
        """Returns float `[b, 3 f]` of `[b, t, f]`; zeros for a row all padding."""
        real = keras.ops.cast(mask, inputs.dtype)[..., None]
        count = keras.ops.maximum(keras.ops.sum(real, 1), 1)
        last = keras.ops.cast(keras.ops.sum(real, 1), "int32") - 1
        places = keras.ops.arange(keras.ops.shape(inputs)[1])[None, :, None]
        # a product with one-hot places: a gather would lose the static shape
        final = keras.ops.sum(
            inputs * keras.ops.cast(places == last[:, None], inputs.dtype), 1
        )
        low = keras.ops.where(real > 0, inputs, -1e4)
        most = keras.ops.where(last >= 0, keras.ops.max(low, 1), 0.0)
        return keras.ops.concatenate(
            [final, most, keras.ops.sum(inputs * real, 1) / count], 1
        )
