"""A layer of the language model under ELMo."""

import keras
import tensorflow as tf

from tltf.ops import recurrence


@keras.saving.register_keras_serializable(package="tltf")
class ProjectedLSTM(keras.layers.Layer):
    """An LSTM whose outputs are projected, with bounds on cells and outputs.

    Takes float `[batch, tokens, in]` and a bool mask `[batch, tokens]`, true up to
    each row's end; gives float `[batch, tokens, out]`, zeros behind the end.

    Args:
      dim: Cells.
      projection: Length of an output, or None for no projection.
      clips: Greatest absolute value of a cell, and of a projected output; None
        for none.
      skip: Add the input to the output; the state goes without it.
      backward: Go from each row's last token to its first.
      carry: Start row r from where row r of the last batch with so many rows
        ended; from zeros otherwise, and after `reset`. Not saved in files.

    Source: Sak et al. 2014; ELMo (Peters et al. 2018). Gates stand in the order
      input, candidate, forget, output; the forget gate's bias has 1 added at run
      time.
    """

    def __init__(
        self,
        dim,
        *,
        projection=None,
        clips=(None, None),
        skip=False,
        backward=False,
        carry=False,
        **keywords,
    ):
        super().__init__(**keywords)
        self.dim, self.projection = dim, projection
        self.clips = tuple(clips)
        self.skip, self.backward, self.carry = skip, backward, carry
        self.supports_jit = False  # compiled loops are traced anew for each length

    def get_config(self):
        """Returns the arguments."""
        names = ("dim", "projection", "clips", "skip", "backward", "carry")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def build(self, x_shape, mask_shape=None):
        """Makes the weights, and with `carry` the state."""
        gates, rows = 4 * self.dim, x_shape[-1] + self._out
        self.kernel = self.add_weight((rows, gates), "glorot_uniform", name="kernel")
        self.bias = self.add_weight((gates,), "zeros", name="bias")
        self.leave = None
        if self.projection:
            size = (self.dim, self.projection)
            self.leave = self.add_weight(size, "glorot_uniform", name="projection")
        self._state = None
        if self.carry:
            with tf.init_scope():
                self._state = [self._empty(self.dim), self._empty(self._out)]

    def call(self, x, mask):
        """Returns the outputs."""
        lengths = tf.reduce_sum(tf.cast(mask, tf.int32), 1)
        turned = tf.reverse_sequence(x, lengths, 1) if self.backward else x
        start = self._start(tf.shape(x)[0], x.dtype)
        # what comes behind a row's end is dropped, unless its state is kept
        y, last = self.advance(turned, start, mask if self.carry else None)
        if self.carry:
            self._keep(last)
        y = tf.where(mask[..., tf.newaxis], y, 0)
        y = tf.reverse_sequence(y, lengths, 1) if self.backward else y
        return x + y if self.skip else y

    def compute_output_spec(self, x, mask):
        """Returns shape and type of the outputs."""
        return keras.KerasTensor((*x.shape[:-1], self._out), self.compute_dtype)

    def zeros(self, rows, dtype=tf.float32):
        """Returns the state before a text begins, of `rows` texts."""
        return tuple(tf.zeros([rows, n], dtype) for n in (self.dim, self._out))

    def reset(self):
        """Starts the next batch from zeros."""
        for kept in self._state or ():
            kept.assign(kept[:0])

    def advance(self, x, start, mask=None):
        """Returns the outputs and the last state, from first to last as x stands.

        Args:
          x: Float `[batch, tokens, in]`.
          start: Cell `[batch, dim]` and output `[batch, out]` before the first.
          mask: Bool `[batch, tokens]`; where false the state stays. None for true.
        """
        kernel = tf.convert_to_tensor(self.kernel)
        leave = None if self.leave is None else tf.convert_to_tensor(self.leave)
        size = x.shape[-1]
        y, last = recurrence.projected_lstm(
            self._given(x, kernel[:size]),
            start,
            (kernel[size:], leave),
            clips=self.clips,
            mask=None if mask is None else tf.transpose(mask),
        )
        return tf.transpose(y, [1, 0, 2]), last

    def _given(self, x, enter):
        """Returns the inputs' share of each gate, `[tokens, batch, dim]`."""
        time_first = tf.transpose(x, [1, 0, 2])
        shape = tf.concat([tf.shape(time_first)[:2], [self.dim]], 0)
        flat = tf.reshape(time_first, [-1, x.shape[-1]])
        biases = tf.split(tf.convert_to_tensor(self.bias), 4)
        biases[2] += 1  # of the forget gate
        # all steps' inputs in one product of matrices, outside of the loop
        return [
            tf.reshape(tf.nn.bias_add(flat @ matrix, bias), shape)
            for matrix, bias in zip(tf.split(enter, 4, -1), biases, strict=True)
        ]

    def _start(self, rows, dtype):
        if not self.carry:
            return self.zeros(rows, dtype)
        starts = []
        for kept in self._state:
            known = tf.cast(kept[:rows], dtype)
            start = tf.pad(known, [[0, rows - tf.shape(known)[0]], [0, 0]])
            starts.append(tf.ensure_shape(start, [None, kept.shape[-1]]))
        return tuple(starts)

    def _keep(self, last):
        for kept, new in zip(self._state, last, strict=True):
            new = tf.cast(tf.stop_gradient(new), kept.dtype)
            kept.assign(tf.concat([new, kept[tf.shape(new)[0] :]], 0))

    def _empty(self, size):
        shape = tf.TensorShape([None, size])
        return tf.Variable(tf.zeros([0, size]), trainable=False, shape=shape)

    @property
    def _out(self):
        return self.projection or self.dim
