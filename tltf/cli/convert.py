"""Foreign weights into ours and back: word vectors, fastai's models, ELMo.

Usage: tltf convert --to=FORMAT INPUT OUTPUT

--to=glove, word2vec, word2vec_binary, fasttext: word vectors of any format that
`tltf nearest` reads, to that format; .gz compresses.
--to=awd_lstm: fastai's .pth, with --words=itos_wt103.pkl, to a folder that goes into
a recipe as `weights:` (also --backward for a backward model).
--to=hub: a folder with ELMo's options.json and weights.hdf5, to a TensorFlow Hub
module with the signatures `default` and `tokens`.
--to=bilm: a run that fine-tuned ELMo, to a folder with options.json and weights.hdf5.
"""

import os
import pathlib
import shutil
import tempfile

from absl import flags

from tltf import errors
from tltf.cli import _main

_VECTORS = ("glove", "word2vec", "word2vec_binary", "fasttext")
_TO = flags.DEFINE_enum("to", None, [*_VECTORS, "awd_lstm", "hub", "bilm"], "Format.")
_WORDS = flags.DEFINE_string("words", None, "fastai's list of words, itos_*.pkl.")
_BACKWARD = flags.DEFINE_bool("backward", False, "A model of texts from their end.")


def main(argv: list[str]) -> None:
    """Converts and says what was written."""
    if len(argv) != 3 or not _TO.value:
        raise errors.UserError(
            "give --to=FORMAT, an input and an output, as in "
            "tltf convert --to=word2vec_binary glove.6B.50d.txt glove.bin"
        )
    given, made = pathlib.Path(argv[1]).expanduser(), pathlib.Path(argv[2]).expanduser()
    if _TO.value in _VECTORS:
        _vectors(argv[1], made)
    else:
        if not given.exists():
            raise errors.UserError(f"{given}: no such file or folder")
        if made.exists():
            raise errors.UserError(f"{made} is there already; name a new folder")
        {"awd_lstm": _awd_lstm, "hub": _hub, "bilm": _bilm}[_TO.value](given, made)
    _main.out(str(made))


def run() -> None:
    """Runs the command."""
    _main.run(main)


def _vectors(name: str, made: pathlib.Path) -> None:
    from tltf.text import vector_formats, vectors

    vector_formats.write(vectors.load_vectors(name), made, _TO.value)


def _awd_lstm(given: pathlib.Path, made: pathlib.Path) -> None:
    from tltf.text import fastai, language_model

    if not _WORDS.value:
        raise errors.UserError("--words: name fastai's list of words, itos_*.pkl")
    words = pathlib.Path(_WORDS.value).expanduser()
    model = fastai.read(given, words, backward=_BACKWARD.value)
    made.parent.mkdir(parents=True, exist_ok=True)
    half = pathlib.Path(tempfile.mkdtemp(dir=made.parent, prefix=f".{made.name}."))
    try:
        language_model.save(model, half)
        half.chmod(0o755)
        os.replace(half, made)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise


def _hub(given: pathlib.Path, made: pathlib.Path) -> None:
    _main.tensorflow()
    from tltf.text import elmo, elmo_module

    options, weights = given / "options.json", given / "weights.hdf5"
    model = elmo.load_elmo(options, weights, trainable="mix")
    elmo_module.export(model, made)


def _bilm(given: pathlib.Path, made: pathlib.Path) -> None:
    _main.tensorflow()
    import json

    import keras

    from tltf import config, layers, registry  # noqa: F401  layers to be read
    from tltf.fetch import files
    from tltf.text import elmo_options, elmo_weights

    if not (given / "recipe.yaml").is_file():
        raise errors.UserError(f"{given} is no run folder (no recipe.yaml)")
    recipe = config.load(given / "recipe.yaml")
    module, form = registry.variant(recipe.backbone)
    if not recipe.backbone.startswith("elmo/"):
        raise errors.UserError(f"{given}: a run of {recipe.backbone}, not of elmo")
    spec = module.VARIANTS[form]
    path = None if recipe.weights == "none" else module.resolve(spec, recipe.weights)
    options = module.options_of(spec, path)
    model = keras.saving.load_model(given / "checkpoints/model.keras", compile=False)
    made.mkdir(parents=True)
    elmo_weights.write(model, options, made / "weights.hdf5")
    text = json.dumps(elmo_options.as_json(options), indent=2) + "\n"
    files.write_text(made / "options.json", text)


if __name__ == "__main__":
    run()
