"""What a meter takes, and what it hands back."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pgledger import ids
from pgledger._checks import require_text
from pgledger._wire import decimal_text, metadata_text, time_text
from pgledger.billing_types import UsageAnswer, UsageRecord

# Of keys that a meter chooses. Keys of a tenant are compared as texts, so any would do; these
# ascend with time, which an index likes.
KEY_PREFIX = "meter"


class MeterFull(RuntimeError):
    """The buffer holds as many events as it may; this one was not taken. Try again later."""


class MeterClosed(RuntimeError):
    """The meter takes no more events: it was closed, or belongs to another process."""


class MeterUndelivered(RuntimeError):
    """A ``with`` block over a meter ended, and not everything could be delivered.

    Attributes:
        records: What was not, in order, with the keys under which it may be recorded again.
    """

    def __init__(self, records: Sequence[UsageRecord]) -> None:
        super().__init__(f"{len(records)} usage events could not be delivered")
        self.records = list(records)


@dataclass(frozen=True, slots=True)
class Rejection:
    """An event that the database does not take, however often it is sent.

    Attributes:
        record: The event.
        error: SQLSTATE of what is wrong with it, as :mod:`pgledger.errors` has them; None where
            it could not even be sent.
        reason: The same in words.
    """

    record: UsageRecord
    error: str | None
    reason: str


OnRejected = Callable[[Rejection], object]


def rejections(batch: Sequence[UsageRecord], answers: Sequence[UsageAnswer]) -> list[Rejection]:
    """Returns those events of a batch that the database has rejected."""
    assert len(answers) == len(batch), "the database answers for each event"
    return [
        Rejection(record, answer.error, answer.reason or "")
        for record, answer in zip(batch, answers, strict=True)
        if answer.status == "rejected"
    ]


def usage_record(
    tenant_id: str,
    feature_key: str,
    quantity: Decimal | int,
    *,
    event_at: datetime | None,
    idempotency_key: str | None,
    metadata: Mapping[str, Any] | None,
) -> UsageRecord:
    """Returns an event that is complete: its time and its key are settled now, once for all.

    Raises:
        TypeError: A value is of a wrong type.
        ValueError: A time has no time zone, or metadata holds NaN or an infinity.
    """
    require_text("tenant_id", tenant_id)
    require_text("feature_key", feature_key)
    if idempotency_key is None:
        idempotency_key = ids.generate(KEY_PREFIX)
    else:
        require_text("idempotency_key", idempotency_key)
    decimal_text("quantity", quantity)
    time_text("event_at", event_at)
    return UsageRecord(
        tenant_id,
        feature_key,
        quantity,
        event_at=datetime.now(UTC) if event_at is None else event_at,
        idempotency_key=idempotency_key,
        metadata=_copied(metadata),
    )


def _copied(metadata: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    # What the caller does to a dict afterwards must not reach an event that waits.
    text = metadata_text(metadata)
    return None if text is None else json.loads(text)
