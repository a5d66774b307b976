"""What the command line prints, and where."""

import json
import sys
from collections.abc import Generator, Iterable, Sequence
from datetime import datetime

from pgledger import __version__
from pgledger.migrate import MigrationResult, Plan, Progress
from pgledger.types import Check


def say(text: str = "") -> None:
    """Prints a line of the answer."""
    print(text, flush=True)


def complain(text: str) -> None:
    """Prints a line that is no part of the answer."""
    print(text, file=sys.stderr, flush=True)


def plural(count: int, noun: str) -> str:
    """Returns a count with its noun."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def one_line(text: str) -> str:
    """Returns a message of several lines as one."""
    return "; ".join(line.strip() for line in text.strip().splitlines() if line.strip())


def _json_default(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def say_json(value: object) -> None:
    """Prints a value as JSON."""
    say(json.dumps(value, indent=2, default=_json_default, ensure_ascii=False))


def table(rows: Iterable[Sequence[str]], *, right: frozenset[int] = frozenset()) -> Generator[str]:
    """Returns the lines of a table.

    Args:
        rows: The cells; the first row is the head.
        right: Places of columns that are aligned to the right.
    """
    lines = list(rows)
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def show(progress: Progress) -> None:
    """Prints one thing that a running migration has done, or waits for."""
    if progress.event == "applied":
        say(f"  {progress.name}  {progress.seconds * 1000:,.0f} ms")
    elif progress.event == "roles":
        say(f"  made: {progress.name}")
    elif progress.event == "forgotten":
        say(f"  forgotten: {progress.name}, which this package no longer has")
    elif progress.event == "linked":
        say(f"  linked: {progress.name} may refer to pgledger.accounts (id)")
    elif progress.event == "note":
        say(f"  note: {progress.name}")
    elif progress.event == "waiting":
        say(f"  waiting: {progress.name}")
    else:
        complain(f"pgledger: warning: {progress.name}")


def summary(result: MigrationResult) -> str:
    """Says in a sentence what a migration did."""
    if not result.changed:
        return f"Nothing to do: pgledger {__version__} is in the schema {result.schema}."
    applied = f"{plural(len(result.applied), 'file')} applied"
    if result.installed:
        return f"Installed pgledger {__version__} in the schema {result.schema}: {applied}."
    if result.applied:
        return f"Upgraded to pgledger {__version__} in the schema {result.schema}: {applied}."
    if result.linked:
        return f"Tables of {', '.join(result.linked)} may now refer to accounts."
    return f"Forgot {plural(len(result.forgotten), 'file')} that the package no longer has."


def show_steps(plan: Plan, address: str) -> None:
    """Prints the steps that a migration would take."""
    what = "install" if plan.fresh else "upgrade"
    owner = "pgledger_owner" if plan.roles else "the connecting role"
    say(f"Would {what} in the {address}, schema {plan.schema}, owned by {owner}:")
    for step in plan.steps:
        verb = {"roles": "make", "forget": "forget", "link": "link"}.get(step.action, "apply")
        outside = "" if step.in_transaction else "; outside the transaction"
        say(f"  {verb} {step.name} ({step.reason}{outside})")


def show_checks(checks: Sequence[Check]) -> None:
    """Prints what each check found."""
    rows = [
        (check.check_name, f"{check.rows_checked:,}", f"{check.violations:,}", check.example or "")
        for check in checks
    ]
    heads = ("check", "rows checked", "violations", "example" if any(r[3] for r in rows) else "")
    for line in table([heads, *rows], right=frozenset({1, 2})):
        say(line)
    if not any(check.violations for check in checks):
        say(f"All {plural(len(checks), 'check')} passed.")
