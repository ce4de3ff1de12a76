"""Lines of the files that runs write."""


def of(text: str) -> list[str]:
    r"""Returns the lines of a text, parted by `\n` alone.

    `str.splitlines` also parts at U+0085, U+2028 and others, which stand inside of
    texts that a line of JSON quotes as they are.
    """
    return text.removesuffix("\n").split("\n") if text else []
