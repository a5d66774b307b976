"""Runs a command, and says how it ended."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

import psycopg

from pgledger.embedded import EmbeddedError
from pgledger.migrate import MigrationError

from .failures import EXIT_FAILED, EXIT_INTERRUPTED, Failure
from .parser import command_line
from .printing import complain, one_line


def _report(message: str, hint: str = "", text: str = "") -> int:
    complain(f"pgledger: {message}")
    if hint:
        complain(f"hint: {hint}")
    if text:
        complain(f"\n{text}")
    return EXIT_FAILED


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
    except psycopg.OperationalError as error:
        # Whether the last commit arrived is not known when the connection breaks under it.
        return _report(
            f"lost the database: {one_line(str(error))}",
            "What was not finished is rolled back; see what there is with: pgledger status",
        )
    except psycopg.Error as error:
        return _report(f"PostgreSQL says: {one_line(str(error))}", error.diag.message_hint or "")


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
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader, for example `head`, has had enough; Python would complain again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
