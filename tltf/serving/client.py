"""Asks a server of TensorFlow Serving's API, ours or the real one, for answers."""

import pathlib

from tltf import errors
from tltf.export import local
from tltf.ops import lines
from tltf.serving import addresses


def load(
    url: str, *, labels: pathlib.Path | None = None, seconds: float = 60.0
) -> local.Model:
    """Returns a served model, to be asked like one on this machine.

    Requests that find the server busy or away are tried again, 6 times in all, with
    twice the wait each time; see `ask` for what else can happen.

    Args:
      url: http://HOST:PORT/NAME or grpc://HOST:PORT/NAME, with /versions/N or
        /labels/L behind it where another than the newest version is meant.
      labels: A labels.txt. A server of ours gives the names of classes over REST;
        others do not, and the scores then have numbers for names.
      seconds: That one try may take.

    Raises:
      UserError: The address is none, nobody answers there, or not for this model.
    """
    target = addresses.parse(url)
    remote = _remote(target, seconds)
    ends = remote.ends()
    if len(ends.inputs) != 1:
        raise errors.UserError(
            f"--model: {url} takes {', '.join(ends.inputs)}; only models of one input "
            "can be asked"
        )
    names = _named(labels) or remote.labels() or _numbered(ends.outputs)
    return local.Model(
        serve=lambda records: remote.ask(ends, records.numpy().tolist()),
        reads=ends.inputs[0],
        owner=remote,
        **local.fields(names, ends.outputs),
    )


def _remote(target: addresses.Target, seconds: float):
    if target.scheme != "grpc":
        from tltf.serving import asking_rest

        return asking_rest.Rest(target, seconds)
    try:
        from tltf.serving import asking_rpc
    except ModuleNotFoundError as error:
        raise errors.UserError(
            f"{error.name} is not installed; grpc:// needs it: pip install "
            '"tltf[serve]"'
        ) from None
    return asking_rpc.Rpc(target, seconds)


def _named(labels: pathlib.Path | None) -> dict[str, tuple[str, ...]]:
    if labels is None:
        return {}
    return {"": tuple(lines.of(labels.read_text(encoding="utf-8")))}


def _numbered(outputs: dict[str, int]) -> dict[str, tuple[str, ...]]:
    """Numbers for names of classes, by part; of a model without parts under ""."""
    found = {}
    for name, size in outputs.items():
        part, _, kind = ("_" + name).rpartition("_")
        if kind in ("scores", "value"):
            classes = size if kind == "scores" else 0
            found[part.removeprefix("_")] = tuple(map(str, range(classes)))
    return found
