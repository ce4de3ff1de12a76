import logging
import pathlib
import re

import pytest
import yaml

from tltf import errors
from tltf.export import configs

text_format = pytest.importorskip("google.protobuf.text_format")
model_server = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")


def publish(model: pathlib.Path, number: int, **options):
    (model / str(number)).mkdir(parents=True)
    configs.write(model, **options)


def parsed(model: pathlib.Path):
    whole = model_server.ModelServerConfig()
    text_format.Parse((model / "models.config").read_text(), whole)
    [config] = whole.model_config_list.config
    return config


def served(model: pathlib.Path) -> tuple[list[int], dict[str, int]]:
    """What TensorFlow Serving would read."""
    config = parsed(model)
    policy = config.model_version_policy
    assert policy.WhichOneof("policy_choice") == "specific"
    return list(policy.specific.versions), dict(config.version_labels)


def test_export_labels_the_new_version_stable_and_canary(tmp_path):
    publish(tmp_path / "m", 1)
    assert served(tmp_path / "m") == ([1], {"stable": 1, "canary": 1})
    publish(tmp_path / "m", 2)
    assert served(tmp_path / "m") == ([2], {"stable": 2, "canary": 2})
    config = parsed(tmp_path / "m")
    assert (config.name, config.base_path) == ("m", "/models/m")
    assert config.model_platform == "tensorflow"


def test_canary_leaves_stable_until_it_is_promoted(tmp_path):
    publish(tmp_path / "m", 1)
    publish(tmp_path / "m", 2, canary=True)
    assert served(tmp_path / "m") == ([1, 2], {"stable": 1, "canary": 2})
    assert configs.promote(tmp_path / "m") == {"stable": 2, "canary": 2}
    assert served(tmp_path / "m") == ([2], {"stable": 2, "canary": 2})


def test_rollback_goes_to_the_version_before_and_deletes_nothing(tmp_path):
    for number in (1, 3, 4):
        publish(tmp_path / "m", number)
    assert configs.rollback(tmp_path / "m") == {"stable": 3, "canary": 3}
    assert served(tmp_path / "m") == ([3], {"stable": 3, "canary": 3})
    assert configs.rollback(tmp_path / "m")["stable"] == 1
    assert all((tmp_path / "m" / str(n)).is_dir() for n in (1, 3, 4))
    with pytest.raises(errors.UserError, match="none before it"):
        configs.rollback(tmp_path / "m")


def test_rollback_leaves_another_canary_alone(tmp_path):
    publish(tmp_path / "m", 1)
    publish(tmp_path / "m", 2)
    publish(tmp_path / "m", 3, canary=True)
    assert configs.rollback(tmp_path / "m") == {"stable": 1, "canary": 3}


def test_values_tuned_by_hand_outlive_an_export(tmp_path):
    publish(tmp_path / "m", 1)
    path = tmp_path / "m" / "models.config"
    path.write_text(path.read_text().replace('"/models/m"', '"/srv/m"'))
    (tmp_path / "m" / "batching_parameters.txt").write_text("mine")
    publish(tmp_path / "m", 2)
    assert parsed(tmp_path / "m").base_path == "/srv/m"
    assert served(tmp_path / "m")[0] == [2]
    assert (tmp_path / "m" / "batching_parameters.txt").read_text() == "mine"


def test_settings_of_the_release_before_get_labels(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "models.config").write_text(
        'model_config_list {\n  config {\n    name: "m"\n    base_path: "/models/m"\n'
        '    model_platform: "tensorflow"\n'
        "    model_version_policy { latest { num_versions: 1 } }\n  }\n}\n"
    )
    publish(tmp_path / "m", 1)
    assert served(tmp_path / "m") == ([1], {"stable": 1, "canary": 1})


def test_settings_of_another_form_are_left_and_that_is_said(tmp_path, caplog):
    (tmp_path / "m").mkdir()
    text = 'model_config_list { config { name: "m" } }'
    (tmp_path / "m" / "models.config").write_text(text)
    with caplog.at_level(logging.WARNING):
        publish(tmp_path / "m", 1)
    assert (tmp_path / "m" / "models.config").read_text() == text
    assert "changed by hand" in caplog.text
    with pytest.raises(errors.UserError, match="no labels stable and canary"):
        configs.rollback(tmp_path / "m")


@pytest.mark.parametrize("name", ["m", "image_class-mobilenet_v2.1-photos", "9"])
def test_manifests_are_yaml_that_names_the_files_beside(name, tmp_path):
    model = tmp_path / name
    publish(model, 1)
    compose = yaml.safe_load((model / "docker-compose.yml").read_text())
    deployment, service = yaml.safe_load_all((model / "kubernetes.yaml").read_text())
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    for given in (compose["services"]["serving"]["command"], container["args"]):
        flags = dict(re.fullmatch(r"--(\w+)=?(.*)", flag).groups() for flag in given)
        files = [flags[key] for key in flags if key.endswith("_file")]
        assert len(files) == 3
        for file in files:
            assert (tmp_path / pathlib.Path(file).relative_to("/models")).is_file()
    host = service["metadata"]["name"]
    assert re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", host)
    assert deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]


def test_metrics_are_asked_where_both_servers_give_them(tmp_path):
    publish(tmp_path / "m", 1)
    text = (tmp_path / "m/monitoring.config").read_text()
    # the package of its protocol is not published
    assert re.search(r"prometheus_config \{\s+enable: true\s+path: ", text)
    assert '"/monitoring/prometheus/metrics"' in text
