"""Calling the functions that verify the books, once they are known to be ours."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from .files import SqlFile
from .install import install_sql
from .results import MigrationError, VerifyCallback, VerifyProgress
from .session import Cursor, execute, fetch
from .sqltext import identifier
from .state import hint_for_auditor
from .trust import require_ours

if TYPE_CHECKING:
    from pgledger.types import Check

# Every function in the form in which it is called, and looked for.
AT_ONCE: Final = "pgledger_verify(text)"
SLICE: Final = "pgledger_verify_slice(text, integer)"
REST: Final = "pgledger_verify_rest()"

_Finding = tuple[str, int, int, str | None]
_ENTRIES: Final = "versions of entries run from 1 without a gap"


def prepare_verifying(cursor: Cursor, files: Sequence[SqlFile]) -> tuple[str, bool]:
    """Makes sure that the functions may be called, with their owner's rights if that is possible.

    Args:
        cursor: Inside a transaction; its role becomes the owner where it can.
        files: Files of this package.

    Returns:
        The schema they are in, and whether it can be done in slices.

    Raises:
        MigrationError: They may not, for one reason or another.
    """
    owner, surface = require_ours(cursor, files)
    forms = {form.partition("(")[0]: form for form in (AT_ONCE, SLICE, REST)}
    rows = fetch(cursor, install_sql("read_verifier.sql", surface=surface))
    found = {forms[name]: (is_ours, may_call) for name, is_ours, may_call in rows}
    if AT_ONCE not in found:
        raise MigrationError(
            "the ledger in this database is too old to verify itself",
            "Bring it to this version with: pgledger migrate",
        )
    for form, (is_ours, _) in found.items():
        if not is_ours:
            raise MigrationError(
                f"the function {form} in this database is not as pgledger makes it: it would not "
                "run with the rights of pgledger's owner",
                "It was not called. Find out who changed it.",
            )
    if owner.may_act:
        execute(cursor, f"set local role {identifier(owner.name)}")
        return surface, {SLICE, REST} <= found.keys()
    if all(found.get(form, (True, False))[1] for form in (SLICE, REST)):
        return surface, True
    if found[AT_ONCE][1]:
        return surface, False
    user = cursor.connection.info.user
    granted = ", ".join(f"{identifier(surface)}.{form}" for form in found)
    raise MigrationError(
        f"the role {user} may not verify the books",
        hint_for_auditor(
            owner.name,
            user,
            f"grant usage on schema {identifier(surface)} to {identifier(user)}; grant execute "
            f"on function {granted} to {identifier(user)}",
        ),
    )


def verify_at_once(cursor: Cursor, surface: str) -> list[_Finding]:
    """Calls the function that checks everything: in a database that cannot do it in slices."""
    # With its argument, so that no default is evaluated and no function of other arguments fits.
    rows = fetch(
        cursor,
        "select check_name, rows_checked, violations, example "
        f"from {identifier(surface)}.pgledger_verify(null::pg_catalog.text)",
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def verify_in_slices(
    cursor: Cursor, surface: str, slice_size: int, on_progress: VerifyCallback | None
) -> list[_Finding]:
    """Checks slice after slice, then the rest.

    Args:
        cursor: Inside a transaction whose statements all read one snapshot.
        surface: Schema of the functions.
        slice_size: How many entries of each side a slice has at most.
        on_progress: Called after each slice.

    Returns:
        What each check found, in all slices together.
    """
    found: dict[str, _Finding] = {}
    began = time.monotonic()
    after: str | None = None
    slices = 0
    while True:
        rows = fetch(
            cursor,
            "select check_name, rows_checked, violations, example, next_after, entries_in_all "
            f"from {identifier(surface)}.pgledger_verify_slice(%s::pg_catalog.text, "
            "%s::pg_catalog.int4)",
            (after, slice_size),
        )
        for name, checked, violations, example, *_ in rows:
            found[name] = _added(found.get(name), (name, checked, violations, example))
        slices += 1
        if on_progress is not None and rows:
            entries = found[_ENTRIES][1] if _ENTRIES in found else 0
            seconds = time.monotonic() - began
            on_progress(VerifyProgress(entries, int(rows[0][5]), slices, seconds))
        after = rows[0][4] if rows else None
        if after is None:
            break
    rest = fetch(
        cursor,
        "select check_name, rows_checked, violations, example "
        f"from {identifier(surface)}.pgledger_verify_rest()",
    )
    return [*found.values(), *((row[0], row[1], row[2], row[3]) for row in rest)]


def _added(before: _Finding | None, part: _Finding) -> _Finding:
    if before is None:
        return part
    examples = [example for example in (before[3], part[3]) if example is not None]
    return part[0], before[1] + part[1], before[2] + part[2], min(examples, default=None)


def as_checks(findings: Sequence[_Finding]) -> tuple["Check", ...]:
    """Returns findings as the rows that ``pgledger_verify()`` gives."""
    from pgledger.types import Check

    return tuple(
        Check(check_name=name, rows_checked=checked, violations=violations, example=example)
        for name, checked, violations, example in findings
    )
