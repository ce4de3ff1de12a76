"""Words for people out of messages of TensorFlow."""

import re


def cause(message: str) -> str:
    """Returns the words of a TensorFlow message, without node names and newlines."""
    # The words stand last before the first node, after any stack trace.
    before = re.split(r"\s*\[\[\{\{", message)[0].strip()
    last = before.splitlines()[-1] if before else ""
    last = last.partition("assertion failed: ")[2] or last
    last = re.sub(r"^\s*\(\d+\) [A-Z_ ]+: |\{\{[^}]*\}\}|[\[\]\"]", "", last)
    return last.strip() or "cannot be decoded"
