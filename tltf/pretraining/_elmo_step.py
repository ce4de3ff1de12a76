"""One step of a two-direction language model, and its score on held-out text."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

WAYS = ("forward", "backward")
_LOGITS = 2**25  # numbers of one step of scoring


class Network:
    """ELMo's layers with a softmax over words on top, the same for both directions.

    Args:
      model: Of `load_elmo`.
      depth: LSTMs on each other.
      softmax: Matrix `[words, P]` and bias `[words]` to start from.
      chars: Character ids of each type, uint16 `[types, 50]`.
    """

    def __init__(self, model, depth: int, softmax: Sequence, chars: np.ndarray):
        self.characters = model.get_layer("characters")
        self.stacks = {
            way: [model.get_layer(f"lstm_{way}_{k + 1}") for k in range(depth)]
            for way in WAYS
        }
        self.softmax, self.bias = (tf.Variable(x, dtype=tf.float32) for x in softmax)
        self._chars = tf.constant(chars)

    def states(self, rows: int) -> dict[str, tf.Tensor]:
        """Returns what is carried into the first step of `rows` texts."""
        found = {}
        for way, stack in self.stacks.items():
            for depth, lstm in enumerate(stack):
                for part, zeros in zip("ch", lstm.zeros(rows), strict=True):
                    found[f"{way}_{depth}_{part}"] = zeros
        return found

    def specs(self) -> tuple[tf.TensorSpec, dict[str, tf.TensorSpec]]:
        """Returns what a traced step takes: ids of `Streams`, and states."""
        carried = {
            name: tf.TensorSpec([None, state.shape[1]], state.dtype)
            for name, state in self.states(1).items()
        }
        return tf.TensorSpec([4, None, None], tf.int32), carried

    def outputs(self, types: tf.Tensor, carried: dict, drop: Callable) -> tuple:
        """Returns what the top of each direction says, and what to carry on.

        Args:
          types: Int32 `[2, rows, steps]`, forwards and backwards.
          carried: Of `states`, or of the step before.
          drop: Function on what an LSTM reads, and on the outputs.

        Returns:
          Float `[2, rows, steps, P]` and a dict as `carried`.
        """
        _, rows, steps = tf.unstack(tf.shape(types))
        chars = tf.cast(tf.gather(self._chars, types), tf.int32)
        # one call, so that a word of both directions is encoded once
        both = self.characters(tf.reshape(chars, [2 * rows, steps, chars.shape[-1]]))
        tops, kept = [], {}
        for way, x in zip(WAYS, tf.split(both, 2), strict=True):
            for depth, lstm in enumerate(self.stacks[way]):
                names = [f"{way}_{depth}_{part}" for part in "ch"]
                shown = drop(x)
                y, last = lstm.advance(shown, tuple(carried[n] for n in names))
                x = y + shown if lstm.skip else y
                kept |= dict(zip(names, last, strict=True))
            tops.append(drop(x))
        return tf.stack(tops), kept


def learner(network: Network, weights: Sequence, slots: Sequence, chosen) -> Callable:
    """Returns a function of (ids, carried, samples, tries, seed) to (loss, carried).

    Args:
      network: What learns.
      weights: Its TensorFlow variables that learn.
      slots: A variable of the same shape for each: Adagrad's sums of squares.
      chosen: `rate`, `clip`, `dropout`, `unroll`, `samples`.

    The function's `ids` are int32 `[4, rows, steps]` of `Streams`; `samples` the
    words drawn, all of them for a full softmax, with `tries` draws.
    """

    words = min(chosen.samples, network.softmax.shape[0])
    drawn = tf.TensorSpec([words], tf.int64), tf.TensorSpec([], tf.float32)
    number = tf.TensorSpec([], tf.int32)

    # nothing here is Python that AutoGraph, which is slow, would have to read
    @tf.function(input_signature=[*network.specs(), *drawn, number], autograph=False)
    def run(ids, carried, samples, tries, seed):
        calls = iter(range(100))

        def drop(x):
            if not chosen.dropout:
                return x
            key = tf.stack([seed, next(calls)])
            return tf.nn.experimental.stateless_dropout(x, chosen.dropout, key)

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            tops, kept = network.outputs(ids[:2], carried, drop)
            loss = _loss(network, tops, ids[2:], samples, tries)
            total = loss * chosen.unroll  # bilm-tf: rate and clip are made for it
        _adagrad(weights, slots, tape.gradient(total, weights), chosen)
        return loss, kept

    return run


def _loss(network, tops, targets, samples, tries):
    """Returns the mean over all steps of both directions."""
    words = network.softmax.shape[0]
    flat = tf.reshape(tops, [-1, tops.shape[-1]])
    labels = tf.cast(tf.reshape(targets, [-1, 1]), tf.int64)
    if samples.shape[0] == words:
        return tf.reduce_mean(_full(network, flat, labels[:, 0]))
    expected = [_expected(ids, words, tries) for ids in (labels, samples)]
    losses = tf.nn.sampled_softmax_loss(
        network.softmax,
        network.bias,
        labels,
        flat,
        num_sampled=samples.shape[0],
        num_classes=words,
        sampled_values=(samples, *expected),
    )
    return tf.reduce_mean(losses)


def _expected(ids, words, tries):
    """Returns how often a word is among the samples; see `_elmo_text.sample`."""
    rank = tf.cast(ids, tf.float32)
    chance = tf.math.log1p(1 / (rank + 1)) / np.log(words + 1).astype(np.float32)
    return -tf.math.expm1(tries * tf.math.log1p(-chance))


def _full(network, flat, labels):
    logits = tf.matmul(flat, network.softmax, transpose_b=True) + network.bias
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def _adagrad(weights, slots, gradients, chosen):
    """Duchi et al. 2011; rows of words that were not drawn stay as they are."""
    summed = [_summed(gradient) for gradient in gradients]
    clipped, _ = tf.clip_by_global_norm(summed, chosen.clip)
    for weight, slot, found in zip(weights, slots, clipped, strict=True):
        given = {"var": weight.handle, "accum": slot.handle, "lr": chosen.rate}
        if isinstance(found, tf.IndexedSlices):
            tf.raw_ops.ResourceSparseApplyAdagrad(
                **given, grad=found.values, indices=found.indices
            )
        else:
            tf.raw_ops.ResourceApplyAdagrad(**given, grad=found)


def _summed(gradient):
    """Returns a gradient whose rows stand once each, for norm and squares."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    rows, place = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, place, tf.size(rows))
    return tf.IndexedSlices(values, rows, gradient.dense_shape)


