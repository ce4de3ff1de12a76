"""Tokens per second of ELMo: tltf against plain PyTorch and plain Keras layers.

Usage: python tools/benchmark/elmo.py [--text=FILE] > result.json

All sides have the 13.6 million weights of the small published configuration, the
same ones, drawn at random, and give the three layers of the same batches; what they
give is compared before they are timed. Plain means as one would write it down: every
token's 50 characters through every convolution, an LSTM cell step by step over
each sentence in a padded batch. Text is that of FILE, split on spaces, or words
drawn by a law of Zipf's kind that has them repeated as in the Brown corpus, where
800 tokens on end hold a median of 367 different ones. Without PyTorch that side is
left out, and the result says so.
"""

import argparse
import os

import _timing
import numpy as np

CLIP = 3.0
EXPONENT = 1.19  # of the ranks in drawn text; 1 would repeat words less than English
# Threads of PyTorch that wait by spinning take the cores from all others, and on a
# machine that is not idle made it several times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def main():
    flags = _flags()
    batches = _batches(flags)
    sides, left_out = {"tltf": None, "keras": None}, {}
    arrays, sides["tltf"] = _tltf()
    sides["keras"] = _keras(arrays)
    try:
        sides["torch"] = _torch(arrays)
    except ImportError as error:
        left_out["torch"] = str(error)
    differ = _compare(sides, batches[0])
    runs = {
        name: (lambda run=run: [run(batch) for batch in batches])
        for name, run in sides.items()
    }
    _timing.rounds(runs, 1)  # tracing
    taken = _timing.rounds(runs, flags.rounds)
    tokens = sum(int((batch > 0).any(-1).sum()) for batch in batches)
    _timing.report(
        benchmark="elmo",
        parameters=13_593_296,
        text=flags.text or "drawn by Zipf's law",
        batches=[list(batch.shape[:2]) for batch in batches],
        tokens=tokens,
        different_tokens_a_batch=_timing.spread([_distinct(b) for b in batches], 0),
        tokens_per_second={
            name: _timing.spread([tokens / t for t in times], 0)
            for name, times in taken.wall.items()
        },
        times_faster={
            name: _timing.ratios(times, taken.wall["tltf"])
            for name, times in taken.wall.items()
            if name != "tltf"
        },
        times_less_cpu={
            name: _timing.ratios(times, taken.cpu["tltf"])
            for name, times in taken.cpu.items()
            if name != "tltf"
        },
        largest_difference=differ,
        left_out=left_out,
    )


