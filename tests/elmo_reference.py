"""ELMo once more in NumPy, one token and one step at a time, in float64."""

import numpy as np


def random_arrays(options, seed=0, scale=0.4):
    """Returns the arrays of a weight file; `options` in the form of options.json."""
    random = np.random.default_rng(seed)
    cnn, lstm = options["char_cnn"], options["lstm"]
    e, out, dim = cnn["embedding"]["dim"], lstm["projection_dim"], lstm["dim"]
    wide = sum(number for _, number in cnn["filters"])
    shapes = {"char_embed": (261, e)}
    for i, (width, number) in enumerate(cnn["filters"]):
        shapes |= {f"CNN/W_cnn_{i}": (1, width, e, number), f"CNN/b_cnn_{i}": (number,)}
    for i in range(cnn.get("n_highway", 0)):
        for part in ("carry", "transform"):
            shapes[f"CNN_high_{i}/W_{part}"] = (wide, wide)
            shapes[f"CNN_high_{i}/b_{part}"] = (wide,)
    if wide != out:
        shapes |= {"CNN_proj/W_proj": (wide, out), "CNN_proj/b_proj": (out,)}
    for way in (0, 1):
        for depth in range(lstm["n_layers"]):
            cell = f"RNN_{way}/RNN/MultiRNNCell/Cell{depth}/LSTMCell"
            shapes |= {f"{cell}/W_0": (2 * out, 4 * dim), f"{cell}/B": (4 * dim,)}
            if dim != out:
                shapes[f"{cell}/W_P_0"] = (dim, out)
    return {k: random.normal(0, scale, s).astype(np.float32) for k, s in shapes.items()}


def activations(options, arrays, sentence, state=None):
    """Returns layers + 1 arrays `[tokens + 2, 2P]`, marks included, of id rows.

    `state` is a dict that carries the LSTMs from one call to the next.
    """
    begin, end = mark(257), mark(258)
    words = np.stack([word(options, arrays, row) for row in (begin, *sentence, end)])
    lstm = options["lstm"]
    found = [np.concatenate([words, words], 1)]
    below = [words, words[::-1]]
    for depth in range(lstm["n_layers"]):
        for way in (0, 1):
            cell = f"RNN_{way}/RNN/MultiRNNCell/Cell{depth}/LSTMCell"
            given, key = below[way], (way, depth)
            start = (state or {}).get(key)
            out, last = run(given, arrays, cell, lstm, start)
            if state is not None:
                state[key] = last
            skip = depth > 0 and lstm.get("use_skip_connections")
            below[way] = out + given if skip else out
        found.append(np.concatenate([below[0], below[1][::-1]], 1))
    return found


def mark(number):
    return np.array([259, number, 260] + 47 * [261])


def word(options, arrays, row):
    cnn = options["char_cnn"]
    none = np.zeros((1, cnn["embedding"]["dim"]))
    shown = np.concatenate([none, arrays["char_embed"]])[row]
    parts = []
    for i, (width, _) in enumerate(cnn["filters"]):
        kernel = arrays[f"CNN/W_cnn_{i}"][0].astype(float)
        windows = [
            np.tensordot(shown[p : p + width], kernel, 2) for p in range(51 - width)
        ]
        parts.append(np.max(windows, 0) + arrays[f"CNN/b_cnn_{i}"])
    x = np.concatenate(parts)
    x = np.maximum(x, 0) if cnn["activation"] == "relu" else np.tanh(x)
    for i in range(cnn.get("n_highway", 0)):
        at = f"CNN_high_{i}"
        gate = sigmoid(x @ arrays[f"{at}/W_carry"] + arrays[f"{at}/b_carry"])
        new = x @ arrays[f"{at}/W_transform"] + arrays[f"{at}/b_transform"]
        x = gate * np.maximum(new, 0) + (1 - gate) * x
    if "CNN_proj/W_proj" in arrays:
        x = x @ arrays["CNN_proj/W_proj"] + arrays["CNN_proj/b_proj"]
    return x


def run(x, arrays, cell, lstm, start):
    matrix, bias = arrays[f"{cell}/W_0"].astype(float), arrays[f"{cell}/B"]
    down = arrays.get(f"{cell}/W_P_0")
    c, h = start or (np.zeros(lstm["dim"]), np.zeros(lstm["projection_dim"]))
    outputs = []
    for row in x:
        i, j, f, o = np.split(np.concatenate([row, h]) @ matrix + bias, 4)
        c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(j)
        c = clip(c, lstm.get("cell_clip"))
        h = sigmoid(o) * np.tanh(c)
        if down is not None:
            h = clip(h @ down, lstm.get("proj_clip"))
        outputs.append(h)
    return np.array(outputs), (c, h)


def clip(values, most):
    return np.clip(values, -most, most) if most else values


def sigmoid(x):
    return 1 / (1 + np.exp(-x.astype(float)))


def softmax(x):
    shares = np.exp(x - np.max(x))
    return shares / shares.sum()