def scorer(network: Network, unroll: int) -> Callable[[np.ndarray, int], np.ndarray]:
    """Returns a function of (ids `[4, steps]`, rows) to both mean losses.

    The streams are cut into rows that are read side by side; every word is
    predicted once, from the text before it in its row, among all words.
    """

    ids, states = network.specs()
    inside = tf.TensorSpec([None, None], tf.float32)

    @tf.function(input_signature=[ids, inside, states], autograph=False)
    def run(ids, counted, carried):
        tops, kept = network.outputs(ids[:2], carried, lambda x: x)
        flat = tf.reshape(tops, [-1, tops.shape[-1]])
        losses = _full(network, flat, tf.reshape(ids[2:], [-1]))
        losses = tf.reshape(losses, tf.shape(ids[2:])) * counted
        return tf.reduce_sum(losses, [1, 2]), kept

    def score(ids: np.ndarray, rows: int) -> np.ndarray:
        most = _LOGITS // (2 * unroll * network.softmax.shape[0])
        rows = max(1, min(rows, ids.shape[1], most))
        width = -(-ids.shape[1] // rows)
        fill = rows * width - ids.shape[1]
        cut = np.pad(ids, [(0, 0), (0, fill)]).reshape(4, rows, width)
        inside = (np.arange(rows * width) < ids.shape[1]).reshape(rows, width)
        carried, total = network.states(rows), np.zeros(2)
        for start in range(0, width, unroll):
            part = slice(start, start + unroll)
            counted = tf.constant(inside[:, part], tf.float32)
            losses, carried = run(tf.constant(cut[..., part]), counted, carried)
            total += keras.ops.convert_to_numpy(losses)
        return total / ids.shape[1]

    return score
