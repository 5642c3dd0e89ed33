"""The command line: parse and call.

Every verb is a file in `noss/pipeline`, every option a parameter of its step.

Exit status: 0 all done; 2 the request was wrong, one line on stderr says how; 3 done, but something failed and is
listed; 130 interrupted. `--debug` anywhere on the line shows the traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cyclopts import App, CycloptsError, Parameter

from noss import __version__
from noss.errors import NossError

_PIPELINE = Path(__file__).parent / "pipeline"
_WIDTH = 220  # of a table that goes to a file or a pipe


def verbs() -> dict[str, str]:
    """Every verb and its one-line help, read from the files of the pipeline without importing them."""
    found = {}
    for path in sorted(_PIPELINE.glob("[!_]*.py")):
        with path.open(encoding="utf-8") as file:
            found[path.stem] = file.readline().strip().strip('"').strip()
    return found


def build_app() -> App:
    """The command-line app; a verb's module is imported when the verb is called."""
    summary = "Score, use and make non-semantic speech embeddings."
    plain = Parameter(negative=())  # no --no-x, no --empty-x
    app = App(
        name="noss",
        help=summary,
        version=__version__,
        help_format="plaintext",
        default_parameter=plain,
        suppress_keyboard_interrupt=False,  # what is said of an interrupt is said here
    )
    for verb, line in verbs().items():
        app.command(f"noss.pipeline.{verb}:{verb}", name=verb, help=line)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one verb and exit with its status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    sys.exit(_status([word for word in given if word != "--debug"], debug=debug))


def _status(arguments: list[str], *, debug: bool) -> int:
    try:
        result = build_app()(arguments, exit_on_error=False, print_error=False, result_action="return_value")
        _show(result)
    except (NossError, CycloptsError) as error:
        if debug:
            raise
        notes = getattr(error, "__notes__", ())
        sys.stderr.write("\n".join([f"noss: {' '.join(str(error).split())}", *notes, ""]))
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("noss: interrupted; run the same command again to go on\n")
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    failures = getattr(result, "failures", ())
    if failures:
        sys.stderr.write(f"noss: done, but {len(failures)} failed: {_first(failures)}\n")
    return 3 if failures else 0


def _show(result: Any) -> None:
    """A result prints itself: as a rich table where it has one, else as plain text, untouched."""
    if hasattr(result, "__rich__"):
        from rich.console import Console

        Console(width=None if sys.stdout.isatty() else _WIDTH).print(result)
    elif result is not None and not isinstance(result, int):
        text = str(result)
        sys.stdout.write(text if text.endswith("\n") or not text else f"{text}\n")
    sys.stdout.flush()


def _first(failures: Sequence[Any]) -> str:
    first = failures[0]
    return f"{getattr(first, 'file', first)}: {getattr(first, 'reason', '')}".rstrip(": ")
