"""Several parts on one encoder: masks, cuts, what learns, what is left behind."""

import json
import pathlib

import keras
import numpy as np
import PIL.Image
import pytest
import stopping
import tensorflow as tf
from conftest import draw

from tltf import config, errors
from tltf.runs import compare, evaluate, train
from tltf.training import joint, parts

KINDS = ("across", "down", "slanted")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """Stripes of 3 kinds under 2 lights; a third of each label is not there."""
    root = tmp_path_factory.mktemp("labelled")
    random, lines, number = np.random.default_rng(0), [], 0
    for split, count in (("train", 60), ("val", 30), ("test", 30)):
        for place in range(count):
            light = float(random.uniform(0.3, 1.0))
            picture = (draw(place % 3, number) * light).astype(np.uint8)
            PIL.Image.fromarray(picture).save(root / f"{number}.png")
            line = {"image": f"{number}.png", "split": split}
            line["kind"] = "" if place % 6 == 5 else KINDS[place % 3]
            line["light"] = "" if place % 6 == 4 else round(100 * light, 3)
            lines.append(json.dumps(line))
            number += 1
    path = root / "labels.jsonl"
    path.write_text("\n".join(lines))
    return path


def recipe(manifest, **change):
    raw = {
        "method": "multitask",
        "backbone": "plain/tiny",
        "weights": "none",
        "data": {"source": f"jsonl:{manifest}"},
        "parts": [
            {"name": "kind", "label": "kind"},
            {"name": "light", "label": "light", "task": "regression"},
        ],
        "stages": [{"train": "all", "epochs": 10, "rate": 1e-2}],
        "batch": 12,
        "seed": 1,
    }
    return config.override({**raw, **change}, {}, where="test")


