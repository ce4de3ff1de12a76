"""Names each file of a data set that is bad, with its cause."""

from collections.abc import Sequence

from tltf.data import _looks

LIMIT_PIXELS = _looks.LIMIT_PIXELS


def undecodable(paths: Sequence[str], digests: Sequence[str]) -> dict[int, str]:
    """Returns the cause for each file that cannot be learnt from, by its row.

    Every file is decoded in full once; later calls remember its verdict by
    content, in the cache folder.

    Args:
      paths: Absolute paths of images.
      digests: SHA-256 of each file, hex; empty for a file that cannot be read.

    Raises:
      UserError: The cache folder cannot be written.
    """
    seen = _looks.looks(paths, digests)
    return {row: one.fatal for row, one in enumerate(seen) if one.fatal}
