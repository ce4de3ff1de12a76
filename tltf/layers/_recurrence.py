"""The loop of an LSTM over time, with a gradient of its own."""

import tensorflow as tf


def run(
    given: tf.Tensor, recurrent: tf.Tensor, h: tf.Tensor, c: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns (outputs `[t, b, u]`, last h, last c) of an LSTM; keeps no gates.

    Args:
      given: Input's share of the gates with the bias, float `[t, b, 4 u]`, in
        the order input, forget, candidate, output.
      recurrent: Float `[u, 4 u]`.
      h: Output before the first step, float `[b, u]`.
      c: Cell before the first step, float `[b, u]`.
    """
    steps, rows = tf.shape(given)[0], _row(given)

    def step(t, h, c, outputs):
        _, h, c = _cell(rows.read(t), recurrent, h, c)
        return t + 1, h, c, outputs.write(t, h)

    start = [0, h, c, tf.TensorArray(given.dtype, steps)]
    _, h, c, outputs = tf.while_loop(
        lambda t, *_: t < steps, step, start, parallel_iterations=1
    )
    return tf.ensure_shape(outputs.stack(), given.shape[:2] + h.shape[-1:]), h, c


def learn(
    given: tf.Tensor, recurrent: tf.Tensor, h: tf.Tensor, c: tf.Tensor, *, chunk: int
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns what `run` does, with a gradient of its own.

    That of `recurrent` is one product after the loop instead of one a step added
    up, which automatic differentiation would make of it.

    Args:
      given: As of `run`, and so the next three.
      recurrent: Float `[u, 4 u]`.
      h: Float `[b, u]`.
      c: Float `[b, u]`.
      chunk: No gradient flows back over each `chunk`-th step's border; 0 for
        none.
    """

    @tf.custom_gradient
    def unrolled(given, recurrent, h, c):
        gates, outputs, cells = _forward(given, recurrent, h, c)

        def gradient(d_outputs, d_h, d_c):
            before = _shifted(cells, c)
            d_given, d_first, d_cell = _backward(
                gates, (before, cells), recurrent, (d_outputs, d_h, d_c), chunk
            )
            earlier = _shifted(outputs, h)
            d_recurrent = tf.matmul(_flat(earlier), _flat(d_given), transpose_a=True)
            return d_given, d_recurrent, d_first, d_cell

        last = [tf.concat([a[None], b], 0)[-1] for a, b in ((h, outputs), (c, cells))]
        return (outputs, *last), gradient

    return unrolled(given, recurrent, h, c)


def _flat(values: tf.Tensor) -> tf.Tensor:
    return tf.reshape(values, [-1, tf.shape(values)[-1]])


def _shifted(values: tf.Tensor, first: tf.Tensor) -> tf.Tensor:
    return tf.concat([first[None], values], 0)[:-1]


def _row(values: tf.Tensor) -> tf.TensorArray:
    array = tf.TensorArray(values.dtype, tf.shape(values)[0])
    return array.unstack(values)


def _cell(given, recurrent, h, c):
    i, f, g, o = tf.split(given + tf.matmul(h, recurrent), 4, 1)
    parts = i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
    c = f * c + i * g
    return parts, o * tf.tanh(c), c


def _forward(given, recurrent, h, c):
    steps, rows = tf.shape(given)[0], _row(given)
    made = [tf.TensorArray(given.dtype, steps) for _ in range(3)]

    def step(t, h, c, gates, outputs, cells):
        parts, h, c = _cell(rows.read(t), recurrent, h, c)
        gates = gates.write(t, tf.concat(parts, 1))
        return t + 1, h, c, gates, outputs.write(t, h), cells.write(t, c)

    found = tf.while_loop(
        lambda t, *_: t < steps, step, [0, h, c, *made], parallel_iterations=1
    )
    shapes = (given.shape, *[given.shape[:2] + h.shape[-1:]] * 2)
    stacked = [array.stack() for array in found[3:]]
    return [tf.ensure_shape(s, shape) for s, shape in zip(stacked, shapes, strict=True)]


def _backward(gates, cells, recurrent, flows, chunk):
    d_outputs, d_h, d_c = flows
    steps = tf.shape(gates)[0]
    read = [_row(values) for values in (gates, *cells, d_outputs)]
    turned = tf.transpose(recurrent)

    def step(t, d_h, d_c, made):
        (i, f, g, o), (before, cell) = (
            tf.split(read[0].read(t), 4, 1),
            (
                read[1].read(t),
                tf.tanh(read[2].read(t)),
            ),
        )
        d_h += read[3].read(t)
        d_c += d_h * o * (1 - cell * cell)
        parts = (
            d_c * g * i * (1 - i),
            d_c * before * f * (1 - f),
            d_c * i * (1 - g * g),
            d_h * cell * o * (1 - o),
        )
        d_gates = tf.concat(parts, 1)
        d_h, d_c = tf.matmul(d_gates, turned), d_c * f
        if chunk:
            open_ = tf.cast((t % chunk != 0) | (t == 0), d_h.dtype)
            d_h, d_c = d_h * open_, d_c * open_
        return t - 1, d_h, d_c, made.write(t, d_gates)

    start = [steps - 1, d_h, d_c, tf.TensorArray(gates.dtype, steps)]
    _, d_h, d_c, made = tf.while_loop(
        lambda t, *_: t >= 0, step, start, parallel_iterations=1
    )
    return made.stack(), d_h, d_c
