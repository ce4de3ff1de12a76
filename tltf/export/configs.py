"""Settings of TensorFlow Serving that stand beside a model's versions."""

import os
import pathlib

from tltf.fetch import files

_MODELS = """\
# tensorflow_model_server --model_config_file=/models/{name}/models.config
# with this folder mounted at /models/{name}; the newest version is served.
model_config_list {{
  config {{
    name: "{name}"
    base_path: "/models/{name}"
    model_platform: "tensorflow"
    model_version_policy {{ latest {{ num_versions: 1 }} }}
  }}
}}
"""
# The batch dimension is free, so any size up to the largest may be formed.
_BATCHING = """\
# --enable_batching --batching_parameters_file=/models/{name}/batching_parameters.txt
# To begin with; tune on your machine: more threads than cores only wait, and the
# timeout is what the first request of a batch waits for others.
max_batch_size {{ value: 32 }}
batch_timeout_micros {{ value: 1000 }}
max_enqueued_batches {{ value: 100 }}
num_batch_threads {{ value: {cores} }}
"""


def write(model: pathlib.Path) -> None:
    """Writes `models.config` and `batching_parameters.txt` where they are missing.

    What stands is kept, for the values are there to be tuned by hand.
    """
    values = {"name": model.name, "cores": os.cpu_count() or 1}
    for file, text in (
        ("models.config", _MODELS),
        ("batching_parameters.txt", _BATCHING),
    ):
        if not (model / file).exists():
            files.write_text(model / file, text.format(**values))
