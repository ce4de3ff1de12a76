"""What is told before time is spent on several parts."""

import json

import numpy as np
import PIL.Image
import pytest
import yaml
from conftest import draw

from tltf import config, errors
from tltf.data import merge
from tltf.runs import train
from tltf.training import parts


@pytest.fixture
def manifest(tmp_path):
    """Writes a manifest; `lines` are dicts without `image`."""

    def write(lines, name="labels.jsonl"):
        for number, line in enumerate(lines):
            path = tmp_path / f"{number}.png"
            if not path.exists():
                PIL.Image.fromarray(draw(number % 3, number)).save(path)
            line.setdefault("image", path.name)
        (tmp_path / name).write_text("\n".join(map(json.dumps, lines)))
        return f"jsonl:{tmp_path / name}"

    return write


def lines(count=30, **columns):
    made = []
    for number in range(count):
        split = ("train", "train", "train", "val", "test")[number // 3 % 5]
        line = {"a": "xyz"[number % 3], "b": number / 10, "split": split}
        made.append({**line, **{k: f(number) for k, f in columns.items()}})
    return made


def recipe(source, parts_, **change):
    raw = {
        "method": "multitask",
        "backbone": "plain/tiny",
        "weights": "none",
        "data": {"source": source} if source else None,
        "parts": parts_,
        "stages": [{"train": "all", "epochs": 1}],
    }
    return config.override({**raw, **change}, {}, where="test")


A = {"name": "a", "label": "a"}
B = {"name": "b", "label": "b", "task": "regression"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parts": [A, A]}, r"parts.1.name: 'a' is also the name of parts.0"),
        ({"parts": []}, "method multitask needs parts"),
        ({"method": "finetune"}, "method finetune learns one task; take multitask"),
        ({"joint": {"watch": "c"}}, r"joint.watch: no part 'c'"),
        ({"imbalance": "weights"}, "set it in each of parts"),
        ({"augment": {"mixup": 0.2}}, "mix the labels of one task"),
        ({"data": None}, r"parts.0.data: a has none, nor has the recipe"),
        ({"parts": [{**A, "task": "image_clas"}]}, "did you mean 'image_class'"),
        ({"parts": [{**A, "lable": "a"}]}, r"parts.0.lable: no such field"),
        ({"parts": [{**A, "name": "a b"}]}, r"parts.0.name"),
        ({"data": {"source": "folder:x"}}, "folder does not have"),
        ({"joint": {"loss": "mean"}}, r"joint.loss"),
    ],
)
def test_a_wrong_recipe_of_parts_is_one_line(change, message):
    raw = {
        "method": "multitask",
        "backbone": "plain/tiny",
        "data": {"source": "jsonl:x.jsonl"},
        "parts": [A, B],
    }
    with pytest.raises(errors.UserError, match=message) as told:
        config.override({**raw, **change}, {}, where="r.yaml")
    assert "\n" not in str(told.value)


def test_a_recipe_without_data_and_parts_says_so():
    raw = {"method": "freeze", "backbone": "plain/tiny"}
    with pytest.raises(errors.UserError, match="data: this field is required"):
        config.override(raw, {}, where="r.yaml")


def test_the_resolved_recipe_reads_back_equal(manifest, tmp_path):
    made = recipe(manifest(lines()), [A, B], compare={"n": {"joint.loss": "gradnorm"}})
    path = tmp_path / "again.yaml"
    path.write_text(config.dump(made))
    assert config.load(path) == made
    assert yaml.safe_load(path.read_text())["parts"][0]["data"]["source"]


def test_a_column_that_is_empty_everywhere_is_named(manifest, tmp_path):
    source = manifest(lines(a=lambda n: ""))
    with pytest.raises(errors.UserError, match=r"part a: .*'a'.*empty"):
        parts.start(recipe(source, [A, B]), tmp_path)


