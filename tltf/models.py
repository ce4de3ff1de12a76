"""Lists and builds encoders by name."""

import typing
from collections.abc import Sequence

from tltf import errors, registry
from tltf.backbones import _base

if typing.TYPE_CHECKING:
    import keras

_KINDS = ("image", "text")


def list_models(kind: str = "image") -> list[str]:
    """Returns the names that `create_model` takes, sorted; imports no TensorFlow.

    Args:
      kind: What the encoders read, `"image"` or `"text"`.

    Raises:
      UserError: There are no encoders of this kind.
    """
    if kind not in _KINDS:
        raise errors.UserError(registry.unknown(f"no kind {kind!r}", kind, [*_KINDS]))
    return sorted(
        f"{file}/{form}"
        for file in registry.names("backbones")
        for form, spec in registry.find("backbones", file).VARIANTS.items()
        # a place-holder for a network from elsewhere has no features
        if spec.kind == kind and spec.features
    )


def create_model(
    name: str,
    *,
    weights: str = "auto",
    side: int | None = None,
    words: Sequence[str] = (),
    length: int | None = None,
) -> "keras.Model":
    """Returns an encoder.

    Args:
      name: `file/variant` as in `list_models`; without a slash, `file/full`.
      weights: `auto` or `imagenet` (installed package, cache, download),
        `none` for a random start, or the path of a file.
      side: Height and width in pixels; the backbone's own by default.
      words: Word of each id, for an encoder of words; the first two stand for
        padding and for unknown words.
      length: Tokens of every text, where the encoder fixes them; its own by
        default.

    Returns:
      Functional model from {"image": RGB in 0..255, uint8 or float32,
      `[batch, side, side, 3]`} to {"vector": float32 `[batch, features]`,
      "map": `[batch, height, width, channels]`}; of texts, from {"tokens": int32
      `[batch, tokens]`} or {"chars": int32 `[batch, tokens, 50]`} to {"vector",
      "sequence": float32 `[batch, tokens, features]`, "mask": bool}.

    Raises:
      UserError: No such name, no such weights, or a side below the least.
    """
    module, form = registry.variant(name)
    spec = module.VARIANTS[form]
    path = _base.resolve(module, spec, weights, name=name)
    options = {"side": side}
    if spec.kind == "text":
        options = {"words": words, "length": length}
    whole = name if "/" in name else f"{name}/full"
    return _base.build(module, spec, name=whole, weights=path, **options)
