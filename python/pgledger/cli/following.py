"""Prints what changes, and seals it."""

import argparse
import contextlib
import dataclasses
import json
from typing import TYPE_CHECKING, Any, cast

import psycopg

from pgledger.ledger import Ledger

from .exit_codes import DONE, FAILED
from .failures import Failure
from .printing import complain, json_default, plural, say, say_json, show_checks

if TYPE_CHECKING:
    from pgledger.types import Change


def run_changes(connection: psycopg.Connection[Any], arguments: argparse.Namespace) -> int:
    """Prints each change as a line of JSON, to its end or for ever."""
    ledger = Ledger(connection, schema=arguments.schema)
    changes = ledger.follow_changes(
        after=arguments.after, follow=arguments.follow, interval=arguments.interval
    )
    # Following ends when it is interrupted, so that is no failure.
    ends = (KeyboardInterrupt,) if arguments.follow else ()
    with contextlib.suppress(*ends):
        for change in changes:
            say(_line(change))
    return DONE


def _line(change: "Change") -> str:
    return json.dumps(dataclasses.asdict(change), default=json_default, ensure_ascii=False)


def run_seal(connection: psycopg.Connection[Any], arguments: argparse.Namespace) -> int:
    """Seals everything up to now, and prints what proves it."""
    seal = Ledger(connection, schema=arguments.schema).seal()
    say_json(dataclasses.asdict(seal))
    return DONE


def run_verify_seals(connection: psycopg.Connection[Any], arguments: argparse.Namespace) -> int:
    """Compares what is sealed with its seals; fails where it was tampered with."""
    kept: Any = None
    if arguments.kept is not None:
        try:
            kept = json.loads(arguments.kept.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise Failure(
                f"cannot read {arguments.kept}: {error}",
                "It has to hold what pgledger seal printed, or a JSON array of such.",
            ) from None
    # One seal, as pgledger seal printed it, or several.
    if isinstance(kept, dict):
        kept = [cast("dict[str, Any]", kept)]
    checks = Ledger(connection, schema=arguments.schema).verify_seals(from_export=kept)
    show_checks(checks)
    failed = [check for check in checks if check.violations]
    if not failed:
        return DONE
    complain(
        f"pgledger: {plural(len(failed), 'check')} of {len(checks)} found violations: "
        f"{', '.join(check.check_name for check in failed)}"
    )
    return FAILED
