"""What an attempt that failed says about the transfers that were to be made."""

import copy
from enum import Enum, auto
from typing import Any

from psycopg import DatabaseError, DataError, Error, InterfaceError, OperationalError
from psycopg.errors import lookup
from psycopg.pq import DiagnosticField

from pgledger._retries import RETRYABLE

# What the database answers for a request.
Row = tuple[Any, ...]


class Stage(Enum):
    """How far an attempt has come."""

    LENDING = auto()
    SENDING = auto()
    READING = auto()


class Verdict(Enum):
    """What became of the requests of an attempt that failed."""

    # Nothing was made, and the same call would fail again.
    REFUSED = auto()
    # Nothing was made, and the same call can succeed.
    AGAIN = auto()
    # There was no answer.
    UNKNOWN = auto()


class AttemptFailed(Exception):
    """An attempt has failed.

    Attributes:
        verdict: What became of its requests.
        error: What it failed with.
    """

    def __init__(self, verdict: Verdict, error: Exception) -> None:
        super().__init__(str(error))
        self.verdict = verdict
        self.error = error


def judge(error: Exception, stage: Stage, *, pool_is_closed: bool = False) -> Verdict:
    """Says what became of the requests of an attempt that failed.

    The call is a transaction of its own, so an error that the server answers with means that it
    has rolled back. One that ends the session is no such answer: it can come after the commit.

    Args:
        error: What it failed with.
        stage: When.
        pool_is_closed: Whether the pool says that it lends nothing any more.
    """
    if stage is Stage.LENDING:
        can_pass = isinstance(error, (OperationalError, InterfaceError, OSError))
        return Verdict.AGAIN if can_pass and not pool_is_closed else Verdict.REFUSED
    if stage is Stage.SENDING:
        if isinstance(error, RETRYABLE):
            return Verdict.AGAIN
        if isinstance(error, Error) and error.sqlstate is not None:
            ended = error.diag.severity_nonlocalized != "ERROR"
            return Verdict.UNKNOWN if ended else Verdict.REFUSED
        if isinstance(error, (DataError, UnicodeError)):
            # The client could not write it, so it was not sent.
            return Verdict.REFUSED
    return Verdict.UNKNOWN


def refusal(
    sqlstate: str | None, message: str | None, detail: str | None, hint: str | None
) -> Error | None:
    """Returns the error that a single call would have raised; None where there is none."""
    if sqlstate is None:
        return None
    try:
        kind = lookup(sqlstate)
    except KeyError:
        kind = DatabaseError
    info: dict[int, bytes | None] = dict.fromkeys(DiagnosticField)
    for field, text in (
        (DiagnosticField.SEVERITY, "ERROR"),
        (DiagnosticField.SEVERITY_NONLOCALIZED, "ERROR"),
        (DiagnosticField.SQLSTATE, sqlstate),
        (DiagnosticField.MESSAGE_PRIMARY, message),
        (DiagnosticField.MESSAGE_DETAIL, detail),
        (DiagnosticField.MESSAGE_HINT, hint),
    ):
        info[field] = None if text is None else text.encode()
    return kind(message or "", info=info)


def copy_of(error: BaseException) -> BaseException:
    """Returns an error like that one, for another who gets it: each adds a traceback to his own."""
    try:
        copied = copy.copy(error)
    except Exception:  # noqa: BLE001 -- a class of a pool's own, that cannot be copied
        return error
    copied.__cause__ = error
    return copied
