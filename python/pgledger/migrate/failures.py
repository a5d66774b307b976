"""Errors of PostgreSQL, with the place in the file that they are about."""

import psycopg
from psycopg import errors as pg_errors

from .results import MigrationError


def line_of(text: str, position: int | str | None) -> str:
    """Returns the line of a position, which PostgreSQL counts from 1, to stand after a name."""
    if not position:
        return ""
    return f", line {text.count(chr(10), 0, int(position) - 1) + 1}"


def failure(where: str, error: psycopg.Error) -> MigrationError:
    """Returns PostgreSQL's error as one of ours, which says where it happened."""
    message = error.diag.message_primary or str(error).strip() or type(error).__name__
    parts = [f"{where}: {message}"]
    if error.diag.message_detail:
        parts.append(error.diag.message_detail)
    hint = error.diag.message_hint or ""
    if isinstance(error, pg_errors.LockNotAvailable):
        hint = (
            "Another session holds a lock on what the file changes. Nothing was changed: run this "
            "again when it is quieter, or with a longer --lock-timeout."
        )
    return MigrationError(". ".join(part.rstrip(".") for part in parts), hint)
