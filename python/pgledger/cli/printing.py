"""What the command line prints, and where."""

import json
import sys
from collections.abc import Generator, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pgledger import __version__
from pgledger.migrate import FileStatus, MigrationResult, Plan, Status, Step

if TYPE_CHECKING:
    from pgledger.types import Check

# How many findings are printed before it is said how many more there are.
SHOWN: Final = 20


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


def json_default(value: object) -> str:
    """Returns the JSON form of what has none of its own."""
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def say_json(value: object) -> None:
    """Prints a value as JSON."""
    say(json.dumps(value, indent=2, default=json_default, ensure_ascii=False))


def visible(text: str) -> str:
    """Returns a text of somebody's in one line, without what a terminal would obey."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def table(rows: Iterable[Sequence[str]], *, right: frozenset[int] = frozenset()) -> Generator[str]:
    """Returns the lines of a table.

    Args:
        rows: The cells; the first row is the head.
        right: Places of columns that are aligned to the right.
    """
    lines = [[visible(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def summary(result: MigrationResult) -> str:
    """Says in a sentence what a migration did."""
    if not result.changed:
        return f"Nothing to do: pgledger {__version__} is in the schema {result.schema}."
    if result.installed:
        return f"Installed pgledger {__version__} in the schema {result.schema}."
    applied = f"{plural(len(result.applied), 'file')} applied"
    if result.recorded:
        recorded = plural(len(result.recorded), "file")
        whole = f"Took over the schema {result.schema} with pgledger {__version__}"
        return f"{whole}: {recorded} recorded, {applied}."
    return _what_was_done(result, applied)


def _what_was_done(result: MigrationResult, applied: str) -> str:
    if result.applied:
        return f"Upgraded to pgledger {__version__} in the schema {result.schema}: {applied}."
    if result.linked:
        return f"Tables of {', '.join(result.linked)} may now refer to accounts."
    if result.mended:
        return f"Put right {plural(len(result.mended), 'fault')} in how it stands."
    if not result.forgotten:
        return f"Up to date with pgledger {__version__} in the schema {result.schema}."
    return f"Forgot {plural(len(result.forgotten), 'file')} that the package no longer has."


def show_steps(plan: Plan, address: str, *, verbose: bool) -> None:
    """Prints the steps that a migration would take: what changes, or all of them."""
    what = "install" if plan.fresh else "upgrade"
    owner = "pgledger_owner" if plan.roles else "the connecting role"
    say(f"Would {what} in the {address}, schema {plan.schema}, owned by {owner}:")
    left_out = 0
    for step in plan.steps:
        is_usual = step.action == "apply" and (plan.fresh or step.reason == "again")
        if is_usual and not verbose:
            left_out += 1
        else:
            say(f"  {_step_line(step)}")
    if left_out and plan.fresh:
        say(f"  apply {plural(left_out, 'file')}; --verbose lists them")
    elif left_out:
        say(
            f"  apply {plural(left_out, 'other file')} again, which did not change: "
            "functions and views are all applied together"
        )


def _step_line(step: Step) -> str:
    if step.action == "mend":
        return f"mend: {step.name}"
    verb = {"roles": "make"}.get(step.action, step.action)
    reason = {
        "again": "again, because others are applied",
        "gone": "gone from the package",
        "asked": "asked for",
        "history": "it made the schema, and the history was left out",
    }.get(step.reason, step.reason)
    outside = "" if step.in_transaction else "; outside the transaction"
    return f"{verb} {step.name} ({reason}{outside})"


def show_files(files: Sequence[FileStatus], *, verbose: bool) -> None:
    """Prints how the package and the database differ, or all that both have."""
    listed = [file for file in files if verbose or file.state != "applied"]
    rows = [
        (
            file.name,
            file.state,
            file.applied_at.strftime("%Y-%m-%d %H:%M:%S %z") if file.applied_at else "",
            file.package_version or "",
        )
        for file in listed
    ]
    shown = rows if verbose else rows[:SHOWN]
    if shown:
        for line in table([("file", "state", "applied at", "by pgledger"), *shown]):
            say(f"  {line}")
    if more := len(rows) - len(shown):
        say(f"  and {plural(more, 'file')} more, which --verbose lists")
    if left_out := len(files) - len(listed):
        say(f"  {plural(left_out, 'file')} as in this package")


def show_findings(status: Status) -> None:
    """Warns of what stands otherwise than it should, and says what others were given."""
    if status.faults:
        count = plural(len(status.faults), "fault")
        complain(f"pgledger: warning: {count} in how it stands; pgledger migrate puts it right:")
        for fault in status.faults[:SHOWN]:
            complain(f"  {fault.text}")
        if len(status.faults) > SHOWN:
            complain(f"  and {len(status.faults) - SHOWN:,} more, which --json lists")
    if status.others_rights:
        say(f"Granted besides, by an administrator ({plural(len(status.others_rights), 'right')}):")
        for text in status.others_rights[:SHOWN]:
            say(f"  {text}")
        if len(status.others_rights) > SHOWN:
            say(f"  and {len(status.others_rights) - SHOWN:,} more, which --json lists")


def show_checks(checks: Sequence["Check"]) -> None:
    """Prints what each check found."""
    rows = [
        (check.check_name, f"{check.rows_checked:,}", f"{check.violations:,}", check.example or "")
        for check in checks
    ]
    heads = ("check", "rows checked", "violations", "example" if any(r[3] for r in rows) else "")
    for line in table([heads, *rows], right=frozenset({1, 2})):
        say(line)
