"""What a batcher takes, what it answers, and what it raises."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from psycopg.types.range import Range

from pgledger import ids
from pgledger._wire import (
    decimal_text,
    flag_text,
    metadata_text,
    optional_integer_text,
    range_text,
    row_factory,
    time_text,
)
from pgledger.errors import PgledgerError

from .failures import Row, copy_of, refusal

_PREFIX = ids.PREFIXES["transfer"]


class BatcherFull(RuntimeError):
    """As many transfers wait as may, and no room came in time: this one was not sent."""


class BatcherClosed(RuntimeError):
    """The batcher takes no more: it was closed, or is another process's. This was not sent."""


class TransferUnsettled(RuntimeError):
    """It is not known whether a transfer was made: the connection was lost, and none came back.

    Attributes:
        id: The transfer's id: :meth:`pgledger.Ledger.get_transfer` says whether it was made. None
            for a request with a key and no id.
        idempotency_key: The request's key, or None. The same request again, with this id or key,
            takes effect once.
    """

    def __init__(self, id: str | None, idempotency_key: str | None, why: object) -> None:  # noqa: A002
        if id is None:
            which, how = f"the transfer under key {idempotency_key!r}", "this key"
        else:
            which, how = f"transfer {id}", "this id"
        ask = "" if id is None else "ask for it with get_transfer, or "
        super().__init__(
            f"nobody knows whether {which} was made ({why}): {ask}make the same request again with "
            f"{how}, which takes effect once"
        )
        self.id = id
        self.idempotency_key = idempotency_key
        self._why = why

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.id, self.idempotency_key, str(self._why))


@dataclass(frozen=True, slots=True)
class PostedTransfer:
    """What came of a transfer that a batcher has made.

    :meth:`pgledger.Ledger.get_transfer` returns the whole of it.

    Attributes:
        id: Its id: ``pglt_`` and a ULID.
        created_at: When it was recorded.
        from_account_balance: Balance of the account that the amount left, right after it.
        to_account_balance: Balance of the account that the amount reached, right after it.
        from_account_version: Version of the account that the amount left, right after it.
        to_account_version: Version of the account that the amount reached, right after it.
        replayed: Whether it had been made before under its id or key, by the caller or by an
            attempt whose answer was lost; this is what was made then.
    """

    id: str
    created_at: datetime
    from_account_balance: Decimal
    to_account_balance: Decimal
    from_account_version: int
    to_account_version: int
    replayed: bool


_POSTED = row_factory(PostedTransfer)(None)  # type: ignore[arg-type]
# How many columns of an answer are a PostedTransfer's; an error's come after them.
_FIELDS = 7

# Requests that can be sent in one call: of one app and one group, with the same flag.
Scope = tuple[str, str | None, str]


class Ticket(Protocol):
    """What a caller waits for."""

    def set(self) -> None:
        """Wakes the caller."""
        ...


class Request:
    """A transfer that a caller waits for.

    Attributes:
        scope: What it must have in common with others of its call.
        values: What it gives for each array of the bulk function, as texts.
        id: Its id, which every attempt to make it has; None where its key serves for that.
        idempotency_key: The caller's key, or None.
        ticket: What the caller waits for, if it does not send the request itself.
        is_unknown: Whether an attempt to make it had no answer.
        row: What the database has answered.
        error: What is raised instead.
    """

    __slots__ = (
        "error",
        "id",
        "idempotency_key",
        "is_unknown",
        "row",
        "scope",
        "ticket",
        "values",
    )

    def __init__(
        self,
        from_account_id: str,
        to_account_id: str,
        amount: Decimal | int,
        *,
        event_at: datetime | None,
        metadata: Mapping[str, Any] | None,
        id: str | None,  # noqa: A002
        app_id: str,
        group_id: str | None,
        allow_future_event_at: bool,
        require_from_version: int | None,
        require_to_version: int | None,
        require_from_balance: Range[Decimal] | None,
        require_to_balance: Range[Decimal] | None,
        idempotency_key: str | None,
    ) -> None:
        _require_texts((from_account_id, to_account_id, id, app_id, group_id, idempotency_key))
        # An id would be part of what a key stands for, so a later call with the same key and
        # another id would be refused.
        if id is None and idempotency_key is None:
            id = ids.generate(_PREFIX)  # noqa: A001
        self.scope: Scope = (
            app_id,
            group_id,
            flag_text("allow_future_event_at", allow_future_event_at),
        )
        self.values = (
            from_account_id,
            to_account_id,
            decimal_text("amount", amount),
            time_text("event_at", event_at),
            metadata_text(metadata),
            id,
            optional_integer_text("require_from_version", require_from_version),
            optional_integer_text("require_to_version", require_to_version),
            range_text("require_from_balance", require_from_balance),
            range_text("require_to_balance", require_to_balance),
            idempotency_key,
        )
        self.id = id
        self.idempotency_key = idempotency_key
        self.ticket: Ticket | None = None
        self.is_unknown = False
        self.row: Row | None = None
        self.error: BaseException | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the caller's answer is there."""
        return self.row is not None or self.error is not None

    def result(self) -> PostedTransfer:
        """Returns what was made, or raises what became of it instead."""
        if self.error is not None:
            raise self.error
        assert self.row is not None, "who waits is woken when the answer is there"
        refused = refusal(*self.row[_FIELDS:])
        if refused is not None:
            raise refused
        return _POSTED(self.row[:_FIELDS])

    def outcome(self) -> str:
        """Says in words what became of it."""
        try:
            return f"transfer {self.result().id} was made"
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is what became of it
            return str(error)

    def error_after(self, error: BaseException, *, is_shared: bool) -> BaseException:
        """Returns what to raise after the last attempt to make it has failed.

        Args:
            error: What that failed with. What pgledger refuses was not made by an earlier attempt
                either, because repeats are answered before.
            is_shared: Whether others get the same error, of which each needs one of its own.
        """
        if self.is_unknown and not isinstance(error, PgledgerError):
            return self.unsettled(error)
        return copy_of(error) if is_shared else error

    def unsettled(self, why: BaseException | str) -> TransferUnsettled:
        """Returns what to raise where nobody knows what became of it."""
        unsettled = TransferUnsettled(self.id, self.idempotency_key, why)
        unsettled.__cause__ = why if isinstance(why, BaseException) else None
        return unsettled


def _require_texts(texts: Iterable[object]) -> None:
    for text in texts:
        # A null is for the database to refuse, as in a single call.
        if text is not None and not isinstance(text, str):
            raise TypeError(
                "ids, app_id, group_id and idempotency_key must be str, not "
                f"{type(text).__name__} {text!r}"
            )
