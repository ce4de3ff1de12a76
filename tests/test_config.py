"""Recipes: read, checked, written back."""

import pathlib
import subprocess
import sys

import hypothesis
import pytest
import yaml
from hypothesis import strategies as st

from tltf import config, errors, specs

QUICKSTART = pathlib.Path(__file__).parent.parent / "configs" / "quickstart.yaml"
BASE = {
    "method": "finetune",
    "backbone": "plain/tiny",
    "data": {"source": "folder:somewhere"},
}


def load(tmp_path, change=(), sets=(), overrides=None):
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({**BASE, **dict(change)}))
    return config.load(path, sets, overrides)


def test_defaults_are_filled_in(tmp_path):
    recipe = load(tmp_path)
    assert recipe.stages == specs.STAGES["finetune"]
    assert recipe.image.side == 32
    assert recipe.backbone == "plain/tiny"


def test_a_written_recipe_reads_back_equal(tmp_path):
    recipe = load(tmp_path, sets=["stages.1.rate=3e-5", "augment.crop=.5"])
    again = tmp_path / "again.yaml"
    again.write_text(config.dump(recipe))
    assert config.load(again) == recipe


@hypothesis.given(
    rate=st.floats(1e-9, 10),
    epochs=st.integers(1, 1000),
    schedule=st.sampled_from(["constant", "step", "cosine", "one_cycle", "slanted"]),
    clip=st.none() | st.floats(1e-3, 100),
    seed=st.integers(0, 2**31 - 1),
)
def test_any_recipe_reads_back_equal(rate, epochs, schedule, clip, seed):
    stage = {"train": "all", "rate": rate, "epochs": epochs, "schedule": schedule}
    raw = {**BASE, "stages": [stage], "optimizer": {"clip_norm": clip}, "seed": seed}
    recipe = config.override(raw, {}, where="test")
    text = yaml.safe_load(config.dump(recipe))
    assert config.override(text, {}, where="test") == recipe


def test_numbers_that_yaml_reads_as_text_are_numbers(tmp_path):
    recipe = load(tmp_path, {"stages": [{"rate": "1e-3"}]})
    assert recipe.stages[0].rate == 1e-3


def test_set_goes_into_default_stages(tmp_path):
    recipe = load(tmp_path, sets=["stages.0.epochs=7"])
    assert recipe.stages[0].epochs == 7
    assert recipe.stages[1] == specs.STAGES["finetune"][1]


def test_overrides_by_mapping_are_the_same_as_set(tmp_path):
    one = load(tmp_path, sets=["image.side=64", "batch=8"])
    two = load(tmp_path, overrides={"image.side": 64, "batch": 8})
    assert one == two


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (["stages.0.rat=1"], r"stages\.0\.rat: no such field; did you mean 'rate'"),
        (["metod=x"], "metod: no such field; did you mean 'method'"),
        (["image.sid=64"], r"image\.sid: no such field; did you mean 'side'"),
        (["stages.0.rate=-1"], r"stages\.0\.rate: .*greater than 0, got -1"),
        (["stages.9.rate=1"], r"stages\.9: the list has 2 items"),
        (["batch.size=1"], r"--set batch\.size|batch: .*valid integer"),
        (["batch"], "'batch' is not of the form a.b=value"),
        (["backbone=plane/tiny"], "did you mean 'plain'"),
        (["method=finetun"], "did you mean 'finetune'"),
        (["task=image_clas"], "did you mean 'image_class'"),
        (["data.source=folders:x"], "did you mean 'folder'"),
        (["engine=litter"], "did you mean 'litert'"),
        (["stages.0.train=[hed]"], "no group 'hed'; did you mean 'head'"),
        (
            ["backbone=mobilenet_v2", "image.side=16"],
            "16 is too small for mobilenet_v2",
        ),
    ],
)
def test_a_mistake_gets_one_line_with_the_path(tmp_path, sets, message):
    with pytest.raises(errors.UserError, match=message) as caught:
        load(tmp_path, sets=sets)
    assert "\n" not in str(caught.value)


def test_a_missing_field_is_named(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("method: freeze\n")
    with pytest.raises(errors.UserError, match="data: this field is required"):
        config.load(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "line"), ("- 1", "a recipe is a mapping"), ("\x00", "not YAML")],
)
def test_a_file_that_is_no_recipe_is_refused(tmp_path, text, message):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(errors.UserError, match=message):
        config.load(path)


def test_no_file_is_named(tmp_path):
    with pytest.raises(errors.UserError, match="no file .*absent.yaml"):
        config.load(tmp_path / "absent.yaml")


def test_yaml_cannot_make_objects(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("method: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(errors.UserError, match="not YAML"):
        config.load(path)


def test_recipes_are_read_without_tensorflow(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(BASE))
    code = (
        "import sys; from tltf import config; config.load(sys.argv[1]);"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'PIL'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


def test_the_order_of_overrides_does_not_matter(tmp_path):
    sets = ["stages.0.epochs=3", "method=standard"]
    one, two = load(tmp_path, sets=sets), load(tmp_path, sets=sets[::-1])
    assert one == two
    assert one.stages[0].train == "all"


def test_what_differs_by_method_can_be_set(tmp_path):
    recipe = load(tmp_path, sets=["compare.standard.stages.0.epochs=4"])
    assert recipe.compare == {"standard": {"stages.0.epochs": 4}}


def test_a_method_without_stages_says_so(tmp_path):
    with pytest.raises(errors.UserError, match="method featurize has no stages"):
        load(tmp_path, sets=["method=featurize", "stages.0.epochs=3"])


def test_an_unknown_method_to_compare_is_named(tmp_path):
    with pytest.raises(errors.UserError, match="did you mean 'finetune'"):
        load(tmp_path, {"compare": {"finetun": {}}})


def test_the_contracts_example_is_a_sound_recipe():
    recipe = config.load(QUICKSTART, (), {"stages.0.epochs": 1})
    assert recipe.stages[0].epochs == 1
