"""AWD-LSTM, the encoder of ULMFiT, from a language model's weights."""

import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tltf import errors
from tltf.backbones import _base

if TYPE_CHECKING:
    import keras


def _variant(*, embedding, hidden, layers, multiplier, backward=False, shipped=None):
    shape = {"embedding": embedding, "hidden": hidden, "layers": layers}
    arguments = {"shape": shape, "multiplier": multiplier, "backward": backward}
    arguments["shipped"] = shipped
    groups = [("words", "words")]
    groups += [(f"lstm_{k}", f"lstm_{k}") for k in range(layers)]
    return _base.TextBackbone(
        codec="rules",
        length=1400,
        features=3 * embedding,
        groups=tuple(groups),
        arguments=arguments,
        parameters=_parameters(**shape),
    )


def _parameters(*, embedding, hidden, layers):
    ends = [embedding, *[hidden] * (layers - 1), embedding]
    pairs = zip(ends[:-1], ends[1:], strict=True)
    return sum(4 * units * (given + units + 1) for given, units in pairs)


# full: Howard & Ruder's sizes, hidden as in fastai 2; 1400 tokens: theirs, 20 x 70.
_FULL = {"embedding": 400, "hidden": 1152, "layers": 3, "multiplier": 1.0}
# of the models that tools/pretrain_language_models.py makes
_SMALL = {"embedding": 144, "hidden": 320, "layers": 2, "multiplier": 0.5}
_TINY = {"embedding": 8, "hidden": 12, "layers": 2, "multiplier": 0.5}

VARIANTS = {
    "full": _variant(**_FULL),
    "full_backward": _variant(**_FULL, backward=True),
    "small": _variant(**_SMALL, shipped="awd_lstm_small_forward"),
    "small_backward": _variant(
        **_SMALL, backward=True, shipped="awd_lstm_small_backward"
    ),
    "tiny": _variant(**_TINY),
    "tiny_backward": _variant(**_TINY, backward=True),
}


def resolve(spec: _base.TextBackbone, choice: str) -> pathlib.Path:
    """Returns the folder of a language model: the shipped one, or that of a path.

    Raises:
      UserError: There is none.
    """
    shipped = spec.arguments["shipped"]
    if choice not in ("auto", "imagenet"):
        path = pathlib.Path(choice).expanduser()
        if not (path / "lm.json").is_file():
            raise errors.UserError(
                f"weights: {choice!r} is no folder of a language model; "
                "`tltf pretrain --method=awd_lstm` makes one"
            )
        return path
    path = pathlib.Path(__file__).parents[1] / "text" / "models" / str(shipped)
    if shipped is None or not path.is_dir():
        raise errors.UserError(
            f"weights: {choice}: no language model of this size is shipped; take "
            "none, or the folder that `tltf pretrain --method=awd_lstm` makes"
        )
    return path


def build(
    spec: _base.TextBackbone,
    *,
    words: Sequence[str] = (),
    length: int | None = None,
    weights: pathlib.Path | str | None = None,
) -> "keras.Model":
    """Returns {"tokens": int32 `[b, t]`} to "vector", "sequence" and "mask".

    The vector is [last, max, mean] of the last layer over the real tokens. Texts
    are read in chunks of 70 tokens, the state carried on and no gradient flowing
    back over a chunk's border (BPT3C). A backward variant reads from the end;
    its sequence stands in the text's order.

    Args:
      spec: Of VARIANTS.
      words: Word of each id; a language model's rows are moved to them.
      length: Read by no layer: texts may have any length.
      weights: Folder of a language model; None for a random start.

    Raises:
      UserError: The folder holds no language model of this variant.

    Source:
      Howard & Ruder 2018 (arXiv:1801.06146), section 3.3.
    """
    from tltf.text import awd_lstm, language_model

    del length
    arguments = spec.arguments
    encoder = awd_lstm.encoder(
        max(len(words), 2),
        shape=arguments["shape"],
        multiplier=arguments["multiplier"],
        backward=arguments["backward"],
    )
    if weights is not None:
        source = language_model.load(pathlib.Path(weights))
        awd_lstm.fits(source, arguments["shape"], arguments["backward"], str(weights))
        awd_lstm.put(encoder, language_model.remap(source, words))
    return encoder
