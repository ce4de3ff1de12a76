"""A table of word vectors: GloVe or any other, frozen or learning, or random."""

import pathlib

from tltf import errors
from tltf.backbones._base import TextBackbone

_GROUPS = (("words", r"words$"),)
# Pennington et al. 2014, https://nlp.stanford.edu/projects/glove/
_NAME = "glove.6B.{}d"


def _variant(features, vectors=None, **options):
    return TextBackbone(
        codec="words",
        fixed=True,
        features=features,
        groups=_GROUPS,
        arguments={"vectors": vectors},
        parameters=0,
        **options,
    )


# the lengths are those of keras.io's example (200) and of the deck (1000)
VARIANTS = {
    "full": _variant(100, _NAME.format(100), length=200),
    **{f"{d}d": _variant(d, _NAME.format(d), length=200) for d in (50, 100, 200, 300)},
    "deck": _variant(100, _NAME.format(100), length=1000),
    "tiny": _variant(8, length=160),
}


def resolve(spec, choice: str) -> pathlib.Path:
    """Returns the file of word vectors that `choice` means.

    Args:
      spec: One of `VARIANTS`.
      choice: `auto` for the published vectors (package, cache, download), or
        the path of a file that `tltf.text.load_vectors` reads.

    Raises:
      UserError: They are not there and cannot be had.
    """
    from tltf.text import vectors

    if choice != "auto":
        return vectors.locate(choice)
    if not spec.arguments["vectors"]:
        raise errors.UserError(
            "weights: auto: this size of glove has no published vectors; set weights "
            "to none for a random start, or to the path of a file of vectors"
        )
    return vectors.locate(spec.arguments["vectors"])


def build(spec, *, words=(), length=None, weights=None):
    """Returns the encoder.

    Args:
      spec: One of `VARIANTS`.
      words: Word of each id; the first is padding, the second stands for all
        unknown words.
      length: Tokens of every text; the variant's own by default.
      weights: File of word vectors, or None for a random start. Words it does
        not have keep a row of zeros (deck, "Compute Embedding Matrix").

    Raises:
      UserError: The vectors have another length than the variant's.
    """
    import keras

    tokens = keras.Input((length or spec.length,), dtype="int32", name="tokens")
    table = keras.layers.Embedding(max(len(words), 2), spec.features, name="words")
    mask = keras.ops.not_equal(tokens, 0)
    there = keras.ops.expand_dims(keras.ops.cast(mask, "float32"), -1)
    sequence = table(tokens)
    # padding stays zero when the table learns, too
    sequence = keras.ops.multiply(sequence, keras.ops.cast(there, sequence.dtype))
    total = keras.ops.sum(keras.ops.cast(sequence, "float32"), 1)
    count = keras.ops.maximum(keras.ops.sum(there, 1), 1.0)
    made = {"vector": total / count, "sequence": sequence, "mask": mask}
    model = keras.Model({"tokens": tokens}, made, name="encoder")
    if weights:
        table.set_weights([_matrix(spec, words, weights)])
    return model


def _matrix(spec, words, path):
    from tltf.text import vectors

    found = vectors.load_vectors(path)
    size = found.matrix.shape[1]
    if size != spec.features:
        fits = f"take backbone: glove/{size}d" if f"{size}d" in VARIANTS else "no size"
        raise errors.UserError(
            f"weights: {path} has vectors of {size} numbers, this backbone of "
            f"{spec.features}; {fits} fits"
        )
    # The first two ids are no words: padding, and what stands for unknown ones.
    matrix = vectors.align(words, found)
    matrix[:2] = 0
    if len(words) > 2 and not matrix.any():
        raise errors.UserError(
            f"weights: none of the {len(words) - 2} words of train has a vector in "
            f"{path}; are they of another language, or in capitals?"
        )
    return matrix
