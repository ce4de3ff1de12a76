"""Training tokens per second of an AWD-LSTM against keras.layers.LSTM of its size.

Usage: python tools/benchmark/awd_lstm.py > result.json

Both sides are the same stack (embedding, LSTM layers, softmax tied by the same
matrix product, Adam under a clipped norm) on the same random ids; Keras's has no
DropConnect, no other dropout and no activation regularisation. Every round runs
both in one process. `--words` is small by default, so that the softmax, which is
the same on both sides, does not hide the layers.
"""

import argparse

import _timing


def main():
    flags = _flags()
    results = {}
    for name, sizes in (("small", (144, 320, 2)), ("full", (400, 1152, 3))):
        if name in flags.sizes.split(","):
            results[name] = _speed(flags, dict(zip(_NAMES, sizes, strict=True)))
    shape = {"batch": flags.batch, "steps": flags.steps, "words": flags.words}
    _timing.report(benchmark="awd_lstm", **shape, speed=results)


_NAMES = ("embedding", "hidden", "layers")


def _flags():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="small,full")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=70)
    parser.add_argument("--words", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=9)
    return parser.parse_args()


def _speed(flags, shape):
    import numpy as np
    import tensorflow as tf

    random = np.random.default_rng(0)
    ids = random.integers(0, flags.words, (flags.batch, flags.steps + 1))
    tokens = tf.constant(ids.astype(np.int32))
    sides = {"tltf": _ours(flags, shape, tokens), "keras": _keras(flags, shape, tokens)}
    _timing.rounds(sides, 1)  # tracing
    taken = _timing.rounds(sides, flags.rounds)
    count = flags.batch * flags.steps
    speeds = {
        name: _timing.spread([count / t for t in times], 0)
        for name, times in taken.wall.items()
    }
    return {
        **shape,
        "tokens_per_second": speeds,
        "times_keras": _timing.ratios(taken.wall["keras"], taken.wall["tltf"]),
        "times_keras_by_cpu": _timing.ratios(taken.cpu["keras"], taken.cpu["tltf"]),
    }


def _ours(flags, shape, tokens):
    import types

    import keras

    from tltf.pretraining import _step, awd_lstm
    from tltf.text import awd_lstm as networks

    network = networks.model(flags.words, shape=shape)
    plan = types.SimpleNamespace(
        network=network,
        shape=shape,
        weights=network.trainable_weights,
        optimizer=keras.optimizers.Adam(1e-3, global_clipnorm=0.3),
        settings=awd_lstm.Settings(batch=flags.batch),
    )
    plan.optimizer.build(plan.weights)
    step, carried = _step.learner(plan), networks.states(flags.batch, shape)
    return lambda: float(step(tokens, carried)[0])


def _keras(flags, shape, tokens):
    import keras
    import tensorflow as tf

    from tltf.text import language_model

    table = keras.layers.Embedding(flags.words, shape["embedding"])
    stack = [
        keras.layers.LSTM(units, return_sequences=True)
        for _, units in language_model.sizes(**shape)
    ]
    ids = keras.Input([None], dtype="int32")
    sequence = table(ids)
    for layer in stack:
        sequence = layer(sequence)
    network = keras.Model(ids, sequence)
    optimizer = keras.optimizers.Adam(1e-3, global_clipnorm=0.3)
    optimizer.build(network.trainable_weights)

    @tf.function
    def step(tokens):
        weights = [weight.value for weight in network.trainable_weights]
        with tf.GradientTape() as tape:
            found = network(tokens[:, :-1], training=True)
            flat = tf.reshape(found, [-1, shape["embedding"]])
            logits = tf.matmul(flat, table.embeddings.value, transpose_b=True)
            targets = tf.reshape(tokens[:, 1:], [-1])
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
            loss = tf.reduce_mean(losses)
        found = [tf.convert_to_tensor(g) for g in tape.gradient(loss, weights)]
        optimizer.apply(found, network.trainable_weights)
        return loss

    return lambda: float(step(tokens))


if __name__ == "__main__":
    main()
