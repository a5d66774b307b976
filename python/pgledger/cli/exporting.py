"""The command that writes the books down for other programs."""

import argparse
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

from pgledger.export import Axis, Export, Format

from .connecting_late import target
from .exit_codes import DONE
from .failures import Failure
from .printing import complain, plural
from .progress import Bar

if TYPE_CHECKING:
    from pgledger.export import ExportProgress

DESCRIPTION: Final = """\
Writes the transfers of a set of books, with the balances at the end, and, with --from, at
the beginning. All of it is of one moment: it reads one snapshot in a transaction that is
repeatable read and read only, blocks nobody, and works on a standby. What it needs of
memory does not grow with the books.

csv and json (one object a line) have all columns. beancount and hledger get a journal,
with balances asserted exactly; each account is named after its path and its id.

Times are those of recording, or with --axis event those for which transfers were made.
With --prefix or --account, transfers that touch these accounts are written, and balances
of these accounts only. A role that has pgledger_reader may run it."""


def moment(text: str) -> datetime:
    """Reads a time with its zone, or a day, which begins at midnight UTC."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        when = None
    if when is not None and re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return when.replace(tzinfo=UTC)
    if when is None or when.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time; write a day, such as 2026-01-31, or a time with its zone, such "
            "as 2026-01-31T12:00:00Z"
        )
    return when


def add_books(parser: argparse.ArgumentParser) -> None:
    """Adds which books are read, and by which time."""
    parser.add_argument(
        "--app-id", metavar="APP", default="", help="set of books (default: the one without a name)"
    )
    parser.add_argument(
        "--axis",
        choices=get_args(Axis),
        default="recorded",
        help="which time counts: when a transfer was recorded, or when it happened (default: "
        "recorded)",
    )


def add_arguments(
    parser: argparse.ArgumentParser, add_target: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Adds what an export may be asked for."""
    add_target(parser)
    parser.add_argument(
        "--format", choices=get_args(Format), required=True, help="form of what is written"
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        help="write into FILE, which appears or is replaced once all is written (default: "
        "standard output)",
    )
    parser.add_argument(
        "--prefix", metavar="PATH", help="only accounts at and below PATH, such as users.42"
    )
    parser.add_argument(
        "--account",
        metavar="ID",
        action="append",
        default=[],
        help="only this account; may be repeated",
    )
    parser.add_argument(
        "--from",
        metavar="TIME",
        dest="from_time",
        type=moment,
        help="only what is not before TIME; balances of then come first",
    )
    parser.add_argument("--until", metavar="TIME", type=moment, help="only what is before TIME")
    add_books(parser)


class _Progress(Bar):
    def show(self, progress: "ExportProgress") -> None:
        rate = f"{progress.transfers / max(progress.seconds, 0.001):,.0f} a second"
        text = f"{plural(progress.transfers, 'transfer')}  {rate}"
        self.draw(progress.transfers / progress.of if progress.of else None, text)


def run_export(arguments: argparse.Namespace) -> int:
    """Writes what is asked for."""
    if None not in {arguments.from_time, arguments.until} and (
        arguments.from_time > arguments.until
    ):
        raise Failure("--from is after --until")
    asked = Export(
        format=arguments.format,
        app_id=arguments.app_id,
        prefix=arguments.prefix,
        account_ids=tuple(arguments.account),
        from_time=arguments.from_time,
        until=arguments.until,
        axis=arguments.axis,
    )
    with target(arguments) as (connection, _):
        from pgledger.export.output import opened
        from pgledger.export.run import export

        try:
            with _Progress() as progress, opened(arguments.output) as write:
                result = export(connection, asked, write, progress.show)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Failure(
                f"cannot write {arguments.output or 'standard output'}: {error}"
            ) from None
    if arguments.output is not None:
        written = f"{plural(result.transfers, 'transfer')} and {plural(result.accounts, 'balance')}"
        complain(f"Wrote {written} to {arguments.output}")
    return DONE
