"""Images in class folders, `PATH/<class>/*` or `PATH/{train,val,test}/<class>/*`."""

from tltf.sources import _base, _layout

CARD = _base.Card(title="Images in class folders (folder:PATH)")


def load(argument: str, *, strict: bool = True) -> _base.Table:
    """Returns the records of class folders; classes are in sorted order.

    Args:
      argument: The folder, `~` allowed. Split folders are train, val (or
        valid, validation) and test; each must hold the same classes.
      strict: Whether an empty or missing class is an error; otherwise it is
        listed in `skipped`.

    Raises:
      UserError: The folder cannot be read, has no images, one class only, or
        a class without images in one of its splits.
    """
    return _layout.read(argument, source="folder", strict=strict)
