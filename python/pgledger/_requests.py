"""Writes batches as the parallel arrays that the functions for many requests take."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from pgledger._wire import (
    array_text,
    decimal_text,
    metadata_text,
    optional_array_text,
    optional_integer_text,
    range_text,
    time_text,
)
from pgledger.billing_types import UsageRecord
from pgledger.types import NamedTransferRequest, TransferRequest

# The arrays that stand first among a function's arguments, and those that stand last.
Arrays = tuple[tuple[str | None, ...], tuple[str | None, ...]]


def request_arrays(transfer_requests: Iterable[object]) -> Arrays:
    """Returns requests as the parallel arrays that the bulk function takes: six, and at its end.

    An optional array that would hold nothing but nulls is None, as if left out.

    Raises:
        TypeError: A request is neither a TransferRequest nor a tuple of three, or a value in it is
            of a wrong type. The message says which request, counted from 1.
        ValueError: A value in it is wrong in itself; the message says which, too.
    """
    requests = [
        given if isinstance(given, TransferRequest) else _request(number, given)
        for number, given in enumerate(transfer_requests, 1)
    ]
    amounts, event_ats, metadatas = _values(requests)
    arrays = (
        array_text("from_account_id", (request.from_account_id for request in requests)),
        array_text("to_account_id", (request.to_account_id for request in requests)),
        amounts,
        event_ats,
        metadatas,
        optional_array_text("id", [request.id for request in requests]),
    )
    return arrays, _last_arrays(requests)


def named_request_arrays(transfer_requests: Iterable[object]) -> Arrays:
    """Returns requests by name as the arrays that the bulk function takes: nine, and at its end.

    An optional array that would hold nothing but nulls or empty texts is None, as if left out.

    Raises:
        TypeError: A request is no NamedTransferRequest, or a value in it is of a wrong type. The
            message says which request, counted from 1.
        ValueError: A value in it is wrong in itself; the message says which, too.
    """
    requests: list[NamedTransferRequest] = []
    for number, given in enumerate(transfer_requests, 1):
        if not isinstance(given, NamedTransferRequest):
            raise TypeError(
                f"request {number}: {type(given).__name__} is no request by name: give a "
                "NamedTransferRequest"
            )
        requests.append(given)
    amounts, event_ats, metadatas = _values(requests)
    arrays = (
        array_text("from_name", (request.from_name for request in requests)),
        array_text("to_name", (request.to_name for request in requests)),
        amounts,
        array_text("currency", (request.currency for request in requests)),
        event_ats,
        metadatas,
        optional_array_text("id", [request.id for request in requests]),
        _tenants("from_tenant_id", [request.from_tenant_id for request in requests]),
        _tenants("to_tenant_id", [request.to_tenant_id for request in requests]),
    )
    return arrays, _last_arrays(requests)


def _tenants(name: str, tenant_ids: Sequence[str]) -> str | None:
    return None if all(each == "" for each in tenant_ids) else array_text(name, tenant_ids)


def _last_arrays(
    requests: Sequence[TransferRequest | NamedTransferRequest],
) -> tuple[str | None, ...]:
    senders = (
        ("require_from_version", optional_integer_text),
        ("require_to_version", optional_integer_text),
        ("require_from_balance", range_text),
        ("require_to_balance", range_text),
    )
    arrays: list[str | None] = []
    for name, text in senders:
        given = [getattr(request, name) for request in requests]
        if all(condition is None for condition in given):
            arrays.append(None)
            continue
        texts: list[str | None] = []
        for number, condition in enumerate(given, 1):
            try:
                texts.append(text(name, condition))
            except TypeError as error:
                raise TypeError(f"request {number}: {error}") from error
        arrays.append(array_text(name, texts))
    arrays.append(
        optional_array_text("idempotency_key", [request.idempotency_key for request in requests])
    )
    return tuple(arrays)


def _values(
    requests: Sequence[TransferRequest | NamedTransferRequest],
) -> tuple[str, str | None, str | None]:
    amounts: list[str] = []
    event_ats: list[str | None] = []
    metadatas: list[str | None] = []
    for number, request in enumerate(requests, 1):
        try:
            amounts.append(decimal_text("amount", request.amount))
            event_ats.append(time_text("event_at", request.event_at))
            metadatas.append(metadata_text(request.metadata))
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"request {number}: {error}") from error
    return (
        "{" + ",".join(amounts) + "}",
        optional_array_text("event_at", event_ats),
        optional_array_text("metadata", metadatas),
    )


def _request(number: int, given: object) -> TransferRequest:
    if isinstance(given, tuple):
        parts = cast("Any", given)
        if len(parts) == 3:
            return TransferRequest(*parts)
        raise TypeError(
            f"request {number}: a tuple of {len(parts)} is no request: write (from_account_id, "
            "to_account_id, amount), or a TransferRequest to give more"
        )
    raise TypeError(
        f"request {number}: {type(given).__name__} is no request: give a TransferRequest or a "
        "tuple (from_account_id, to_account_id, amount)"
    )


def usage_arrays(
    events: Iterable[object],
) -> tuple[str, str, str, str | None, str | None, str | None]:
    """Returns usage records as the six parallel arrays that ``ledger_ingest_usage`` takes.

    An optional array that would hold nothing but nulls is None, as if left out.

    Raises:
        TypeError: One is no UsageRecord, or a value in it is of a wrong type. The message says
            which event, counted from 1.
        ValueError: A value in it is wrong in itself; the message says which, too.
    """
    records: list[UsageRecord] = []
    quantities: list[str] = []
    event_ats: list[str | None] = []
    metadatas: list[str | None] = []
    for number, event in enumerate(events, 1):
        if not isinstance(event, UsageRecord):
            raise TypeError(f"event {number}: must be a UsageRecord, not {type(event).__name__}")
        try:
            quantities.append(decimal_text("quantity", event.quantity))
            event_ats.append(time_text("event_at", event.event_at))
            metadatas.append(metadata_text(event.metadata))
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"event {number}: {error}") from error
        records.append(event)
    return (
        array_text("tenant_id", (record.tenant_id for record in records), of="event"),
        array_text("feature_key", (record.feature_key for record in records), of="event"),
        "{" + ",".join(quantities) + "}",
        optional_array_text("event_at", event_ats, of="event"),
        optional_array_text(
            "idempotency_key", [record.idempotency_key for record in records], of="event"
        ),
        optional_array_text("metadata", metadatas, of="event"),
    )
