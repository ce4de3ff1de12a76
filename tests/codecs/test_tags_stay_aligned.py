"""Tokens of a manifest are the codec's tokens, one to one, or tags would slip."""

import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tltf import registry
from tltf.sources import _labels

LETTER = st.characters(exclude_categories=("Cs",), exclude_characters="\0")
TOKEN = st.text(LETTER, min_size=1, max_size=6).filter(
    lambda token: token.split() == [token]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(TOKEN, min_size=1, max_size=8))
def test_every_codec_of_spaces_cuts_where_the_manifest_does(tokens):
    assert _labels.tokens(tokens) == tokens
    found = 0
    for name in registry.names("codecs"):
        codec = registry.find("codecs", name)
        if "spaces" not in codec.SPLITS:
            continue
        made = codec.fit(
            ["a"], words=20, least=1, length=99, keep="start", fixed=False,
            split="spaces",
        )  # fmt: skip
        [(_, ids)] = made.encode(tf.constant([" ".join(tokens)])).items()
        there = ids if len(ids.shape) == 2 else tf.reduce_any(ids != 0, -1)
        assert ids.shape[1] == len(tokens)
        assert bool(tf.reduce_all(tf.cast(there, tf.bool)))
        found += 1
    assert found == 2
