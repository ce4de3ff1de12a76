"""Reads the AWD-LSTMs that fastai publishes, without torch."""

import pathlib
import re
from collections.abc import Mapping, Sequence

import numpy as np

from tltf import errors
from tltf.fetch import torch_pickle
from tltf.ops import special
from tltf.text import language_model

# The paper's own files name special tokens otherwise than fastai 1 and 2.
_OLD = {
    "_unk_": special.UNKNOWN, "_pad_": special.PAD, "xbos": special.BEGIN,
    "xfld": special.FIELD, "tk_rep": special.REPEATED,
    "tk_wrep": special.REPEATED_WORD, "t_up": special.CAPITALS,
}  # fmt: skip


def read(
    weights: pathlib.Path, words: pathlib.Path, *, backward: bool
) -> language_model.LanguageModel:
    """Returns a published language model, its words in our order.

    Our ids begin with padding and the unknown word, fastai's the other way
    round; special tokens that the file lacks get the mean row. Words that no
    text can give (line breaks, doubles, fillers) are left out.

    Args:
      weights: `.pth` or `.h5` of fastai 1 or 2, or of the paper.
      words: `itos_*.pkl`, the list of words.
      backward: Whether it was trained on texts from their end.

    Raises:
      UserError: No such files, no AWD-LSTM in them, or they do not fit.
    """
    found = torch_pickle.read(weights)
    named = [_OLD.get(word, word) for word in torch_pickle.strings(words)]
    arrays = _arrays(found, str(weights))
    if len(named) != len(arrays["words/table"]):
        raise errors.UserError(
            f"{words} has {len(named)} words, {weights} "
            f"{len(arrays['words/table'])} rows; take the pair as published"
        )
    model = language_model.LanguageModel(
        words=tuple(named),
        arrays=arrays,
        backward=backward,
        about={"method": "fastai", "file": weights.name},
    )
    language_model.check(model, str(weights))
    return language_model.remap(model, _ours(named))


def _ours(words: Sequence[str]) -> list[str]:
    plain = [word for word in words if word and not re.search(r"\s", word)]
    known = [word for word in plain if word not in special.TOKENS and word != "xxfake"]
    return [*special.TOKENS, *dict.fromkeys(known)]


def _arrays(found: Mapping[str, np.ndarray], where: str) -> dict[str, np.ndarray]:
    # fastai's Learner.save puts the network under `model`; the language model
    # is a sequence of encoder (0) and decoder (1)
    short = {re.sub(r"^(model\.)?(0\.)?", "", name): a for name, a in found.items()}
    table = _one(short, where, "encoder.weight")
    arrays = {"words/table": table}
    bias = short.get("1.decoder.bias", np.zeros(len(table)))  # the paper's has none
    arrays["words/bias"] = bias.astype(np.float32)
    layers = [n for n in range(99) if any(x.startswith(f"rnns.{n}.") for x in short)]
    for number in layers:
        own, inner = f"rnns.{number}.", f"rnns.{number}.module."
        # the raw weights learn; the others are what one dropout left of them
        raw = [f"{own}weight_hh_l0_raw", f"{inner}weight_hh_l0_raw"]
        raw += [f"{inner}weight_hh_l0", f"{own}weight_hh_l0"]
        given = _one(short, where, f"{inner}weight_ih_l0", f"{own}weight_ih_l0")
        biases = [
            _one(short, where, f"{inner}bias_{kind}_l0", f"{own}bias_{kind}_l0")
            for kind in ("ih", "hh")
        ]
        arrays[f"lstm_{number}/kernel"] = np.ascontiguousarray(given.T)
        recurrent = _one(short, where, *raw)
        arrays[f"lstm_{number}/recurrent"] = np.ascontiguousarray(recurrent.T)
        arrays[f"lstm_{number}/bias"] = biases[0] + biases[1]
    return arrays


def _one(found: Mapping[str, np.ndarray], where: str, *names: str) -> np.ndarray:
    for name in names:
        if name in found:
            return found[name].astype(np.float32)
    raise errors.UserError(
        f"{where} is no AWD-LSTM of fastai: no tensor {names[0]}; "
        f"it has {', '.join(list(found)[:3])}"
    )
