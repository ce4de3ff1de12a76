"""Takes headers, quotes and signatures off a message, as scikit-learn does."""

import re

_QUOTE = re.compile(
    r"writes in|writes:|wrote:|says:|said:|^In article|^Quoted from|^\||^>"
)


def headers(message: str) -> str:
    """Returns what follows the first blank line.

    Source: scikit-learn, sklearn.datasets.fetch_20newsgroups.
    """
    return message.partition("\n\n")[2]


def quotes(message: str) -> str:
    """Returns the lines that neither quote nor introduce a quotation.

    Source: scikit-learn, as of `headers`.
    """
    return "\n".join(x for x in message.split("\n") if not _QUOTE.search(x))


def footers(message: str) -> str:
    """Returns what stands before the last line that is blank or of hyphens.

    Blank lines at the end do not count; a message without such a line, or with
    one as its first, is returned as it is.

    Source: scikit-learn, as of `headers`.
    """
    lines = message.strip().split("\n")
    marks = [at for at, line in enumerate(lines) if not line.strip().strip("-")]
    return "\n".join(lines[: marks[-1]]) if marks and marks[-1] else message