def test_a_part_without_records_in_a_split_is_named(manifest, tmp_path):
    # only the train split has labels of this part
    source = manifest(lines(a=lambda n: "xyz"[n % 3] if n // 3 % 5 < 3 else ""))
    with pytest.raises(errors.UserError, match=r"part a: data.valid: 'val.* is empty"):
        parts.start(recipe(source, [A, B]), tmp_path)


def test_a_label_outside_the_declared_range_is_named(manifest, tmp_path):
    source = manifest(lines())
    data = {"source": source, "options": {"range": [0, 2]}}
    with pytest.raises(errors.UserError, match=r"part b: .*line 2\d.*range"):
        parts.start(recipe(source, [A, {**B, "data": data}]), tmp_path)


def test_images_and_texts_do_not_go_under_one_encoder(manifest, subjects, tmp_path):
    text = {"name": "t", "task": "text_class", "data": {"source": f"jsonl:{subjects}"}}
    with pytest.raises(errors.UserError, match="part t: backbone: plain/tiny reads im"):
        parts.start(recipe(manifest(lines()), [A, text]), tmp_path)


def test_parts_of_one_source_are_cut_alike(manifest, tmp_path):
    # no published split: each part alone would be cut by its own labels
    bare = [{k: v for k, v in line.items() if k != "split"} for line in lines(60)]
    for number, line in enumerate(bare):
        line["c"] = "uv"[number // 7 % 2] if number % 4 else ""
    source = manifest(bare)
    joint = parts.start(recipe(source, [A, {"name": "c", "label": "c"}]), tmp_path)
    seen = {
        role: {
            digest
            for one in joint.jobs.values()
            for digest in one.records.part_digests(role)
        }
        for role in joint.roles
    }
    assert not seen["train"] & seen["valid"]
    assert not seen["train"] & seen["test"] and not seen["valid"] & seen["test"]
    assert sum(map(len, seen.values())) == 60
    shared = set(joint.jobs["c"].records.part_digests("train"))
    assert shared <= set(joint.jobs["a"].records.part_digests("train"))


def leaking(manifest, leaks):
    """A second manifest learns from what the first is tested on."""
    first = manifest(lines())
    moved = [dict(line) for line in lines()]
    for number, line in enumerate(moved):
        line["image"] = f"{number}.png"
        line["split"] = {"test": "train", "train": "test"}.get(line["split"], "val")
    second = manifest(moved, "other.jsonl")
    other = {**B, "data": {"source": second, "leaks": leaks}}
    return [{**A, "data": {"source": first, "leaks": leaks}}, other]


def test_a_record_that_another_part_is_judged_by_stops_the_run(manifest, tmp_path):
    with pytest.raises(errors.UserError, match="records that part b is judged by"):
        parts.start(recipe(None, leaking(manifest, "stop")), tmp_path)


def test_or_is_dropped(manifest, tmp_path, caplog):
    with pytest.raises(errors.UserError, match=r"part a: data.train: .*is empty"):
        # every record of one is in the other: none is left to learn from
        parts.start(recipe(None, leaking(manifest, "drop")), tmp_path)
    allowed = parts.start(recipe(None, leaking(manifest, "allow")), tmp_path)
    assert len(allowed.merged("train")) == 24


def test_equal_records_are_one_and_repeated_ones_stay(manifest, tmp_path):
    joint = parts.start(recipe(manifest(lines()), [A, B]), tmp_path)
    one = joint.jobs["a"].records.table
    digests = ["x", "y", "x"]
    found = merge.merge(
        {
            "a": (one.rows(np.arange(3)), digests),
            "b": (one.rows(np.arange(2)), ["y", "z"]),
        }
    )
    assert found.digests == ("x", "y", "x", "z")
    assert found.rows["a"].tolist() == [0, 1, 2] and found.rows["b"].tolist() == [1, 3]
    assert found.owners.tolist() == [0, 0, 0, 1]


def test_a_run_folder_of_other_parts_is_not_gone_on_with(manifest, tmp_path):
    source = manifest(lines())
    made = recipe(source, [A, B])
    train.train(made, tmp_path / "run")
    again = train.train(made, tmp_path / "run", resume=True)
    assert again.method == "multitask"
    with pytest.raises(errors.UserError, match="begun with another recipe: parts was"):
        train.train(recipe(source, [A]), tmp_path / "run", resume=True)
