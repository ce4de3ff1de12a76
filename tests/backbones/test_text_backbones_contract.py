"""Every encoder of texts, by listing the folder."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from tltf import registry
from tltf.training import groups

FILES = [
    name
    for name in registry.names("backbones")
    if name != "hub"
    and next(iter(registry.find("backbones", name).VARIANTS.values())).kind == "text"
]
TEXTS = [b"the cat sat on the mat", b"a", b"", b"Dogs, dogs and DOGS! \xff\xfe isn't"]
VOCABULARY = ("", "[UNK]", "the", "cat", "sat", "on", "mat", "dogs", "and")


@pytest.fixture(scope="module", params=FILES)
def built(request):
    """A file's tiny encoder, its codec fitted on the texts, and their ids."""
    module = registry.find("backbones", request.param)
    spec = module.VARIANTS["tiny"]
    codec = registry.find("codecs", spec.codec).fit(
        [t.decode("utf-8", "replace") for t in TEXTS],
        words=50,
        least=1,
        length=spec.length,
        keep="start",
        fixed=spec.fixed,
    )
    keras.utils.set_random_seed(0)
    model = module.build(spec, words=codec.words)
    inputs = codec.encode(tf.constant(TEXTS))
    return spec, model, codec, inputs


def test_outputs_are_as_described(built):
    spec, model, _, inputs = built
    found = model(inputs, training=False)
    assert {"vector", "sequence", "mask"} <= set(found)
    assert set(found) <= {"vector", "sequence", "mask", "layers"}
    assert found["vector"].shape == (4, spec.features)
    assert found["sequence"].shape[-1] * (spec.features // found["sequence"].shape[-1])
    assert found["mask"].dtype == tf.bool
    assert found["mask"].shape == found["sequence"].shape[:2]
    assert np.all(np.isfinite(found["vector"]))


def test_every_layer_with_weights_is_in_exactly_one_group(built):
    spec, model, *_ = built
    assert groups.weighted(model)
    for layer in groups.weighted(model):
        hits = [g for g, pattern in spec.groups if re.match(pattern, layer.name)]
        assert len(hits) == 1, (layer.name, hits)


def test_a_text_has_the_same_vector_in_any_batch(built):
    _, model, codec, inputs = built
    together = model(inputs, training=False)["vector"].numpy()
    for number, text in enumerate(TEXTS):
        alone = model(codec.encode(tf.constant([text])), training=False)["vector"]
        np.testing.assert_allclose(alone[0], together[number], atol=1e-5)


def test_what_stands_in_padding_is_zero(built):
    _, model, _, inputs = built
    found = model(inputs, training=False)
    padding = ~found["mask"].numpy()
    assert padding.any()
    assert np.all(found["sequence"].numpy()[padding] == 0)


def test_a_gradient_reaches_every_group(built):
    spec, model, _, inputs = built
    with tf.GradientTape() as tape:
        found = model(inputs, training=False)
        shown = found["vector"] + tf.reduce_sum(found["sequence"]) ** 2
        loss = tf.reduce_sum(shown**2)
    weights = {g: [] for g, _ in spec.groups}
    for layer in groups.weighted(model):
        weights[spec.group_of(layer.name)] += layer.trainable_weights
    for group, list_ in weights.items():
        assert list_, group
    every = [w for list_ in weights.values() for w in list_]
    found = dict(
        zip(
            [id(w) for w in every],
            tape.gradient(loss, [w.value for w in every]),
            strict=True,
        )
    )
    for group, list_ in weights.items():
        reached = [found[id(w)] for w in list_ if found[id(w)] is not None]
        assert any(np.any(tf.convert_to_tensor(g).numpy()) for g in reached), group


def test_it_is_saved_and_read_back_equal(built, tmp_path):
    _, model, _, inputs = built
    model.save(tmp_path / "encoder.keras")
    again = keras.saving.load_model(tmp_path / "encoder.keras", compile=False)
    before = model(inputs, training=False)["vector"].numpy()
    np.testing.assert_array_equal(again(inputs, training=False)["vector"], before)
