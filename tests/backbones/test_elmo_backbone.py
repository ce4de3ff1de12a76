"""ELMo as an encoder: sizes, files, layers for a mix on kept vectors."""

import json

import elmo_reference as reference
import h5py
import numpy as np
import pytest

from tltf import errors
from tltf.backbones import elmo
from tltf.ops import characters
from tltf.text import elmo_options, elmo_weights

SENTENCES = [["One", "more", "time"], ["Hello"], []]


@pytest.fixture
def folder(tmp_path):
    """A folder as the pre-trainer leaves it, of the tiny sizes without highway."""
    options = elmo_options.as_json(elmo.VARIANTS["tiny"].arguments["options"])
    options["char_cnn"]["n_highway"] = 0
    (tmp_path / "options.json").write_text(json.dumps(options))
    with h5py.File(tmp_path / "weights.hdf5", "w") as file:
        for key, value in reference.random_arrays(options).items():
            file[key] = value
    return tmp_path


@pytest.mark.parametrize("given", ["", "weights.hdf5"])
def test_own_takes_its_sizes_from_beside_the_weights(given, folder):
    path = elmo.resolve(elmo.VARIANTS["own"], str(folder / given))
    model = elmo.build(elmo.VARIANTS["own"], weights=path)
    found = model({"chars": characters.batch(SENTENCES)})
    options = json.loads((folder / "options.json").read_text())
    arrays = reference.random_arrays(options)
    for row, sentence in enumerate(SENTENCES[:2]):
        layers = reference.activations(options, arrays, characters.ids(sentence))
        means = [layer[1:-1].mean(0) for layer in layers]
        np.testing.assert_allclose(found["layers"][row], means, atol=2e-6)
        np.testing.assert_allclose(found["vector"][row], np.mean(means, 0), atol=2e-6)
    assert not found["layers"][2].numpy().any()
    np.testing.assert_array_equal(found["mask"].numpy().sum(1), [3, 1, 0])


def test_published_names_of_a_pair_are_found_too(folder):
    (folder / "options.json").rename(folder / "x_options.json")
    (folder / "weights.hdf5").rename(folder / "x_weights.hdf5")
    path = elmo.resolve(elmo.VARIANTS["own"], str(folder / "x_weights.hdf5"))
    assert elmo.build(elmo.VARIANTS["own"], weights=path).get_layer("characters")


def test_a_folder_of_another_size_is_one_clear_line(folder):
    path = elmo.resolve(elmo.VARIANTS["tiny"], str(folder))
    with pytest.raises(errors.UserError, match="lacks CNN_high_0/W_carry"):
        elmo.build(elmo.VARIANTS["tiny"], weights=path)


def test_what_cannot_be_had_says_what_to_give(tmp_path):
    with pytest.raises(errors.UserError, match=r"folder with options\.json and weig"):
        elmo.build(elmo.VARIANTS["own"])
    with pytest.raises(errors.UserError, match=r"weights\.hdf5' for elmo does not ex"):
        elmo.resolve(elmo.VARIANTS["own"], str(tmp_path))
    with pytest.raises(errors.UserError, match="has no pre-trained weights"):
        elmo.resolve(elmo.VARIANTS["tiny"], "auto")
    with pytest.raises(errors.UserError, match="1x1024|elmo_2x1024_128_2048cnn"):
        elmo.resolve(elmo.VARIANTS["small"], "auto")


def test_every_variant_says_how_many_parameters_it_has():
    for name, spec in elmo.VARIANTS.items():
        if name != "own":
            sizes = elmo_weights.shapes(spec.arguments["options"]).values()
            wanted = sum(int(np.prod(shape)) for shape in sizes) + 4
            assert spec.parameters == wanted, name
    assert elmo.build(elmo.VARIANTS["tiny"]).count_params() == wanted_of("tiny")


def wanted_of(name):
    return elmo.VARIANTS[name].parameters
