"""Vectors of texts by frozen encoders: computed once, then read."""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from tltf.data import cache, features, texts


def vectors(
    frozen: features.Frozen,
    values: Sequence[str],
    digests: Sequence[str],
    codec,
    *,
    view: str = "vector",
    batch: int = 32,
) -> np.ndarray:
    """Returns one output of the encoder for each text, float32 `[n, ...]`.

    Read from the cache where there, computed and stored otherwise; keyed by the
    text, the weights, what the codec makes of texts, and the view. A run and an
    export whose vocabularies differ share nothing.

    Args:
      frozen: The encoder.
      values: Texts, `[n]`.
      digests: SHA-256 of each, hexadecimal, `[n]`.
      codec: What turns texts into the encoder's input.
      view: Output of the encoder, `vector` or `layers`.
      batch: Texts a forward pass; those of like length go together.
    """
    shape = tuple(frozen.encoder.output[view].shape[1:])
    width = int(np.prod(shape))
    about = {"encoder": frozen.name, "weights": frozen.sha256, "view": view}
    about["compute"] = frozen.encoder.layers[-1].compute_dtype
    folder = cache.folder({**about, "text": codec.about()})
    first = {digest: row for row, digest in reversed(list(enumerate(digests)))}
    places = cache.lookup(folder, set(first), features=width).places
    missing = [(d, values[row]) for d, row in first.items() if d not in places]
    if missing:
        made = _computed(frozen.encoder, missing, codec, view, batch)
        places |= cache.store(folder, made, features=width)
        cache.trim(cache.root(), cache.limit())
    found = cache.gather(places, list(digests), features=width)
    return found.reshape(len(found), *shape)


def _computed(encoder, missing, codec, view: str, batch: int) -> Iterator:
    shown = texts.Texts(
        values=np.array([value for _, value in missing], object),
        targets=np.zeros((len(missing), 1), np.float32),
        weights=np.ones(len(missing), np.float32),
        codec=codec,
    )
    # long texts first: the largest batch is met at once, not after an hour
    rows = np.argsort(-shown.lengths, kind="stable")

    @tf.function
    def traced(inputs):
        return encoder(inputs, training=False)[view]

    batches = texts.training(shown, rows, batch=batch)
    # numbers of records and tokens are open in the spec: one graph for all batches
    run = traced.get_concrete_function(batches.element_spec[0])
    for start, (inputs, _, _) in zip(range(0, len(rows), batch), batches, strict=True):
        vectors_ = run(inputs).numpy().astype(np.float32)
        digests = [missing[row][0] for row in rows[start : start + batch]]
        yield digests, vectors_.reshape(len(digests), -1)
