import json
import subprocess
import sys

import numpy as np
import pytest

import tltf
from tltf import errors, models, registry


def test_the_list_is_sorted_and_holds_every_variant_but_hub():
    listed = tltf.list_models("image")
    assert listed == sorted(listed)
    assert "efficientnet_lite0/full" in listed
    assert "mobilenet_v2/0.35" in listed
    wanted = [
        spec
        for name in registry.names("backbones")
        for spec in registry.find("backbones", name).VARIANTS.values()
        if spec.kind == "image" and name != "hub"
    ]
    assert len(listed) == len(set(listed)) == len(wanted)
    assert not [name for name in listed if name.startswith("hub")]


def test_texts_have_a_list_of_their_own():
    listed = tltf.list_models("text")
    assert "glove/deck" in listed
    assert not set(listed) & set(tltf.list_models("image"))


def test_listing_takes_no_tensorflow():
    code = (
        "import sys, tltf; tltf.list_models();"
        "print([m for m in ('keras', 'tensorflow', 'requests') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_another_kind_is_refused():
    with pytest.raises(errors.UserError, match="no kind 'sound'"):
        tltf.list_models("sound")


def test_an_encoder_is_built_by_name_and_side():
    encoder = tltf.create_model("plain/tiny", weights="none", side=48)
    out = encoder({"image": np.zeros((2, 48, 48, 3), "uint8")})
    assert out["vector"].shape == (2, 16)


def test_a_file_of_weights_is_loaded(tmp_path):
    first = tltf.create_model("plain/tiny", weights="none")
    path = str(tmp_path / "encoder.weights.h5")
    first.save_weights(path)
    again = tltf.create_model("plain/tiny", weights=path)
    for one, two in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        (
            "mobilnet/full",
            "none",
            "no 'mobilnet' .*did you mean 'mobilenet",
        ),
        ("mobilenet/0.3", "none", "no backbone 'mobilenet/0.3'; did you mean"),
        ("plain/tiny", "auto", "plain/tiny has no pre-trained weights"),
        ("plain/tiny", "gone.h5", "'gone.h5' for plain/tiny does not exist"),
    ],
)
def test_a_wrong_name_is_answered_with_the_remedy(name, weights, message):
    with pytest.raises(errors.UserError, match=message):
        tltf.create_model(name, weights=weights)


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "tltf.cli.models", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_lists_what_matches_as_json():
    done = run("--pattern=mobilenet_v2/*", "--json")
    listed = json.loads(done.stdout)["models"]
    assert [row["name"] for row in listed] == [
        name for name in models.list_models() if name.startswith("mobilenet_v2/")
    ]
    small = next(row for row in listed if row["name"] == "mobilenet_v2/0.35")
    assert small["features"] == 1280
    assert small["parameters"] == 410_208
    assert (small["side"], small["least"]) == (224, 32)
    assert small["weights"] == "download"
    assert listed[-1]["weights"] == "none"


def test_the_command_says_where_weights_are(tmp_path, monkeypatch):
    monkeypatch.setenv("TLTF_HOME", str(tmp_path))
    (tmp_path / "weights").mkdir()
    path = tmp_path / "weights" / "mobilenet_2_5_224_tf_no_top.h5"
    path.write_bytes(b"x")
    done = run("--pattern=mobilenet/*", "--json")
    states = {r["name"]: r["weights"] for r in json.loads(done.stdout)["models"]}
    assert states["mobilenet/0.25"] == str(path)
    assert states["mobilenet/full"] == "download"


def test_a_pattern_that_matches_nothing_is_a_mistake():
    done = run("--pattern=*alexnet*")
    assert done.returncode == 2
    assert done.stderr.startswith("tltf: --pattern")
    assert len(done.stderr.splitlines()) == 1
