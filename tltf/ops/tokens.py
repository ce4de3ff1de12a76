"""Texts to words and words to ids, in the graph."""

import tensorflow as tf

# Clitics stand alone, as in the tokenizer of the published word vectors: don't is
# do + n't, it's is it + 's (Penn Treebank rules).
_CLITICS = r"([a-z])(n't|'s|'re|'ve|'ll|'d|'m)\b"
# What is neither letter, mark, digit nor apostrophe parts words; an apostrophe
# counts only where a clitic begins.
_PARTS = r"[^\pL\pM\pN']+|'+(\s|$)"


def words(texts: tf.Tensor) -> tf.RaggedTensor:
    """Returns the lower-case words of each text, string `[b, (words)]`.

    Args:
      texts: Any bytes, string `[b]`; what is not UTF-8 becomes U+FFFD, which
        parts words.
    """
    plain = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")
    low = tf.strings.lower(plain, encoding="utf-8")
    straight = tf.strings.regex_replace(low, "[\u2018\u2019]", "'")
    spaced = tf.strings.regex_replace(straight, _PARTS, " ")
    # a quotation mark before a word is none of its letters
    opened = tf.strings.regex_replace(spaced, r"(^|\s)'+", " ")
    return tf.strings.split(tf.strings.regex_replace(opened, _CLITICS, r"\1 \2"))


def between_spaces(texts: tf.Tensor) -> tf.RaggedTensor:
    """Returns what stands between white space, lower case, string `[b, (tokens)]`.

    Args:
      texts: Any bytes, string `[b]`; what is not UTF-8 becomes U+FFFD.
    """
    plain = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8")
    return tf.strings.split(tf.strings.lower(plain, encoding="utf-8"))


def cut(tokens: tf.RaggedTensor, length: int, *, keep: str) -> tf.RaggedTensor:
    """Returns at most `length` tokens of each row: its start or its end.

    Args:
      tokens: `[b, (tokens)]`.
      length: At least 1.
      keep: `start` or `end`.
    """
    return tokens[:, :length] if keep == "start" else tokens[:, -length:]
