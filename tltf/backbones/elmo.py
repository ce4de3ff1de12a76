"""ELMo: words in their sentence, from characters through two-direction LSTMs."""

import pathlib

from tltf import errors
from tltf.backbones._base import TextBackbone, Weights
from tltf.fetch import weights as weight_files
from tltf.text import elmo_options

_GROUPS = (
    ("characters", r"characters"),
    ("lstm", r"lstm_(forward|backward)_\d+$"),
    ("mix", r"mix$"),
)
_FILTERS = ((1, 32), (2, 32), (3, 64), (4, 128), (5, 256), (6, 512), (7, 1024))
_URL = "https://s3-us-west-2.amazonaws.com/allennlp/models/elmo/{0}/{0}_weights.hdf5"
_LENGTH = 128  # tokens of a text


def _published(dim, projection, highways, suffix=""):
    options = elmo_options.Options(
        dim=dim, projection=projection, highways=highways, filters=_FILTERS
    )
    name = f"elmo_2x{dim}_{projection}_2048cnn_{highways}xhighway{suffix}"
    found = Weights(file=f"{name}_weights.hdf5", url=_URL.format(name))
    return options, found


def _variant(options, weights=None, parameters=None):
    return TextBackbone(
        codec="chars",
        length=_LENGTH,
        features=2 * options.projection if options else 0,
        groups=_GROUPS,
        weights=weights,
        arguments={"options": options},
        parameters=parameters,
    )


_TINY = elmo_options.Options(
    dim=8, projection=4, embedding=4, filters=((1, 4), (2, 4), (3, 8))
)

# parameters: the published counts (ELMo's page), and the 4 of the mix
VARIANTS = {
    "small": _variant(*_published(1024, 128, 1), 13_593_300),
    "medium": _variant(*_published(2048, 256, 1), 28_027_732),
    "original": _variant(*_published(4096, 512, 2), 93_600_852),
    "5.5b": _variant(*_published(4096, 512, 2, "_5.5B"), 93_600_852),
    "tiny": _variant(_TINY, parameters=3_100),
    # sizes from the options.json beside the weights given
    "own": _variant(None),
}


def resolve(spec, choice: str) -> pathlib.Path:
    """Returns the HDF5 file that `choice` means.

    Args:
      spec: One of `VARIANTS`.
      choice: `auto` for the published weights (cache, download), the path of an
        HDF5 file, or a folder with `weights.hdf5`, such as of `tltf pretrain`.

    Raises:
      UserError: They are not there and cannot be had.
    """
    path = pathlib.Path(choice).expanduser()
    if path.is_dir() and choice not in ("auto", "imagenet"):
        return weight_files.resolve(None, str(path / "weights.hdf5"), name="elmo")
    return weight_files.resolve(spec.weights, choice, name="this size of elmo")


def build(spec, *, words=(), length=None, weights=None):
    """Returns the encoder, from {"chars": int32 `[b, t, 50]`}.

    Its outputs are `sequence`, the mix of all layers, `vector`, its mean over the
    tokens, `layers`, that of each layer `[b, layers, features]`, from which a mix
    can be learnt, and `mask`.

    Args:
      spec: One of `VARIANTS`.
      words: Not used: a word is its characters.
      length: Not used: texts may be of any length.
      weights: HDF5 file, folder of one, or None for a random start. The network
        has the sizes of the variant; those of the `options.json` beside the file
        where the variant is `own`.

    Raises:
      UserError: The file does not fit, or there is none for `own`.
    """
    import keras

    from tltf.layers import mix
    from tltf.ops import characters
    from tltf.text import elmo, elmo_weights

    path = _file(weights)
    options, arrays = elmo.opened(options_of(spec, path), path)
    chars = keras.Input((None, characters.LENGTH), name="chars", dtype="int32")
    found = elmo.graph(chars, options)
    mask = found["mask"]
    means = [
        mix.MaskedMean(name=f"mean_{depth}")(layer, mask)
        for depth, layer in enumerate(found["layers"])
    ]
    outputs = {
        "vector": mix.MaskedMean(name="vector")(found["elmo"], mask),
        "sequence": found["elmo"],
        "mask": mask,
        "layers": keras.ops.stack(means, 1),
    }
    model = keras.Model({"chars": chars}, outputs, name="encoder")
    if arrays:
        elmo_weights.assign(model, options, arrays)
    return model


def _file(weights) -> pathlib.Path | None:
    if weights is None:
        return None
    path = pathlib.Path(weights)
    return path / "weights.hdf5" if path.is_dir() else path


def options_of(spec, path) -> elmo_options.Options:
    """Returns the sizes of a variant; of `own` those beside its weights file.

    Raises:
      UserError: No weights for `own`, or nothing beside them.
    """
    if spec.arguments["options"]:
        return spec.arguments["options"]
    if path is None:
        raise errors.UserError(
            "weights: elmo/own has the sizes of the weights given; set weights to a "
            "folder with options.json and weights.hdf5"
        )
    # the published pairs are NAME_weights.hdf5 and NAME_options.json
    named = path.with_name(path.name.replace("weights.hdf5", "options.json"))
    return elmo_options.read(
        named if named.is_file() else path.with_name("options.json")
    )
