import concurrent.futures
import dataclasses
import json
import pathlib
import subprocess
import sys

import made_runs
import numpy as np
import pytest
import tensorflow as tf

from tltf import errors
from tltf.export import local, proof, publish, saved_model, serving, warmup
from tltf.export import run as runs

# `python -I` has no tltf on its path unless it is installed, so it is also barred.
_FRESH = """
import json, sys
sys.modules["tltf"] = None
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
files = [open(path, "rb").read() for path in sys.argv[2:]]
out = model.signatures["serving_default"](image_bytes=tf.constant(files))
none = model.signatures["serving_default"](image_bytes=tf.zeros([0], tf.string))
features = model.signatures["features"](image_bytes=tf.constant(files))["features"]
print(json.dumps({
    "scores": out["scores"].numpy().tolist(),
    "classes": [name.decode() for name in out["classes"].numpy()],
    "accepted": out["accepted"].numpy().tolist() if "accepted" in out else None,
    "none": list(none["scores"].shape),
    "features": features.numpy().tolist(),
    "modules": [name for name in sys.modules if name.startswith("keras")],
}))
"""


def fresh(path, files):
    done = subprocess.run(
        [sys.executable, "-I", "-c", _FRESH, str(path), *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    root = tmp_path_factory.mktemp("published")
    files, answers = made_runs.make(root / "run")
    done = saved_model.export(root / "run", root / "saved_models", "cloth")
    return root, files, answers, pathlib.Path(done["path"])


def test_fresh_process_without_tltf_answers_as_the_keras_model(published):
    root, files, answers, path = published
    got = fresh(path, files)
    expected = [row["probabilities"] for row in answers]
    np.testing.assert_allclose(got["scores"], expected, rtol=1e-4, atol=1e-6)
    assert got["classes"] == [row["answer"] for row in answers]
    assert got["none"] == [0, 3]
    model = runs.model(runs.read(root / "run"))
    vectors = _vectors(model, files)
    np.testing.assert_allclose(got["features"], vectors, rtol=1e-4, atol=1e-5)


def _vectors(model, files):
    """The encoder's vectors, layer by layer, without the exporter's code."""
    from tltf.ops import images

    found = np.stack([images.load(file.read_bytes(), side=32) for file in files])
    for layer in model.layers[1:]:
        if layer.name.startswith("head_"):
            break
        found = layer(found)
    return np.asarray(found)


def test_published_folder_holds_what_the_contract_lists(published):
    path = published[-1]
    inside = {p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file()}
    assert inside >= {
        "saved_model.pb",
        "variables/variables.index",
        "assets/labels.txt",
        "assets.extra/tf_serving_warmup_requests",
        "card.json",
    }
    assert (path / "assets/labels.txt").read_text().splitlines() == list(
        made_runs.LABELS
    )
    beside = {p.name for p in path.parent.iterdir()}
    assert beside == {
        path.name,
        "models.config",
        "batching_parameters.txt",
        "monitoring.config",
        "docker-compose.yml",
        "kubernetes.yaml",
    }


def test_card_states_scores_labels_weights_and_proof(published):
    root, _, _, path = published
    card = json.loads((path / "card.json").read_text())
    report = json.loads((root / "run/report.json").read_text())
    assert card["scores"] == report["scores"]
    assert card["labels"] == list(made_runs.LABELS)
    assert card["weights"]["sha256"] == "0" * 64
    assert card["licence_of_weights"] == "Apache-2.0"
    assert card["temperature"] == 1.7
    assert card["proof"]["records"] == 9
    assert card["proof"]["largest_difference"] < 1e-5


def test_examples_and_bytes_get_the_same_scores(published):
    _, files, _, path = published
    loaded = tf.saved_model.load(str(path))
    records = [file.read_bytes() for file in files[:3]]
    examples = [
        tf.train.Example(
            features=tf.train.Features(
                feature={
                    "image_bytes": tf.train.Feature(
                        bytes_list=tf.train.BytesList(value=[record])
                    )
                }
            )
        ).SerializeToString()
        for record in records
    ]
    plain = loaded.signatures["serving_default"](image_bytes=tf.constant(records))
    other = loaded.signatures["predict_examples"](examples=tf.constant(examples))
    np.testing.assert_allclose(plain["scores"], other["scores"], rtol=1e-5)


def test_broken_image_is_refused_with_its_cause(published):
    _, files, _, path = published
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="not an image"):
        serve(image_bytes=tf.constant([files[0].read_bytes(), b"some words"]))


def test_warm_up_requests_are_valid_for_tensorflow_serving(published):
    logs = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    _, files, _, path = published
    file = path / "assets.extra/tf_serving_warmup_requests"
    records = [r.numpy() for r in tf.data.TFRecordDataset(str(file))]
    assert len(records) == 4
    request = logs.PredictionLog.FromString(records[0]).predict_log.request
    assert request.model_spec.name == "cloth"
    assert request.model_spec.signature_name == "serving_default"
    sent = tf.make_ndarray(request.inputs["image_bytes"])
    assert sent.tolist() == [files[0].read_bytes()]


def test_long_warm_up_request_survives_its_length_prefix():
    logs = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    contents = bytes(range(256)) * 1000
    log = logs.PredictionLog.FromString(warmup.request("m", contents))
    sent = tf.make_ndarray(log.predict_log.request.inputs["image_bytes"])
    assert sent.tolist() == [contents]


def test_other_answers_than_the_run_gave_are_refused_and_leave_nothing(tmp_path):
    made_runs.make(tmp_path / "run")
    path = tmp_path / "run/answers_valid.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    first = rows[0]["probabilities"]
    rows[0]["probabilities"] = [first[0] + 1e-3, first[1] - 1e-3, first[2]]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(errors.WorkError, match=r"differs from the run by 0\.001"):
        saved_model.export(tmp_path / "run", tmp_path / "saved_models")
    assert list((tmp_path / "saved_models").rglob("*")) == []


def test_labels_of_a_multi_label_run_are_accepted_by_their_thresholds(tmp_path):
    files, answers = made_runs.make(tmp_path / "run", several=True)
    run = runs.read(tmp_path / "run")
    assert saved_model.default_name(run) == "multi_label-plain-images"
    contents = tf.constant([file.read_bytes() for file in files])
    server = serving.Server(run)
    got = server.serve(contents)
    expected = np.array([row["probabilities"] for row in answers])
    np.testing.assert_allclose(got["scores"], expected, rtol=1e-4, atol=1e-6)
    accepted = expected >= np.array([0.4, 0.5, 0.6])
    assert 0 < accepted.sum() < accepted.size
    np.testing.assert_array_equal(got["accepted"], accepted)
    [answer] = local.answers(local.load(tmp_path / "run"), [str(files[0])], batch=4)
    assert answer.label == answers[0]["answer"]


def test_two_views_are_the_image_and_its_mirror_averaged_before_softmax(tmp_path):
    from tltf.ops import calibrate, images

    files, _ = made_runs.make(tmp_path / "run")
    run = runs.read(tmp_path / "run")
    recipe = run.recipe.model_copy(update={"tta": 2})
    server = serving.Server(dataclasses.replace(run, recipe=recipe))
    got = server.serve(tf.constant([files[1].read_bytes()]))["scores"]
    pixels = images.load(files[1].read_bytes(), side=32).numpy()
    views = np.stack([pixels, pixels[:, ::-1]])
    logits = np.asarray(runs.model(run)({"image": views}, training=False))
    assert not np.allclose(logits[0], logits[1], atol=1e-3)
    expected = calibrate.softmax(logits.mean(0) / run.temperature)
    np.testing.assert_allclose(got[0], expected, rtol=1e-4)


def test_two_exports_at_once_take_two_versions(tmp_path):
    model = tmp_path / "m"

    def one(number):
        with publish.building(model) as built:
            (built / "saved_model.pb").write_text(str(number))
            return publish.take(built, model)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        made = list(pool.map(one, range(24)))
    assert sorted(int(path.name) for path in made) == list(range(1, 25))
    assert {(p / "saved_model.pb").read_text() for p in made} == set(
        map(str, range(24))
    )
    assert publish.versions(model) == list(range(1, 25))


def test_a_version_taken_meanwhile_is_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(publish, "versions", lambda model: [4])
    for expected in ("5", "6"):
        with publish.building(tmp_path) as built:
            (built / "saved_model.pb").write_text(expected)
            assert publish.take(built, tmp_path).name == expected
    assert (tmp_path / "5/saved_model.pb").read_text() == "5"


def test_a_failed_build_leaves_the_older_versions_alone(tmp_path):
    (tmp_path / "m/3").mkdir(parents=True)
    with pytest.raises(ZeroDivisionError), publish.building(tmp_path / "m"):
        raise ZeroDivisionError
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["3"]


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b", "-x"])
def test_name_that_is_no_folder_name_is_refused(name, tmp_path):
    with pytest.raises(errors.UserError, match="--name"):
        publish.folder(tmp_path, name)


def test_fresh_process_that_fails_is_refused_with_its_reason(tmp_path, monkeypatch):
    script = tmp_path / "script.py"
    script.write_text("raise SystemExit('ValueError: no such op')")
    monkeypatch.setattr(proof, "_SCRIPT", script)
    rows = [{"file": __file__, "probabilities": [1.0]}]
    with pytest.raises(errors.WorkError, match=r"exit code 1\): ValueError: no such"):
        proof.check(tmp_path / "none", rows, precision="float32")


def test_images_that_are_gone_are_named(tmp_path):
    rows = [{"file": "/nowhere/a.jpg", "probabilities": [1.0]}]
    with pytest.raises(errors.WorkError, match=r"/nowhere/a\.jpg"):
        proof.pick(rows, tmp_path / "answers_valid.jsonl")


def test_run_without_network_says_so(tmp_path):
    made_runs.make(tmp_path / "run")
    (tmp_path / "run/checkpoints/model.keras").unlink()
    with pytest.raises(errors.UserError, match=r"model\.keras is missing"):
        runs.model(runs.read(tmp_path / "run"))


def test_folder_that_is_no_run_says_what_is_missing(tmp_path):
    with pytest.raises(errors.UserError, match=r"recipe\.yaml is missing"):
        runs.read(tmp_path)


def test_the_features_of_a_head_with_a_mask_are_no_mask():
    import keras

    from tltf import registry

    for name in ("bilstm", "bilstm_tags"):
        sequence = keras.Input((6, 4), name="sequence")
        x = sequence * 1.0
        for layer in registry.find("heads", name).layers(3, unit=False, dropout=0.1):
            x = layer(x)
        ends = serving.two_ended(keras.Model(sequence, x)).output
        assert ends["features"].dtype == "float32"
        assert ends["features"].shape[-1] == 256
