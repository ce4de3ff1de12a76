"""Transfer learning: the best model that pre-trained networks and your data allow.

Usage: tltf VERB [flags]; `tltf VERB --help` shows the flags of a verb.
"""

import sys

import tltf
from tltf import errors, registry
from tltf.cli import _main


def main() -> None:
    """Hands the command line to the verb's own file."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        _main.out(_overview())
        return
    if arguments[0] == "--version":
        _main.out(tltf.__version__)
        return
    try:
        verb = registry.find("cli", arguments[0])
    except errors.UserError as error:
        _main.say(f"tltf: {error}; `tltf --help` lists the verbs")
        sys.exit(2)
    sys.argv = [f"tltf {arguments[0]}", *arguments[1:]]
    verb.run()


def _overview() -> str:
    lines = [__doc__.strip(), ""]
    for name in registry.names("cli"):
        lines.append(f"  {name:<10} {registry.first_line('cli', name)}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
