import numpy as np
import pytest

from tltf import errors, models
from tltf.backbones import awd_lstm
from tltf.ops import special
from tltf.text import language_model

WORDS = (*special.TOKENS, "movie", "qqzzqq", "the")


@pytest.mark.parametrize("form", ["small", "small_backward"])
def test_the_shipped_model_is_what_auto_takes(form):
    folder = awd_lstm.resolve(awd_lstm.VARIANTS[form], "auto")
    source = language_model.load(folder)
    assert source.backward == form.endswith("backward")
    encoder = models.create_model(f"awd_lstm/{form}", words=WORDS)
    table = encoder.get_layer("words").get_weights()[0]
    known = source.arrays["words/table"]
    for word in ("xxbos", "movie", "the"):
        row = known[source.words.index(word)]
        np.testing.assert_array_equal(table[WORDS.index(word)], row)
    mean = known.mean(0, dtype=np.float64)
    np.testing.assert_allclose(table[WORDS.index("qqzzqq")], mean, atol=1e-6)
    np.testing.assert_array_equal(
        encoder.get_layer("lstm_1").get_weights()[1], source.arrays["lstm_1/recurrent"]
    )


def test_both_shipped_models_know_the_same_words():
    ahead, back = (
        language_model.load(awd_lstm.resolve(awd_lstm.VARIANTS[form], "auto"))
        for form in ("small", "small_backward")
    )
    assert ahead.words == back.words


@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        ("awd_lstm/full", "auto", "no language model of this size is shipped"),
        ("awd_lstm/small", "nowhere", "'nowhere' is no folder of a language model"),
        ("awd_lstm/tiny", "shipped", "'embedding': 144.* take the variant"),
        ("awd_lstm/small_backward", "shipped", "is a forward language model"),
    ],
)
def test_weights_that_do_not_fit_are_told(name, weights, message):
    if weights == "shipped":
        weights = str(awd_lstm.resolve(awd_lstm.VARIANTS["small"], "auto"))
    with pytest.raises(errors.UserError, match=message):
        models.create_model(name, words=WORDS, weights=weights)


@pytest.mark.parametrize("form", ["small", "tiny"])
def test_parameters_are_those_of_all_layers_but_the_table(form):
    spec = awd_lstm.VARIANTS[form]
    encoder = awd_lstm.build(spec, words=WORDS)
    table = len(WORDS) * spec.arguments["shape"]["embedding"]
    assert encoder.count_params() == spec.parameters + table
