"""Ants and bees: 244 photographs to train on, 153 to validate (PyTorch tutorial)."""

from tltf.sources import _base, _layout, _published

CARD = _base.Card(
    title="Hymenoptera: ants and bees, the set of PyTorch's transfer tutorial",
    homepage="https://pytorch.org/tutorials/beginner/transfer_learning_tutorial.html",
    licence="photographs from ImageNet; their owners' terms, research and teaching",
    citation="S. Chilamkurthy, Transfer Learning for Computer Vision Tutorial, "
    "PyTorch, 2017",
    # the publisher gives no checksum
    files=(("https://download.pytorch.org/tutorial/hymenoptera_data.zip", None, None),),
)

_STRAY = {
    "train/ants/imageNotFound.gif": "placeholder of a lost photograph, not an ant"
}


def load(
    argument: str = "", *, path: str | None = None, strict: bool = True
) -> _base.Table:
    """Returns the records of `{train,val}/{ants,bees}`.

    Args:
      argument: Not used.
      path: Folder of an own copy; by default the cache, then a download.
      strict: As of `folder`.

    Raises:
      UserError: The set is nowhere and cannot be downloaded.
    """
    root = _published.folder("hymenoptera", CARD, path, inner=("hymenoptera_data",))
    return _layout.read(root, source="hymenoptera", strict=strict, stray=_STRAY)
