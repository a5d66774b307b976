"""Writes batches of holds and of postings as the parallel arrays that their functions take."""

from collections.abc import Iterable

from pgledger._wire import (
    array_text,
    decimal_text,
    flag_text,
    metadata_text,
    optional_array_text,
    optional_decimal_text,
    time_text,
)
from pgledger.types import HoldRequest, PostingRequest


def hold_arrays(hold_requests: Iterable[object]) -> tuple[str | None, ...]:
    """Returns requests as the eight parallel arrays that ``pgledger_create_holds_bulk`` takes.

    An optional array that would hold nothing but nulls is None, as if left out.

    Raises:
        TypeError: A request is no HoldRequest, or a value in it is of a wrong type. The message
            says which request, counted from 1.
        ValueError: A value in it is wrong in itself; the message says which, too.
    """
    requests: list[HoldRequest] = []
    values: list[tuple[str, str | None, str | None, str | None]] = []
    for number, given in enumerate(hold_requests, 1):
        if not isinstance(given, HoldRequest):
            raise TypeError(
                f"request {number}: {type(given).__name__} is no request: give a HoldRequest"
            )
        try:
            values.append(
                (
                    decimal_text("amount", given.amount),
                    time_text("expires_at", given.expires_at),
                    time_text("event_at", given.event_at),
                    metadata_text(given.metadata),
                )
            )
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"request {number}: {error}") from error
        requests.append(given)
    return (
        array_text("from_account_id", (request.from_account_id for request in requests)),
        array_text("to_account_id", (request.to_account_id for request in requests)),
        array_text("amount", [value[0] for value in values]),
        optional_array_text("expires_at", [value[1] for value in values]),
        optional_array_text("event_at", [value[2] for value in values]),
        optional_array_text("metadata", [value[3] for value in values]),
        optional_array_text("id", [request.id for request in requests]),
        optional_array_text("idempotency_key", [request.idempotency_key for request in requests]),
    )


def posting_arrays(posting_requests: Iterable[object]) -> tuple[str | None, ...]:
    """Returns requests as the seven parallel arrays that ``pgledger_post_holds_bulk`` takes.

    An optional array that would hold nothing but nulls is None, as if left out.

    Raises:
        TypeError: A request is neither a PostingRequest nor a text, or a value in it is of a wrong
            type. The message says which request, counted from 1.
        ValueError: A value in it is wrong in itself; the message says which, too.
    """
    requests: list[PostingRequest] = []
    values: list[tuple[str | None, str, str | None, str | None]] = []
    for number, given in enumerate(posting_requests, 1):
        request = PostingRequest(given) if isinstance(given, str) else given
        if not isinstance(request, PostingRequest):
            raise TypeError(
                f"request {number}: {type(given).__name__} is no request: give a PostingRequest "
                "or a hold's id"
            )
        try:
            values.append(
                (
                    optional_decimal_text("amount", request.amount),
                    flag_text("final", request.final),
                    time_text("event_at", request.event_at),
                    metadata_text(request.metadata),
                )
            )
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"request {number}: {error}") from error
        requests.append(request)
    finals = [None if request.final else "f" for request in requests]
    return (
        array_text("hold_id", (request.hold_id for request in requests)),
        optional_array_text("amount", [value[0] for value in values]),
        optional_array_text("final", finals),
        optional_array_text("event_at", [value[2] for value in values]),
        optional_array_text("metadata", [value[3] for value in values]),
        optional_array_text("id", [request.id for request in requests]),
        optional_array_text("idempotency_key", [request.idempotency_key for request in requests]),
    )
