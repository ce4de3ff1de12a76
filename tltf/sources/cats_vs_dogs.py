"""Dogs vs. Cats: 25,000 photographs of the Asirra challenge, two classes."""

from tltf.sources import _base, _layout, _published

CARD = _base.Card(
    title="Dogs vs. Cats (Asirra), two classes",
    homepage="https://www.microsoft.com/en-us/download/details.aspx?id=54765",
    licence="Microsoft Research; for non-commercial research, see the homepage",
    citation="J. Elson, J. R. Douceur, J. Howell, J. Saul, Asirra: A CAPTCHA that "
    "Exploits Interest-Aligned Manual Image Categorization, ACM CCS 2007",
    # sha256 and size as registered by tensorflow_datasets 4.9.10
    files=(
        (
            "https://download.microsoft.com/download/3/E/1/"
            "3E1C3F21-ECDB-4869-8368-6DEBA77B919F/kagglecatsanddogs_5340.zip",
            "b7974bd00a84a99921f36ee4403f089853777b5ae8d151c76a86e64900334af9",
            824887076,
        ),
    ),
)


def load(
    argument: str = "", *, path: str | None = None, strict: bool = True
) -> _base.Table:
    """Returns the records of `PetImages/{Cat,Dog}`, or of any class folders.

    The published archive has no splits, and some files that do not decode;
    `data.bad: skip` leaves them out.

    Args:
      argument: Not used.
      path: Folder of an own copy; by default the cache, then a download.
      strict: As of `folder`.

    Raises:
      UserError: The set is nowhere and cannot be downloaded.
    """
    root = _published.folder("cats_vs_dogs", CARD, path, inner=("PetImages",))
    return _layout.read(root, source="cats_vs_dogs", strict=strict)
