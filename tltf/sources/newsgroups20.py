"""20 Newsgroups: 19,997 messages of Usenet in 20 groups, or the release by date."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tltf import errors
from tltf.sources import _base, _newsgroups_strip, _texts

_BY_DATE = (
    # address and sha256 as registered by scikit-learn
    "https://ndownloader.figshare.com/files/5975967",
    "8f1b2514ca22a5ade8fbb9cfa5727df95fa587f4c87b786e15c759fa66d95610",
    None,
)
CARD = _base.Card(
    title="20 Newsgroups: messages of 20 groups of Usenet, about 1000 of each",
    homepage="http://qwone.com/~jason/20Newsgroups/",
    licence="messages keep their writers' terms; for research",
    citation="K. Lang, NewsWeeder: Learning to Filter Netnews, ICML 1995",
    # the publisher gives no checksum
    files=(
        (
            "https://www.cs.cmu.edu/afs/cs.cmu.edu/project/theo-20/www/data/"
            "news20.tar.gz",
            None,
            None,
        ),
    ),
)

_PATH = r"(?:20news-bydate-(train|test)/)?([a-z]+(?:\.[a-z-]+)+)/(\d+)$"
_STRIP = {
    "headers": _newsgroups_strip.headers,
    "footers": _newsgroups_strip.footers,
    "quotes": _newsgroups_strip.quotes,
}


class _Message(NamedTuple):
    """A message as published; `split` is `all` in the original release."""

    id: str
    group: str
    split: str
    text: str


def load(
    argument: str = "",
    *,
    path: str | None = None,
    remove: Sequence[str] = ("headers",),
    repeated: str = "skip",
    release: str = "original",
) -> _base.Table:
    """Returns the messages; the class is the group.

    Messages are UTF-8, or else Latin-1. The original release has no splits; the
    one by date has `train` and `test`. Messages without a body are no records.
    Of messages with the same body, such as those sent to several groups, the
    first by id is kept, in `test` before `train`; `skipped` names the others.

    Args:
      argument: Not used.
      path: Folder or archive of an own copy, of either release; by default the
        cache, then a download. An archive is read as it is.
      remove: Any of `headers`, `quotes`, `footers`.
      repeated: `skip` or `keep`, for messages whose body came before.
      release: `original` or `bydate`, which one to download.

    Raises:
      UserError: The set is nowhere and cannot be downloaded; an option is bad.
    """
    _texts.choice("repeated", repeated, ("skip", "keep"))
    _texts.choice("release", release, ("original", "bydate"))
    wanted = _removals(remove)
    where = _place(path, release)
    messages, skipped = _messages(where), []
    if repeated == "skip":
        messages, skipped = _distinct(messages)
    classes = sorted({message.group for message in messages})
    texts = [
        _texts.Text(
            message.id,
            _stripped(message.text, wanted),
            classes.index(message.group),
            message.split,
        )
        for message in messages
    ]
    return _texts.table(
        texts, classes, source="newsgroups20", where=where, skipped=skipped
    )


def _removals(remove: Sequence[str]) -> list[str]:
    given = [remove] if isinstance(remove, str) else list(remove or ())
    for name in given:
        if name not in _STRIP:
            raise errors.UserError(
                f"data.options.remove: {name!r} is not one of {', '.join(_STRIP)}"
            )
    return [name for name in _STRIP if name in given]


def _place(path: str | None, release: str):
    if release == "original":
        return _texts.place("newsgroups20", CARD, path)
    card = dataclasses.replace(CARD, files=(_BY_DATE,))
    return _texts.place("newsgroups20_bydate", card, path)


def _messages(where) -> list[_Message]:
    found = []
    for match, data in _texts.members(where, _PATH):
        split, group, number = match.groups()
        name = f"{split}/{group}/{number}" if split else f"{group}/{number}"
        found.append(_Message(name, group, split or "all", _texts.decoded(data)))
    return sorted(found)


def _stripped(text: str, removals: Iterable[str]) -> str:
    for name in removals:
        text = _STRIP[name](text)
    return text


def _distinct(
    messages: Sequence[_Message],
) -> tuple[list[_Message], list[tuple[str, str]]]:
    """Returns the messages with bodies of their own, and (id, cause) of the rest."""
    kept, skipped = [], []
    whole: dict[str, str] = {}
    bodies: dict[str, str] = {}
    for message in messages:
        body = _newsgroups_strip.headers(message.text).strip()
        if not body:
            skipped.append((message.id, "no body"))
        elif message.text in whole:
            cause = f"repeated message: equal to {whole[message.text]}"
            skipped.append((message.id, cause))
        elif body in bodies:
            cause = f"repeated body: equal to that of {bodies[body]}"
            skipped.append((message.id, cause))
        else:
            kept.append(message)
        whole.setdefault(message.text, message.id)
        bodies.setdefault(body, message.id)
    return kept, skipped
