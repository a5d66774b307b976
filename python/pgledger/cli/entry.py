"""Runs a command, and says how it ended."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from pgledger.embedded import EmbeddedError
from pgledger.migrate import MigrationError

from .exit_codes import FAILED, INTERRUPTED
from .failures import Failure
from .parser import command_line
from .printing import complain


def _report(message: str, hint: str = "", text: str = "") -> int:
    complain(f"pgledger: {message}")
    if hint:
        complain(f"hint: {hint}")
    if text:
        complain(f"\n{text}")
    return FAILED


def _run(arguments: argparse.Namespace) -> int:
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except Failure as failure:
        return _report(failure.message, failure.hint)
    except MigrationError as error:
        return _report(error.message, error.hint, error.statements)
    except EmbeddedError as error:
        return _report(error.message, error.hint)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: Arguments without the program's name; by default those of the process.

    Returns:
        The exit code.
    """
    parser = command_line()
    arguments = parser.parse_args(argv)
    if getattr(arguments, "embedded", None) is not None and arguments.dsn is not None:
        parser.error("give either a DSN or --embedded, not both")
    if getattr(arguments, "keep_running", False) and arguments.embedded is None:
        parser.error("--keep-running goes with --embedded")
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        complain("pgledger: interrupted; what was not finished is rolled back")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader, for example `head`, has had enough; Python would complain again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
