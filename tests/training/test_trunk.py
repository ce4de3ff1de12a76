"""An encoder kept from one run begins another."""

import json
import pathlib

import keras
import numpy as np
import pytest

from tltf import config, errors, models
from tltf.runs import train, trunk


def recipe(source, **change):
    raw = {
        "method": "finetune",
        "backbone": "plain/tiny",
        "weights": "none",
        "data": {"source": source},
        "stages": [{"train": "all", "epochs": 1, "rate": 1e-2}],
        "batch": 16,
        "norm": "adapt",
    }
    return config.override({**raw, **change}, {}, where="test")


def trained(folder: pathlib.Path) -> keras.Model:
    return keras.saving.load_model(folder / "checkpoints/model.keras", compile=False)


TEXTS = {"task": "text_class", "text": {"words": 60}}


@pytest.mark.parametrize("backbone", ["plain/tiny", "awd_lstm/tiny", "glove/tiny"])
def test_the_next_run_begins_with_the_kept_weights(
    backbone, stripes, subjects, tmp_path
):
    of_images = backbone == "plain/tiny"
    source = f"folder:{stripes}" if of_images else f"jsonl:{subjects}"
    change = {"backbone": backbone} | ({} if of_images else TEXTS)
    train.train(recipe(source, **change), tmp_path / "one")
    kept = trunk.save(tmp_path / "one", tmp_path / "kept")
    # head only: the encoder comes out as it was put in
    again = recipe(
        source,
        **change,
        weights=str(kept),
        stages=[{"train": ["head"], "epochs": 1}],
    )
    train.train(again, tmp_path / "two")
    one, two = trained(tmp_path / "one"), trained(tmp_path / "two")
    moved = 0
    for layer in one.layers:
        if layer.weights and not layer.name.startswith("head_"):
            pairs = zip(
                layer.get_weights(),
                two.get_layer(layer.name).get_weights(),
                strict=True,
            )
            for left, right in pairs:
                np.testing.assert_array_equal(left, right)
                moved += 1
    assert moved


def test_another_backbone_is_told_which_one_it_is(stripes, tmp_path):
    train.train(recipe(f"folder:{stripes}"), tmp_path / "one")
    kept = str(trunk.save(tmp_path / "one", tmp_path / "kept"))
    encoder = models.create_model("plain/tiny", weights=kept)
    given = trained(tmp_path / "one")
    layer = next(x for x in encoder.layers if x.weights)
    np.testing.assert_array_equal(
        layer.get_weights()[0], given.get_layer(layer.name).get_weights()[0]
    )
    with pytest.raises(errors.UserError, match="keeps an encoder of plain/tiny"):
        models.create_model("plain/full", weights=kept)
    (tmp_path / "kept" / "encoder.npz").write_bytes(b"no archive")
    with pytest.raises(errors.UserError, match="is damaged"):
        models.create_model("plain/tiny", weights=kept)


def test_names_that_keras_counted_do_not_matter(stripes, tmp_path):
    keras.utils.clear_session()
    first = models.create_model("nasnet_mobile/tiny", weights="none", side=32)
    from tltf.backbones import _trunk

    folder = tmp_path / "kept"
    _trunk.save(folder, "nasnet_mobile/tiny", first.layers)
    # a second network of the process has other numbers in its layers' names
    second = models.create_model("nasnet_mobile/tiny", weights=str(folder), side=32)
    assert json.loads((folder / "trunk.json").read_text()) == {
        "backbone": "nasnet_mobile/tiny"
    }
    for left, right in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_a_fresh_process_reads_layers_of_ours(subjects, tmp_path):
    import subprocess
    import sys

    one = recipe(f"jsonl:{subjects}", backbone="elmo/tiny", task="text_class")
    train.train(one, tmp_path / "run")
    command = [sys.executable, "-m", "tltf.cli.evaluate", f"--workdir={tmp_path}/run"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    assert "accuracy" in done.stdout
