"""What several parts on one encoder cost: a step of learning, and an answer.

Usage: python tools/benchmark/multitask.py [--parts=4] > result.json

Learning: a step of one MobileNetV2 with k heads and masked losses, against the sum of
a step of the encoder alone (its vector pulled to zero) and a step of each head alone
(on vectors). Answering: k networks of one head, one after another, against one
network with k heads, both on the same batch. All sides run in every round.
"""

import argparse

import _timing


def main():
    flags = _flags()
    step, answer = _steps(flags), _answers(flags)
    sides = {**step, **answer}
    _timing.rounds(sides, 1)  # tracing
    taken = _timing.rounds(sides, flags.rounds).wall
    apart = [sum(pair) for pair in zip(taken["trunk"], taken["heads"], strict=True)]
    _timing.report(
        benchmark="multitask",
        backbone="mobilenet_v2/full",
        side=flags.side,
        batch=flags.batch,
        parts=flags.parts,
        seconds={name: _timing.spread(times, 4) for name, times in taken.items()},
        joint_step_over_its_passes=_timing.ratios(taken["joint"], apart),
        times_faster_answers=_timing.ratios(taken["separate"], taken["shared"]),
        aim={"joint_step_over_its_passes": 1.15, "times_faster": 0.8 * flags.parts},
    )


def _flags():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--side", type=int, default=160)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args()


def _network(flags, count):
    from tltf import config
    from tltf.training import network

    part = {"task": "image_class", "data": {"source": "folder:none"}}
    names = [f"part{number}" for number in range(count)]
    raw = {
        "method": "multitask",
        "backbone": "mobilenet_v2/full",
        "weights": "none",
        "parts": [{**part, "name": name} for name in names],
        "image": {"side": flags.side},
    }
    recipe = config.override(raw, {}, where="benchmark")
    tops = [
        network.Top(head=one.head, outputs=flags.classes, name=one.name)
        for one in recipe.parts
    ]
    return network.joined(recipe, tops), names


def _steps(flags):
    import keras
    import numpy as np
    import tensorflow as tf

    built, names = _network(flags, flags.parts)
    random = np.random.default_rng(0)
    side = (flags.batch, flags.side, flags.side, 3)
    images = {"image": tf.constant(random.uniform(0, 255, side), tf.float32)}
    picked = random.integers(0, flags.classes, (flags.parts, flags.batch))
    targets = {
        name: tf.one_hot(row, flags.classes)
        for name, row in zip(names, picked, strict=True)
    }
    # a third of the labels is not there, as in a manifest with empty cells
    weights = {
        name: tf.constant((random.random(flags.batch) > 0.3).astype(np.float32))
        for name in names
    }
    vector = tf.constant(random.normal(size=(flags.batch, 1280)), tf.float32)
    trunk = keras.Model(built.encoder.input, built.encoder.output["vector"])
    alone = [_one_head(flags, name) for name in names]
    joint = _learn(built.model, _masked(names), (images, targets, weights))
    encoder = _learn(trunk, _pull, (images, vector, weights[names[0]]))
    heads = [
        _learn(head, _masked([name]), (vector, targets, weights))
        for head, name in zip(alone, names, strict=True)
    ]
    return {"joint": joint, "trunk": encoder, "heads": lambda: [h() for h in heads]}


def _one_head(flags, name):
    import keras

    vector = keras.Input([1280], name="vector")
    logits = keras.layers.Dense(flags.classes, name=f"alone_{name}")(vector)
    return keras.Model(vector, {name: logits})


def _masked(names):
    from tltf.tasks import image_class
    from tltf.training import joint

    def record_loss(targets, logits):
        return image_class.loss(targets, logits, smoothing=0.0, gamma=0.0)

    return joint.masked(dict.fromkeys(names, record_loss))


def _pull(targets, outputs, weights):
    import tensorflow as tf

    return [tf.reduce_mean(outputs * targets)], [tf.constant(1.0)]


def _learn(model, loss, batch):
    import keras
    import tensorflow as tf

    from tltf.training import balance, loop

    optimizer = keras.optimizers.Adam(1e-4)
    optimizer.build(model.trainable_weights)
    parts = len(model.output) if isinstance(model.output, dict) else 1
    learner = loop.Learner(
        model=model,
        optimizer=optimizer,
        weights=model.trainable_weights,
        loss=loss,
        balance=balance.Sum(parts),
        averages=[],
        momentum=0.0,
        steps=tf.Variable(0, dtype=tf.int64),
    )
    spec = tf.nest.map_structure(lambda t: tf.TensorSpec(t.shape, t.dtype), batch)
    step = loop.step(learner)(spec)
    return lambda: [part.numpy() for part in step(*batch)]


def _answers(flags):
    import numpy as np
    import tensorflow as tf

    side = (flags.batch, flags.side, flags.side, 3)
    pixels = np.random.default_rng(1).uniform(0, 255, side)
    images = {"image": tf.constant(pixels, tf.float32)}
    shared = _graph(_network(flags, flags.parts)[0].model, images)
    separate = [_graph(_network(flags, 1)[0].model, images) for _ in range(flags.parts)]
    return {"shared": shared, "separate": lambda: [one() for one in separate]}


def _graph(model, images):
    import tensorflow as tf

    run = tf.function(lambda given: model(given, training=False))
    return lambda: tf.nest.map_structure(lambda found: found.numpy(), run(images))


if __name__ == "__main__":
    main()