@pytest.fixture(scope="module")
def run(manifest, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    report = train.train(recipe(manifest), folder)
    evaluate.evaluate(folder, page=False)
    return folder, report


@pytest.fixture(scope="module")
def started(manifest, tmp_path_factory):
    return parts.start(recipe(manifest), tmp_path_factory.mktemp("started"))


def test_each_part_has_the_records_that_carry_its_label(started):
    merged = started.merged("train")
    assert len(merged) == 60
    rows = {name: set(places.tolist()) for name, places in merged.rows.items()}
    assert {name: len(places) for name, places in rows.items()} == {
        "kind": 50,
        "light": 50,
    }
    shown = started.examples("train")
    for name, places in rows.items():
        there = np.flatnonzero(shown.weights[name])
        assert set(there.tolist()) == places
    one = started.jobs["light"].records.part("train")
    np.testing.assert_array_equal(
        shown.targets["light"][merged.rows["light"], 0], one.labels
    )


def test_the_loss_of_a_part_is_the_mean_over_its_present_records(started):
    # eight records; two carry a kind, three a light
    logits = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    kinds = np.zeros((8, 3), np.float32)
    kinds[1, 2] = kinds[6, 0] = 1
    lights = np.full((8, 1), np.nan, np.float32)
    lights[[0, 1, 5], 0] = [50, 70, 90]
    given = np.full((8, 1), 60, np.float32)
    weights = {"kind": np.zeros(8, np.float32), "light": np.zeros(8, np.float32)}
    weights["kind"][[1, 6]] = 1
    weights["light"][[0, 1, 5]] = [1, 2, 1]
    means, counts = joint.loss(started)(
        {"kind": tf.constant(kinds), "light": tf.constant(lights)},
        {"kind": tf.constant(logits), "light": tf.constant(given)},
        {name: tf.constant(column) for name, column in weights.items()},
    )
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    expected = -(np.log(softmax[1, 2]) + np.log(softmax[6, 0])) / 2
    assert float(means[0]) == pytest.approx(float(expected), rel=1e-5)
    spread = started.jobs["light"].records.part("train").labels.std()
    expected = (100 * 1 + 100 * 2 + 900 * 1) / 3 / spread**2
    assert float(means[1]) == pytest.approx(float(expected), rel=1e-4)
    assert [float(count) for count in counts] == [2, 3]


def test_an_absent_part_has_no_gradient(started):
    network = joint.build(started, started.recipe)
    shown = started.examples("train")
    pixels = np.random.default_rng(0).uniform(0, 255, (4, 16, 16, 3))
    side = started.recipe.image.side
    images = {"image": tf.image.resize(pixels, (side, side))}
    kinds = shown.targets["kind"][started.merged("train").rows["kind"][:4]]
    targets = {"kind": kinds, "light": np.full((4, 1), np.nan, np.float32)}
    ones, none = np.ones(4, np.float32), np.zeros(4, np.float32)
    weights = {"kind": tf.constant(ones), "light": tf.constant(none)}
    trunk = network.encoder.trainable_weights
    head = network.model.get_layer("head_light_logits").trainable_weights
    other = network.model.get_layer("head_kind_logits").trainable_weights

    def gradients(parts_):
        with tf.GradientTape() as tape:
            logits = network.model(images, training=False)
            means, _ = joint.loss(started)(targets, logits, weights)
            total = sum(means[n] for n in parts_)
        return tape.gradient(total, [w.value for w in [*trunk, *head, *other]])

    both, alone = gradients([0, 1]), gradients([0])
    for one, two in zip(both, alone, strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_array_equal(one, np.zeros_like(one) if two is None else two)


def test_all_parts_learn_together(run):
    _, report = run
    assert report.scores["valid"]["kind.accuracy"] > 0.8
    assert report.scores["valid"]["light.r2"] > 0.5
    scores = report.scores["valid"]
    mean = (scores["kind.accuracy"] + scores["light.r2"]) / 2
    assert scores["mean"] == pytest.approx(mean)
    assert report.counts["train"] == 60 and report.counts["kind.train"] == 50


def test_each_part_leaves_a_folder_of_a_run(run):
    folder, _ = run
    whole = json.loads((folder / "report.json").read_text())["scores"]
    for name, metric in (("kind", "accuracy"), ("light", "r2")):
        own = json.loads((folder / "parts" / name / "report.json").read_text())
        for split in ("valid", "test"):
            assert whole[split][f"{name}.{metric}"] == own["scores"][split][metric]
            text = (folder / "parts" / name / f"answers_{split}.jsonl").read_text()
            rows = [json.loads(line) for line in text.splitlines()]
            assert len(rows) == 25 and all(row["label"] != "" for row in rows)
        history = (folder / "parts" / name / "history.csv").read_text().splitlines()
        assert len(history) == 11 and history[0].startswith("stage,epoch,loss,valid")


def test_the_epochs_losses_are_the_sum_of_those_of_the_parts(run):
    folder, _ = run
    lines = (folder / "history.csv").read_text().splitlines()
    for line in lines[1:]:
        row = dict(zip(lines[0].split(","), map(float, line.split(",")), strict=True))
        assert row["loss"] == pytest.approx(row["kind.loss"] + row["light.loss"], 1e-4)
        mean = (row["kind.valid_loss"] + row["light.valid_loss"]) / 2
        assert row["valid_loss"] == pytest.approx(mean, 1e-4)
        assert row["kind.factor"] == row["light.factor"] == 1


def test_a_frozen_encoder_is_bit_identical_and_its_features_are_cached(
    manifest, tmp_path
):
    stages = [{"epochs": 3, "rate": 1e-2}]
    made = recipe(manifest, stages=stages)
    keras.utils.set_random_seed(made.seed)
    before = joint.build(parts.start(made, tmp_path / "fresh"), made).encoder
    report = train.train(made, tmp_path / "run")
    path = tmp_path / "run" / "checkpoints" / "model.keras"
    after = keras.saving.load_model(path, compile=False)
    for layer in before.layers:
        pairs = zip(
            layer.get_weights(), after.get_layer(layer.name).get_weights(), strict=True
        )
        for one, two in pairs:
            np.testing.assert_array_equal(one, two)
    heads = 17 * (3 + 1) if before.output["vector"].shape[-1] == 16 else None
    assert heads is None or report.parameters["learnt"] == heads


@pytest.mark.parametrize("loss", ["uncertainty", "gradnorm"])
def test_a_stopped_run_resumes_with_its_factors(manifest, tmp_path, monkeypatch, loss):
    made = recipe(
        manifest,
        stages=[{"train": "all", "epochs": 3, "rate": 1e-2}],
        joint={"loss": loss, "mixing": "sqrt"},
        keep="last",
    )
    train.train(made, tmp_path / "whole")
    stopping.stop(made, tmp_path / "cut", monkeypatch, epoch=3)
    train.train(made, tmp_path / "cut", resume=True)
    models = [
        keras.saving.load_model(tmp_path / name / "checkpoints/model.keras")
        for name in ("whole", "cut")
    ]
    for one, two in zip(models[0].weights, models[1].weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())
    last = [
        (tmp_path / name / "history.csv").read_text().splitlines()[-1].split(",")
        for name in ("whole", "cut")
    ]
    header = (tmp_path / "cut" / "history.csv").read_text().split("\n")[0].split(",")
    kept = [place for place, name in enumerate(header) if name != "seconds"]
    assert [last[0][place] for place in kept] == [last[1][place] for place in kept]
    factors = [float(last[0][header.index(f"{n}.factor")]) for n in ("kind", "light")]
    assert factors != [1.0, 1.0]


def test_a_row_is_the_joint_recipe_a_part_or_a_named_change(manifest):
    from tltf.runs import compare_parts

    made = recipe(manifest, compare={"noise": {"joint.loss": "uncertainty"}})
    assert compare_parts.rows(made) == ["joint", "noise", "kind", "light"]
    assert [p.name for p in compare_parts.variant(made, "kind").parts] == ["kind"]
    assert compare_parts.variant(made, "noise").joint.loss == "uncertainty"
    with pytest.raises(errors.UserError, match="did you mean 'kind'"):
        compare_parts.variant(made, "kinds")


def test_compare_shows_each_part_alone_and_together(manifest, tmp_path):
    made = recipe(manifest, stages=[{"train": "all", "epochs": 2, "rate": 1e-2}])
    table = compare.compare(made, tmp_path, methods=["joint", "kind"])
    together, alone = table["methods"]["joint"], table["methods"]["kind"]
    assert set(together["parts"]) == {"kind", "light"}
    assert set(alone["parts"]) == {"kind"}
    gain = together["parts"]["kind"]["gain"]
    gap = together["parts"]["kind"]["value"] - alone["parts"]["kind"]["value"]
    assert gain["value"] == pytest.approx(gap)
    assert gain["low"] <= gap <= gain["high"]
    assert together["served_ms"] > 0 and together["parameters"] > alone["parameters"]
    text = (tmp_path / "compare.md").read_text()
    assert "| kind | joint | accuracy" in text and "| kind | alone | accuracy" in text
    assert (tmp_path / "compare.png").stat().st_size > 1000


def test_the_page_of_all_parts_leads_to_that_of_each(run):
    folder, _ = run
    evaluate.evaluate(folder, split="valid")
    text = (folder / "report" / "index.html").read_text()
    report = json.loads((folder / "report.json").read_text())
    for name, metric in (("kind", "accuracy"), ("light", "r2")):
        page = folder / "parts" / name / "report" / "index.html"
        assert page.exists() and f'href="../parts/{name}/report/index.html"' in text
        assert f"{report['scores']['test'][f'{name}.{metric}']:.3f}" in text
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_the_published_model_answers_each_part_and_all_in_one(run, tmp_path):
    from tltf.export import saved_model

    folder, _ = run
    # which loads it in a process without tltf, and asks every signature
    done = saved_model.export(folder, tmp_path)
    assert done["name"] == "multitask-plain-kind-light"
    assert done["proof"]["records"] == 50
    loaded = tf.saved_model.load(done["path"])
    assert set(loaded.signatures) == {
        "serving_default",
        "features",
        "predict_examples",
        "kind",
        "light",
    }
    for name, output, own in (("kind", "scores", None), ("light", "value", 0)):
        text = (folder / "parts" / name / "answers_test.jsonl").read_text()
        rows = [json.loads(line) for line in text.splitlines()]
        files = tf.constant([pathlib.Path(row["file"]).read_bytes() for row in rows])
        expected = np.array([row["probabilities"] for row in rows])
        expected = expected if own is None else expected[:, own]
        for signature, key in ((name, output), ("serving_default", f"{name}_{output}")):
            found = loaded.signatures[signature](image_bytes=files)[key].numpy()
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    card = json.loads((tmp_path / done["name"] / "1" / "card.json").read_text())
    assert card["parts"]["kind"]["labels"] == list(KINDS)
    assert card["parts"]["light"]["task"] == "regression"
    assert "kind_scores" in card["signatures"]["serving_default"]["outputs"]


def test_a_part_may_not_take_the_name_of_a_signature(manifest):
    wrong = [{"name": "features", "label": "kind"}]
    with pytest.raises(errors.UserError, match="is a signature of every published"):
        recipe(manifest, parts=wrong)


@pytest.mark.parametrize("watch", ["mean", "kind", "light"])
def test_the_valid_loss_that_is_followed_is_that_of_the_watched_part(
    manifest, tmp_path, watch
):
    made = parts.start(recipe(manifest, joint={"watch": watch}), tmp_path)
    random = np.random.default_rng(0)
    count = len(made.merged("valid"))
    logits = {"kind": random.normal(size=(count, 3)).astype(np.float32)}
    logits["light"] = random.normal(60, 9, (count, 1)).astype(np.float32)
    row = joint.judge(made)(logits)
    each = {name: row[f"{name}.valid_loss"] for name in ("kind", "light")}
    each["mean"] = (each["kind"] + each["light"]) / 2
    assert row["valid_loss"] == pytest.approx(each[watch])
    # of the records that carry the label, in the part's own order
    rows = made.merged("valid").rows["kind"]
    labels = made.jobs["kind"].records.part("valid").labels
    chosen = logits["kind"][rows]
    right = np.log(np.exp(chosen).sum(1)) - chosen[np.arange(len(rows)), labels]
    assert each["kind"] == pytest.approx(right.mean(), rel=1e-5)
