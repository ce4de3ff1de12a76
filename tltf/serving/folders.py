"""Which versions of a published model are to be served, and their labels."""

import dataclasses
import pathlib

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from tltf import errors
from tltf.export import publish


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the folder of a model asks for.

    Attributes:
      versions: Numbers, in rising order.
      labels: Numbers by label.
    """

    versions: tuple[int, ...]
    labels: dict[str, int]


def models(saved_models: pathlib.Path) -> dict[str, pathlib.Path]:
    """Returns the folders that hold at least one version, by model name."""
    folders = sorted(path for path in saved_models.iterdir() if path.is_dir())
    return {path.name: path for path in folders if _complete(path)}


def wanted(model: pathlib.Path) -> Wanted:
    """Returns what `models.config` in a model's folder asks for.

    Without that file, or without a policy in it, the newest version is served.

    Raises:
      UserError: The file is no configuration of TensorFlow Serving.
    """
    config = _config(model)
    policy = config.model_version_policy
    versions = _complete(model)
    match policy.WhichOneof("policy_choice"):
        case "all":
            chosen = versions
        case "specific":
            chosen = [n for n in versions if n in set(policy.specific.versions)]
        case _:
            chosen = versions[-(policy.latest.num_versions or 1) :]
    return Wanted(versions=tuple(chosen), labels=dict(config.version_labels))


def _complete(model: pathlib.Path) -> list[int]:
    return [
        number
        for number in publish.versions(model)
        if (model / str(number) / "saved_model.pb").is_file()
    ]


def _config(model: pathlib.Path) -> model_server_config_pb2.ModelConfig:
    path = model / "models.config"
    whole = model_server_config_pb2.ModelServerConfig()
    try:
        text_format.Parse(path.read_text(encoding="utf-8"), whole)
    except FileNotFoundError:
        return model_server_config_pb2.ModelConfig()
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise errors.UserError(
            f"{path} is no configuration of TensorFlow Serving: {error}; mend it, or "
            "delete it to serve the newest version"
        ) from None
    for config in whole.model_config_list.config:
        if config.name == model.name:
            return config
    raise errors.UserError(
        f"{path} has no config with name {model.name!r}, that of the folder; mend it, "
        "or delete it to serve the newest version"
    )