def _flags():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", default="", help="UTF-8; drawn by default")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--length", type=int, default=25)
    parser.add_argument("--batches", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args()


def _batches(flags):
    """Sentences of `length` tokens on end, each batch from elsewhere in the text."""
    from tltf.ops import characters

    words = _words(flags)
    size, found = flags.batch * flags.length, []
    for number in range(flags.batches):
        start = number * (len(words) - size) // max(flags.batches - 1, 1)
        part = np.array(words[start : start + size], object)
        found.append(characters.batch(part.reshape(flags.batch, flags.length).tolist()))
    return found


def _words(flags):
    if flags.text:
        with open(flags.text, encoding="utf-8") as file:
            return file.read().split()
    random = np.random.default_rng(0)
    letters = [chr(97 + k) for k in range(26)]
    known = [
        "".join(random.choice(letters, max(1, round(random.normal(2 + n**0.2, 2)))))
        for n in range(30_000)
    ]
    shares = (np.arange(len(known)) + 2.7) ** -EXPONENT
    drawn = random.choice(len(known), 100_000, p=shares / shares.sum())
    return [known[k] for k in drawn]


def _distinct(batch):
    return len(np.unique(batch.reshape(-1, 50), axis=0))


def _compare(sides, batch):
    wanted = sides["tltf"](batch)
    found = {
        name: max(np.abs(a - b).max() for a, b in zip(run(batch), wanted, strict=True))
        for name, run in sides.items()
        if name != "tltf"
    }
    for name, most in found.items():
        if most > 1e-4:
            raise SystemExit(f"{name} gives something else: {most}")
    return {name: float(most) for name, most in found.items()}


def _tltf():
    import keras
    import tensorflow as tf

    from tltf.backbones import elmo as backbone
    from tltf.text import elmo, elmo_weights

    keras.utils.set_random_seed(0)
    options = backbone.VARIANTS["small"].arguments["options"]
    model = elmo.load_elmo(options, None)
    found = elmo_weights.variables(model, options)
    sizes = elmo_weights.shapes(options)
    arrays = {key: v.numpy().reshape(sizes[key]) for key, v in found.items()}

    @tf.function(reduce_retracing=True)
    def graph(chars):
        return model({"chars": chars})

    def run(batch):
        out = graph(tf.constant(batch))
        return [out[k].numpy() for k in ("word_emb", "lstm_outputs1", "lstm_outputs2")]

    return arrays, run


def _marked(batch):
    """The batch with marks of begin and end; its sentences are all of one length."""
    from tltf.ops import characters

    begin, end = characters.ids(["<S>", "</S>"])
    ends = [np.broadcast_to(row, (len(batch), 1, 50)) for row in (begin, end)]
    return np.concatenate([ends[0], batch, ends[1]], 1)


def _cells(arrays):
    """Input matrix, recurrent matrix, bias with 1 for the forget gate, projection."""
    found = {}
    for way in (0, 1):
        for depth in (0, 1):
            cell = f"RNN_{way}/RNN/MultiRNNCell/Cell{depth}/LSTMCell"
            matrix, bias = arrays[f"{cell}/W_0"], arrays[f"{cell}/B"].copy()
            size = len(matrix) - arrays[f"{cell}/W_P_0"].shape[1]
            bias[len(bias) // 2 : len(bias) * 3 // 4] += 1
            enter, recur = matrix[:size], matrix[size:]
            found[way, depth] = enter, recur, bias, arrays[f"{cell}/W_P_0"]
    return found


def _keras(arrays):
    """Conv1D, max, Dense, and an RNN over a cell with keras.layers alone."""
    import keras
    import tensorflow as tf

    class Cell(keras.layers.Layer):
        def __init__(self, weights):
            super().__init__()
            self.parts = [keras.Variable(w, trainable=False) for w in weights]
            dim, out = weights[3].shape
            self.state_size, self.output_size = [dim, out], out

        def call(self, x, states):
            cell, output = states
            enter, recur, bias, leave = self.parts
            gates = keras.ops.matmul(x, enter) + keras.ops.matmul(output, recur) + bias
            i, j, f, o = keras.ops.split(gates, 4, -1)
            cell = keras.ops.sigmoid(f) * cell + keras.ops.sigmoid(i) * keras.ops.tanh(
                j
            )
            cell = keras.ops.clip(cell, -CLIP, CLIP)
            output = keras.ops.matmul(
                keras.ops.sigmoid(o) * keras.ops.tanh(cell), leave
            )
            output = keras.ops.clip(output, -CLIP, CLIP)
            return output, [cell, output]

    def dense(x, name, activation=None):
        matrix, bias = (
            arrays[f"{name[0]}/W_{name[1]}"],
            arrays[f"{name[0]}/b_{name[1]}"],
        )
        layer = keras.layers.Dense(matrix.shape[1], activation=activation)
        layer.build(x.shape)
        layer.set_weights([matrix, bias])
        return layer(x)

    chars = keras.Input((None, 50), dtype="int32")
    table = np.concatenate([np.zeros((1, 16), np.float32), arrays["char_embed"]])
    embedding = keras.layers.Embedding(262, 16)
    embedding.build(None)
    embedding.set_weights([table])
    flat = keras.ops.reshape(embedding(chars), [-1, 50, 16])
    parts = []
    for index in range(7):
        kernel = arrays[f"CNN/W_cnn_{index}"][0]
        layer = keras.layers.Conv1D(kernel.shape[-1], len(kernel), activation="relu")
        layer.build((None, 50, 16))
        layer.set_weights([kernel, arrays[f"CNN/b_cnn_{index}"]])
        parts.append(keras.layers.GlobalMaxPooling1D()(layer(flat)))
    x = keras.layers.Concatenate()(parts)
    gate = dense(x, ("CNN_high_0", "carry"), "sigmoid")
    x = gate * dense(x, ("CNN_high_0", "transform"), "relu") + (1 - gate) * x
    x = dense(x, ("CNN_proj", "proj"))
    rows = keras.layers.Lambda(
        lambda pair: tf.reshape(pair[0], [-1, tf.shape(pair[1])[1], 128]),
        output_shape=(None, 128),
    )
    x = rows([x, chars])
    cells, outputs, below = _cells(arrays), [x], [x, x]
    for depth in (0, 1):
        for way in (0, 1):
            cell = Cell(cells[way, depth])
            rnn = keras.layers.RNN(cell, return_sequences=True, go_backwards=bool(way))
            y = rnn(below[way])
            y = keras.ops.flip(y, 1) if way else y
            below[way] = y + below[way] if depth else y
        outputs.append(keras.layers.Concatenate()(below))
    model = keras.Model(chars, outputs)

    @tf.function(reduce_retracing=True)
    def graph(ids):
        return model(ids)

    def run(batch):
        return [y[:, 1:-1].numpy() for y in graph(tf.constant(_marked(batch)))]

    return run


def _torch(arrays):
    """The same in PyTorch, its cell a loop in Python."""
    import torch
    from torch.nn import functional

    given = {
        key: torch.from_numpy(np.ascontiguousarray(v)) for key, v in arrays.items()
    }
    table = torch.cat([torch.zeros(1, 16), given["char_embed"]])
    kernels = [
        given[f"CNN/W_cnn_{k}"][0].permute(2, 1, 0).contiguous() for k in range(7)
    ]
    cells = {
        place: [torch.from_numpy(np.ascontiguousarray(part)) for part in parts]
        for place, parts in _cells(arrays).items()
    }

    def words(chars):
        shown = functional.embedding(chars.reshape(-1, 50), table).transpose(1, 2)
        parts = [
            torch.relu(functional.conv1d(shown, w, given[f"CNN/b_cnn_{k}"]).amax(2))
            for k, w in enumerate(kernels)
        ]
        x = torch.cat(parts, 1)
        gate, new = (
            x @ given[f"CNN_high_0/W_{n}"] + given[f"CNN_high_0/b_{n}"]
            for n in ("carry", "transform")
        )
        gate = torch.sigmoid(gate)
        x = gate * torch.relu(new) + (1 - gate) * x
        x = x @ given["CNN_proj/W_proj"] + given["CNN_proj/b_proj"]
        return x.reshape(*chars.shape[:2], -1)

    def lstm(x, weights):
        enter, recur, bias, leave = weights
        cell = torch.zeros(len(x), leave.shape[0])
        output, found = torch.zeros(len(x), leave.shape[1]), []
        for time in range(x.shape[1]):
            gates = x[:, time] @ enter + output @ recur + bias
            i, j, f, o = gates.chunk(4, 1)
            cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(j)
            cell = cell.clamp(-CLIP, CLIP)
            output = ((torch.sigmoid(o) * torch.tanh(cell)) @ leave).clamp(-CLIP, CLIP)
            found.append(output)
        return torch.stack(found, 1)

    def run(batch):
        with torch.inference_mode():
            x = words(torch.from_numpy(_marked(batch).astype(np.int64)))
            outputs, below = [x], [x, x.flip(1)]
            for depth in (0, 1):
                for way in (0, 1):
                    y = lstm(below[way], cells[way, depth])
                    below[way] = y + below[way] if depth else y
                outputs.append(torch.cat([below[0], below[1].flip(1)], 2))
            return [y[:, 1:-1].numpy() for y in outputs]

    return run


if __name__ == "__main__":
    main()
