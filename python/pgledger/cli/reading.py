"""The commands that print a statement and a trial balance."""

import argparse
import csv
import dataclasses
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any, Final

from .connecting_late import target
from .exit_codes import DONE
from .exporting import add_books, moment
from .failures import Failure
from .printing import say, table

if TYPE_CHECKING:
    from pgledger.types import StatementLine, TrialBalanceLine

STATEMENT: Final = """\
Prints an account's statement, as pgledger_statement() has it: its balance before a span of
time, its entries within, with the balance after each, and its balance at the end. All of
it is of one moment. A role that has pgledger_reader may run it."""
TRIAL_BALANCE: Final = """\
Prints the balance of each account at a time, as pgledger_trial_balance() has it, and their
sums by currency, which are zero where all accounts are asked for. A role that has
pgledger_reader may run it."""


def _add_common(
    parser: argparse.ArgumentParser, add_target: Callable[[argparse.ArgumentParser], None]
) -> None:
    add_target(parser)
    parser.add_argument(
        "--format",
        choices=("table", "csv", "json"),
        default="table",
        help="form of what is printed; csv and json have all columns (default: table)",
    )
    add_books(parser)


def add_statement_arguments(
    parser: argparse.ArgumentParser, add_target: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Adds what a statement may be asked for."""
    _add_common(parser, add_target)
    parser.add_argument("--account", metavar="ID", required=True, help="whose statement it is")
    parser.add_argument(
        "--from", metavar="TIME", dest="from_time", type=moment, help="only what is not before TIME"
    )
    parser.add_argument("--until", metavar="TIME", type=moment, help="only what is before TIME")


def add_trial_balance_arguments(
    parser: argparse.ArgumentParser, add_target: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Adds what a trial balance may be asked for."""
    _add_common(parser, add_target)
    parser.add_argument(
        "--at", metavar="TIME", type=moment, help="balances as they were then (default: as now)"
    )
    parser.add_argument(
        "--prefix", metavar="PATH", help="only accounts at and below PATH, such as users.42"
    )


def run_statement(arguments: argparse.Namespace) -> int:
    """Prints an account's statement."""
    lines: list[StatementLine] = _ask(
        arguments,
        "statement",
        account_id=arguments.account,
        from_time=arguments.from_time,
        until=arguments.until,
    )
    if arguments.format != "table":
        _print_rows(arguments.format, "StatementLine", lines)
        return DONE
    heads = ("at", "transfer", "counterparty", "amount", "balance", "currency")
    rows = [
        (
            _text(line.at),
            line.transfer_id or f"({line.kind})",
            line.counterparty_name or "",
            _text(line.amount),
            _text(line.balance),
            line.currency,
        )
        for line in lines
    ]
    for text in table([heads, *rows], right=frozenset({3, 4})):
        say(text)
    return DONE


def run_trial_balance(arguments: argparse.Namespace) -> int:
    """Prints the balances of accounts, and their sums."""
    lines: list[TrialBalanceLine] = _ask(
        arguments, "trial_balance", at=arguments.at, prefix=arguments.prefix
    )
    if arguments.format != "table":
        _print_rows(arguments.format, "TrialBalanceLine", lines)
        return DONE
    heads = ("account", "tenant", "id", "balance", "currency")
    rows = [
        (line.account_name, line.tenant_id, line.account_id, _text(line.balance), line.currency)
        for line in lines
    ]
    # More digits than a balance has, and than a Decimal keeps by itself.
    with localcontext(prec=100):
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for line in lines:
            sums[line.currency] += line.balance
    rows += [("sum", "", "", _text(total), currency) for currency, total in sorted(sums.items())]
    for text in table([heads, *rows], right=frozenset({3})):
        say(text)
    return DONE


def _ask(arguments: argparse.Namespace, function: str, **asked: Any) -> list[Any]:
    with target(arguments) as (connection, _):
        from psycopg.errors import UndefinedFunction

        from pgledger.export.reading import reading
        from pgledger.ledger import Ledger

        with reading(connection) as (_, surface):
            try:
                rows: list[Any] = getattr(Ledger(connection, schema=surface), function)(
                    app_id=arguments.app_id, axis=arguments.axis, **asked
                )
            except UndefinedFunction:
                raise Failure(
                    f"the ledger in this database is too old: it has no pgledger_{function}",
                    "Bring it to this version with: pgledger migrate",
                ) from None
            return rows


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value)


def _print_rows(form: str, kind: str, rows: Sequence[Any]) -> None:
    if form == "json":
        for row in rows:
            say(json.dumps(dataclasses.asdict(row), default=_text, ensure_ascii=False))
        return
    from pgledger import types

    writer = csv.writer(sys.stdout, lineterminator="\n")
    # There may be no row that says which columns there are.
    writer.writerow(field.name for field in dataclasses.fields(getattr(types, kind)))
    for row in rows:
        writer.writerow(
            json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else _text(value)
            for value in dataclasses.asdict(row).values()
        )
    sys.stdout.flush()
