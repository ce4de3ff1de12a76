"""ULMFiT's text rules and word splitting, in the graph."""

import tensorflow as tf

from tltf.ops import special

# What is left of HTML in texts from the web, to what it stands for.
_ENTITIES = (
    ("#39;", "'"), ("amp;", "&"), ("#146;", "'"), ("nbsp;", " "), ("#36;", "$"),
    (r"\\n", " "), ("quot;", "'"), ("<br />", " "), (r'\\"', '"'),
    ("<unk>", special.UNKNOWN), (r" @\.@ ", "."), (" @,@ ", ","), (" @-@ ", "-"),
    (r"\.\.\.", " … "),
)  # fmt: skip
_ANY_ENTITY = r"#39;|amp;|#146;|nbsp;|#36;|\\n|quot;|<br />|\\\"|<unk>| @[.,-]@ |\.\.\."
_SPACES = r"[\s\pZ\x{0}-\x{20}\x{7f}-\x{9f}\x{200b}\x{feff}]+"
_WORD = r"[\pL\pN_]"
# Stand for the point and comma inside a number while all others are split off.
_POINT, _COMMA = "\ue000", "\ue001"
_SHORT = (
    "mr mrs ms dr prof st jr sr vs etc inc ltd co corp gen gov sen rep rev hon capt "
    "lt col sgt messrs mt jan feb mar apr jun jul aug sep sept oct nov dec"
)
_NO_RUN = 3  # fewer equal ones in a row are left alone


# a graph of its own, for to trace it takes a second and every codec calls it
@tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
def split(texts: tf.Tensor) -> tf.RaggedTensor:
    """Returns the tokens of texts, string `[b, None]`, each text opened by xxbos.

    The text rules are fastai's: HTML remains undone, three or more equal
    characters become `xxrep n c`, three or more equal words `xxwrep n w`, a
    word all in capitals gets `xxup` and a capitalised one `xxmaj` in front,
    then all is lower case. Words are split as spaCy's rules for English do in
    the main: punctuation, currency and symbols one by one, hyphens, `n't` and
    `'s` `'re` `'ve` `'ll` `'d` `'m` off the word; numbers and dotted
    abbreviations stay whole.

    Args:
      texts: String `[b]`; any bytes, for what is no UTF-8 becomes U+FFFD.

    Source:
      Howard & Ruder 2018 (arXiv:1801.06146); fastai 2's text rules. Departures:
      a line break separates words and is no token; two runs of equal words
      that touch are both found; control characters count as spaces; spaCy's
      lists of emoticons, units and Unicode symbols are left out.
    """
    return tf.strings.split(_separated(marked(texts)))


def marked(texts: tf.Tensor) -> tf.Tensor:
    """Returns texts after the rules, lower case, before words are split; string `[b]`.

    Args:
      texts: String `[b]`, any bytes.
    """
    texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
    texts = tf.strings.regex_replace(texts, r"[\p{Co}]", "\ufffd")
    texts = tf.strings.regex_replace(texts, _SPACES, " ")
    texts = _where(texts, _found(texts, _ANY_ENTITY), _unescaped)
    texts = _characters(texts)
    texts = tf.strings.strip(tf.strings.regex_replace(texts, " {2,}", " "))
    texts = _words(texts)
    return tf.strings.lower(_capitals(texts), encoding="utf-8")


def _found(texts: tf.Tensor, pattern: str) -> tf.Tensor:
    return tf.strings.regex_full_match(texts, f"(?s:.*(?:{pattern}).*)")


def _where(texts: tf.Tensor, chosen: tf.Tensor, change) -> tf.Tensor:
    """Changes the chosen texts only: most have nothing that a rare rule is for."""
    rows = tf.where(chosen)

    def changed():
        part = change(tf.gather_nd(texts, rows))
        return tf.tensor_scatter_nd_update(texts, rows, part)

    return tf.cond(tf.reduce_any(chosen), changed, lambda: texts)


def _unescaped(texts: tf.Tensor) -> tf.Tensor:
    for pattern, meant in _ENTITIES:
        texts = tf.strings.regex_replace(texts, pattern, meant)
    return texts


def _characters(texts: tf.Tensor) -> tf.Tensor:
    """Writes `xxrep n c` for runs of a character, spaces around `/`, `#` and `\\`."""
    points = tf.strings.unicode_decode(texts, "UTF-8")
    value, row = points.values, points.value_rowids()
    same = (value[2:] == value[1:-1]) & (value[1:-1] == value[:-2])
    runs = same & (row[2:] == row[:-2]) & (value[2:] != ord(" "))
    count = tf.shape(texts)[0]
    rows = tf.math.unsorted_segment_max(
        tf.cast(runs, tf.int32), tf.cast(row[2:], tf.int32), count
    )
    texts = _where(texts, rows > 0, _character_runs)
    return tf.strings.regex_replace(texts, r"([/#\\])", r" \1 ")


