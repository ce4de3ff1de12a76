"""A recurrent network as a function of its states."""

from collections.abc import Sequence

import tensorflow as tf


def projected_lstm(
    gates: Sequence[tf.Tensor],
    state: tuple[tf.Tensor, tf.Tensor],
    weights: tuple[tf.Tensor, tf.Tensor | None],
    *,
    clips: tuple[float | None, float | None] = (None, None),
    mask: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tuple[tf.Tensor, tf.Tensor]]:
    """Returns the outputs `[time, batch, out]` and the last state.

    Args:
      gates: What the inputs give to each gate, its bias in it, in the order input,
        candidate, forget, output, each `[time, batch, dim]`.
      state: Cell `[batch, dim]` and output `[batch, out]` before the first step.
      weights: Recurrent matrix `[out, 4 * dim]`, the gates in the same order, and
        projection `[dim, out]` or None, when `out` is `dim`.
      clips: Greatest absolute value of the cell and of the projected output.
      mask: Bool `[time, batch]`: where it is false the state stays; the output
        there is that of the last true step. None for true everywhere.

    Source: Sak et al. 2014 (projection); bilm-tf for the place of the clips.
    """
    steps, kind = tf.shape(gates[0])[0], gates[0].dtype
    # a product for each gate costs less than to split that of all
    recurrent = tf.split(weights[0], 4, -1)
    shown = [tf.TensorArray(kind, steps).unstack(gate) for gate in gates]
    wanted = tf.TensorArray(kind, steps, element_shape=state[1].shape)

    def step(time, cell, output, outputs):
        given = [
            gate.read(time) + output @ matrix
            for gate, matrix in zip(shown, recurrent, strict=True)
        ]
        new = _step(given, cell, weights[1], clips)
        if mask is not None:
            live = mask[time][:, tf.newaxis]
            new = tf.where(live, new[0], cell), tf.where(live, new[1], output)
        return time + 1, *new, outputs.write(time, new[1])

    _, cell, output, outputs = tf.while_loop(
        lambda time, *_: time < steps,
        step,
        (0, *state, wanted),
        maximum_iterations=steps,
    )
    return outputs.stack(), (cell, output)


def _step(gates, cell, projection, clips):
    """Returns the cell and the output after one step."""
    enter, candidate, keep, leave = gates
    cell = tf.sigmoid(keep) * cell + tf.sigmoid(enter) * tf.tanh(candidate)
    cell = _clip(cell, clips[0])
    output = tf.sigmoid(leave) * tf.tanh(cell)
    if projection is not None:
        output = _clip(output @ projection, clips[1])
    return cell, output


def _clip(values, most):
    return values if most is None else tf.clip_by_value(values, -most, most)
