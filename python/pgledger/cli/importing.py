"""The command ``pgledger import``."""

import argparse
import dataclasses
from pathlib import Path
from typing import Final

from pgledger.importing import CsvFiles, EarlierSchema, ImportFault, ImportResult

from .exit_codes import DONE, FAILED
from .failures import Failure
from .printing import complain, plural, say, say_json

# More of them fill a screen; --json lists all.
SHOWN_FAULTS: Final = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what names the source, and the set of books that it goes into."""
    parser.add_argument(
        "--from-schema",
        metavar="NAME",
        help="schema of this database that the earlier project's tables are in",
    )
    for kind, what in (
        ("accounts", "accounts"),
        ("transfers", "transfers"),
        ("entries", "entries, which say the versions of accounts; may be left out"),
    ):
        parser.add_argument(f"--{kind}", metavar="FILE", type=Path, help=f"CSV file of {what}")
    parser.add_argument(
        "--app-id",
        metavar="APP",
        default="",
        help="set of books that all is imported into (default: the one without a name)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object with all faults")


def source_of(arguments: argparse.Namespace) -> CsvFiles | EarlierSchema:
    """Returns where to import from.

    Raises:
        Failure: The arguments do not say.
    """
    files = (arguments.accounts, arguments.transfers, arguments.entries)
    if arguments.from_schema is not None and files == (None, None, None):
        return EarlierSchema(arguments.from_schema)
    if arguments.from_schema is None and None not in files[:2]:
        return CsvFiles(*files)
    raise Failure(
        "it is not clear what to import",
        "Give either --from-schema NAME, or --accounts FILE and --transfers FILE.",
    )


def show_import(result: ImportResult, *, as_json: bool) -> int:
    """Says what was imported, or lists the faults; returns the exit code."""
    if as_json:
        say_json({"ok": not result.faults, **dataclasses.asdict(result)})
    elif result.faults:
        _show_faults(result.faults)
    else:
        _show_result(result)
    if not result.faults:
        return DONE
    complain(
        f"pgledger: nothing was imported: {plural(len(result.faults), 'row')} cannot be imported"
    )
    return FAILED


def _show_faults(faults: tuple[ImportFault, ...]) -> None:
    for fault in faults[:SHOWN_FAULTS]:
        what = f"{fault.kind} {_visible(fault.id)} (row {fault.row_number})"
        say(f"  {what}: {_visible(fault.reason)}")
    if len(faults) > SHOWN_FAULTS:
        say(f"  {len(faults) - SHOWN_FAULTS:,} more, which --json lists")


def _visible(text: str | None) -> str:
    """Returns a text of somebody else's without what would steer a terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text or "without an id")


def _show_result(result: ImportResult) -> None:
    say(f"  {plural(result.accounts, 'account')}, {plural(result.transfers, 'transfer')}")
    if result.entry_ids:
        say(f"  {result.entry_ids:,} entries with other ids: pgledger_imported_entries_v1")
    if result.lifted_times:
        say(
            f"  {plural(result.lifted_times, 'transfer')} with a later created_at: "
            "pgledger_imported_times_v1"
        )
    if result.later_limits:
        say(
            f"  {plural(result.later_limits, 'account')} whose limits are in force from now on: "
            "pgledger_account_changes_v1"
        )
    say("Imported and verified.")
