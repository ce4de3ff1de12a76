"""Tokens to the ids of their characters, case and all; nothing is unknown."""

import pathlib
from collections.abc import Sequence

import tensorflow as tf

from tltf import errors
from tltf.fetch import files
from tltf.ops import characters, tokens

FILE = "vocabulary.txt"
SPLITS = ("words", "spaces")

_BLANK = r"[\pZ\p{Cc}]+"
# Clitics stand alone, as in the corpus of the published models: do + n't.
_CLITICS = r"(?i)(\pL)(n['’]t|['’](?:s|re|ve|ll|d|m))\b"
_TOKEN = "|".join(
    [
        r"(?:\pL\.){2,}",  # U.S.
        r"\pN+(?:[.,:]\pN+)+",  # 1,000.50
        r"(?i:['’](?:s|re|ve|ll|d|m)\b)",
        # U+FFFD stands for bytes that are no UTF-8, mostly letters of Latin-1
        r"[\pL\pM\pN_\x{FFFD}]+(?:['’-][\pL\pM\pN_\x{FFFD}]+)*",
        r"\.{2,}|-{2,}",
        r"[^\s\pL\pM\pN]",
    ]
)


class Codec(tf.Module):
    """Texts to {"chars": int32 `[b, t, 50]`}, zeros behind a text's last token.

    Attributes:
      words: Empty, for a token is its characters.
      length: Tokens kept of a text.
      fixed: Whether every batch is padded to that length.
    """

    words: tuple[str, ...] = ()

    def __init__(
        self, *, length: int, keep: str = "start", fixed: bool = False, split="words"
    ):
        super().__init__(name="chars")
        if split not in SPLITS:
            raise errors.UserError(
                f"split: {split!r} is unknown; give {' or '.join(SPLITS)}"
            )
        self.length, self.fixed = length, fixed
        self._keep, self._split = keep, split

    def encode(self, texts: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the ids of the characters of `texts`, string `[b]`.

        `t` is `length` where fixed, else the most tokens of one text, at least 1.
        """
        found = characters.split(texts) if self._split == "spaces" else pieces(texts)
        found = tokens.cut(found, self.length, keep=self._keep)
        chars = characters.padded(found, self.length if self.fixed else None)
        if not self.fixed:
            missing = tf.maximum(1 - tf.shape(chars)[1], 0)
            chars = tf.pad(chars, [[0, 0], [0, missing], [0, 0]])
        length = self.length if self.fixed else None
        return {"chars": tf.ensure_shape(chars, [None, length, characters.LENGTH])}

    def about(self) -> dict:
        """Returns all that decides the ids of a text, as JSON values."""
        return {
            "codec": "chars",
            "length": self.length,
            "keep": self._keep,
            "fixed": self.fixed,
            "split": self._split,
        }

    def save(self, folder: pathlib.Path) -> None:
        """Writes an empty vocabulary.txt, so that all codecs leave the same files."""
        files.write_text(folder / FILE, "")


def pieces(texts: tf.Tensor) -> tf.RaggedTensor:
    """Returns the words and signs of each text, string `[b, (tokens)]`, case kept.

    Signs stand alone; so do clitics (do n't, it 's). Numbers with inner points
    and words with inner hyphens stay whole.

    Args:
      texts: Any bytes, string `[b]`; what is not UTF-8 becomes U+FFFD.
    """
    plain = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")
    plain = tf.strings.regex_replace(plain, _BLANK, " ")
    parted = tf.strings.regex_replace(plain, _CLITICS, r"\1 \2")
    return tf.strings.split(tf.strings.regex_replace(parted, f"({_TOKEN})", r" \1 "))


def fit(
    texts: Sequence[str],
    *,
    length: int,
    keep: str,
    fixed: bool,
    split: str = "words",
    **_,
) -> Codec:
    """Returns the codec; it learns nothing from texts.

    Args:
      texts: Not read.
      length: Tokens kept of a text.
      keep: `start` or `end` of longer texts.
      fixed: Pad every batch to `length`.
      split: `words` (see `pieces`) or `spaces`, for texts that are tokenised
        already.

    Raises:
      UserError: An unknown `split`.
    """
    return Codec(length=length, keep=keep, fixed=fixed, split=split)


def load(
    folder: pathlib.Path,
    *,
    length: int,
    keep: str,
    fixed: bool,
    split: str = "words",
    **_,
) -> Codec:
    """Returns the codec of a folder that `save` wrote to; arguments as of `fit`."""
    return Codec(length=length, keep=keep, fixed=fixed, split=split)