def _character_runs(texts: tf.Tensor) -> tf.Tensor:
    points = tf.strings.unicode_decode(texts, "UTF-8")
    value, row = points.values, points.value_rowids()
    run, first, length = _runs((value[1:] == value[:-1]) & (row[1:] == row[:-1]))
    long = (length >= _NO_RUN) & (tf.gather(value, first) != ord(" "))
    # a piece is a long run, or all that stands between two of them
    inside = tf.gather(long, run)
    joined = (row[1:] == row[:-1]) & ~inside[1:] & ~inside[:-1]
    piece, start, _ = _runs(joined | (run[1:] == run[:-1]))
    pieces = tf.RaggedTensor.from_value_rowids(value, piece)
    written = tf.strings.unicode_encode(pieces, "UTF-8")
    single = tf.strings.unicode_encode(tf.gather(value, start)[:, None], "UTF-8")
    counted = tf.strings.as_string(tf.gather(length, tf.gather(run, start)))
    named = tf.strings.join(["", special.REPEATED, counted, single, ""], " ")
    written = tf.where(tf.gather(inside, start), named, written)
    return _joined(written, tf.gather(row, start), tf.shape(texts)[0], "")


def _runs(joined: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Numbers runs: (run of each item, first item of each run, its length).

    Args:
      joined: Whether an item continues the run of the one before, `[n - 1]`.
    """
    starts = tf.concat([[True], ~joined], 0)
    run = tf.cumsum(tf.cast(starts, tf.int32)) - 1
    first = tf.where(starts)[:, 0]
    ends = tf.concat([first[1:], [tf.size(run, tf.int64)]], 0)
    return run, first, ends - first


def _joined(parts, rows, count, separator: str) -> tf.Tensor:
    ragged = tf.RaggedTensor.from_value_rowids(parts, rows, tf.cast(count, rows.dtype))
    return tf.strings.reduce_join(ragged, axis=1, separator=separator)


def _words(texts: tf.Tensor) -> tf.Tensor:
    """Writes `xxwrep n w` for runs of a word; its last may carry punctuation."""
    words = tf.strings.split(texts, " ")
    value, row = words.values, words.value_rowids()
    twice = (value[1:] == value[:-1]) & (row[1:] == row[:-1])
    rows = tf.math.unsorted_segment_max(
        tf.cast(twice, tf.int32), tf.cast(row[1:], tf.int32), tf.shape(texts)[0]
    )
    return _where(texts, rows > 0, _word_runs)


def _word_runs(texts: tf.Tensor) -> tf.Tensor:
    words = tf.strings.split(texts, " ")
    value, row = words.values, words.value_rowids()
    head = tf.strings.regex_replace(value, f"^({_WORD}+).*$", r"\1")
    plain = tf.strings.regex_full_match(value, f"{_WORD}+")
    joined = (head[1:] == value[:-1]) & plain[:-1] & (row[1:] == row[:-1])
    _, first, length = _runs(joined)
    last = first + length - 1
    word = tf.gather(value, first)
    end = tf.gather(value, last)
    behind = tf.strings.length(word)
    rest = tf.strings.substr(end, behind, tf.strings.length(end) - behind)
    named = tf.strings.join(
        [special.REPEATED_WORD, tf.strings.as_string(length), word], " "
    )
    named = tf.where(rest == "", named, tf.strings.join([named, rest], " "))
    spans = tf.RaggedTensor.from_row_starts(value, first)
    written = tf.strings.reduce_join(spans, axis=1, separator=" ")
    written = tf.where(length >= _NO_RUN, named, written)
    return _joined(written, tf.gather(row, first), tf.shape(texts)[0], " ")


def _capitals(texts: tf.Tensor) -> tf.Tensor:
    # Every space doubled, for a match takes the one behind its word with it.
    texts = tf.strings.regex_replace(texts, " ", "  ")
    up, capital = "[A-Z][^a-z ]+", "[A-Z][^A-Z ]*[a-z][^A-Z ]*"
    texts = tf.strings.regex_replace(
        texts, f"(^| )({up})( |$)", rf"\1{special.CAPITALS} \2\3"
    )
    return tf.strings.regex_replace(
        texts, f"(^| )({capital})( |$)", rf"\1{special.CAPITAL} \2\3"
    )


def _separated(texts: tf.Tensor) -> tf.Tensor:
    """Puts spaces between the tokens of lower-case texts."""
    replace = tf.strings.regex_replace
    texts = tf.strings.join([f"{special.BEGIN}  ", texts, " "])
    for _ in range(2):  # one pass misses the second of two points round one digit
        texts = replace(texts, r"([0-9])\.([0-9])", rf"\1{_POINT}\2")
        texts = replace(texts, r"([0-9]),([0-9])", rf"\1{_COMMA}\2")
    texts = replace(texts, "[’‘]", "'")
    texts = replace(texts, rf"[^\pL\pM\pN_\s'.{_POINT}{_COMMA}]", r" \0 ")
    texts = replace(texts, r"(\.+) ", r" \1 ")
    texts = replace(texts, " ", "  ")  # a match takes the space on either side
    texts = replace(texts, rf" ({_SHORT.replace(' ', '|')})  +\. ", r" \1. ")
    texts = replace(texts, r" ((?:\pL\.)+\pL)  +\. ", r" \1. ")
    texts = _apostrophes(texts)
    texts = replace(
        texts, r" (can)(not) | (gon|wan)(na) | (got)(ta) ", r" \1\3\5 \2\4\6 "
    )
    texts = replace(texts, _POINT, ".")
    return replace(texts, _COMMA, ",")


def _apostrophes(texts: tf.Tensor) -> tf.Tensor:
    replace = tf.strings.regex_replace
    texts = replace(texts, r" ('+)", r" \1  ")
    texts = replace(texts, r"('+) ", r" \1 ")
    clitic = "n't|'(?:s|m|re|ve|ll|d)"
    return replace(texts, rf"({_WORD})({clitic})({clitic})? ", r"\1 \2 \3 ")
