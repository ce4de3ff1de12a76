"""Runs a command's main: flags, quiet TensorFlow, one-line errors, exit codes."""

import contextlib
import logging as log
import os
import sys
import types
from collections.abc import Callable, Iterator

from absl import app, flags, logging

from tltf import errors


def run(main: Callable[[list[str]], int | None]) -> None:
    """Parses flags, calls `main` and ends the process.

    Exit codes: 0 done, 1 the work failed, 2 wrong usage, recipe or data.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if {"--help", "-h", "-help"} & set(sys.argv[1:]):
        out(_help(sys.modules[main.__module__]))
        return
    app.run(lambda argv: _guarded(main, argv), flags_parser=_parse)


def out(text: str) -> None:
    """Writes one result to stdout; all else a command says goes to stderr."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Writes a line for the person watching to stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hides what C++ libraries write to stderr while they are imported."""
    sys.stderr.flush()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def tensorflow() -> None:
    """Imports TensorFlow and Keras without their start-up lines; logs in plain text."""
    with quiet():
        import keras  # noqa: F401
    logging.use_absl_handler()
    logging.set_verbosity(logging.INFO)
    logging.get_absl_handler().setFormatter(_Plain())
    logging.get_absl_handler().addFilter(_worth_reading)


def _help(module: types.ModuleType) -> str:
    lines = [module.__doc__.strip(), "", "Flags:"]
    for flag in flags.FLAGS.get_key_flags_for_module(module.__name__):
        kind = "" if flag.boolean else f"={flag.flag_type()}"
        values = getattr(flag.parser, "enum_values", None)
        if values:
            kind = f"={'|'.join(values)}"
        default = "" if flag.default in (None, []) else f" (default {flag.default})"
        lines.append(f"  --{flag.name}{kind}{default}")
        lines.append(f"      {_said(flag.help)}")
    return "\n".join(lines)


def _said(text: str) -> str:
    # absl adds the choices in front and a note on repetition behind
    return text.partition(">: ")[2] or text.partition(";\n")[0]


class _Plain(log.Formatter):
    """A line as it is; warnings and errors say that they are."""

    def format(self, record: log.LogRecord) -> str:
        """Returns the line of one log record."""
        text = record.getMessage()
        if record.levelno >= log.WARNING:
            return f"{record.levelname.lower()}: {text}"
        return text


def _worth_reading(record: log.LogRecord) -> bool:
    # TensorFlow tells at length how it saves; its warnings stay
    chatter = f"{os.sep}tensorflow{os.sep}" in record.pathname
    return record.levelno >= log.WARNING or not chatter


def _parse(argv: list[str]) -> list[str]:
    flags.FLAGS.set_gnu_getopt(True)  # flags may follow arguments
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        _end(2, str(error))


def _guarded(main: Callable[[list[str]], int | None], argv: list[str]) -> int:
    try:
        return main(argv) or 0
    except errors.UserError as error:
        _end(2, str(error))
    except errors.WorkError as error:
        _end(1, str(error))
    except BrokenPipeError:  # the reader of our output has left, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as error:
        _end(2, f"{error.filename or 'file'}: {error.strerror or error}")
    except KeyboardInterrupt:
        _end(130, "stopped; `--resume` goes on where a run stopped")


def _end(code: int, message: str) -> None:
    say(f"tltf: {' '.join(message.split())}")
    sys.exit(code)
