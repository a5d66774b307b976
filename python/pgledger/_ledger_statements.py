"""What both ledgers send: a statement for each function, and batches as its arrays."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, cast

from pgledger._wire import (
    Calls,
    array_text,
    decimal_text,
    metadata_text,
    optional_array_text,
    row_factory,
    time_text,
)
from pgledger.types import Account, Check, Entry, Transfer, TransferRequest

ACCOUNT_ROW = row_factory(Account)
TRANSFER_ROW = row_factory(Transfer)
ENTRY_ROW = row_factory(Entry)
CHECK_ROW = row_factory(Check)


class LedgerStatements:
    """The text of every call, for one schema of the public surface."""

    def __init__(self, schema: str | None) -> None:
        calls = Calls(schema)
        self.create_account = calls.rows(
            Account,
            "pgledger_create_account",
            name="text",
            currency="text",
            allow_negative_balance="boolean",
            allow_positive_balance="boolean",
            metadata="jsonb",
            id="text",
            app_id="text",
            tenant_id="text",
        )
        self.create_transfer = calls.rows(
            Transfer,
            "pgledger_create_transfer",
            from_account_id="text",
            to_account_id="text",
            amount="numeric",
            event_at="timestamptz",
            metadata="jsonb",
            id="text",
            app_id="text",
            allow_future_event_at="boolean",
        )
        self.create_transfers = calls.rows(
            Transfer,
            "pgledger_create_transfers_bulk",
            from_account_ids="text[]",
            to_account_ids="text[]",
            amounts="numeric[]",
            event_ats="timestamptz[]",
            metadatas="jsonb[]",
            ids="text[]",
            app_id="text",
            group_id="text",
            allow_future_event_at="boolean",
        )
        self.get_account = calls.rows(Account, "pgledger_get_account", id="text", app_id="text")
        self.get_transfer = calls.rows(Transfer, "pgledger_get_transfer", id="text", app_id="text")
        self.account_entries = calls.rows(
            Entry,
            "pgledger_account_entries",
            account_id="text",
            page_size="integer",
            newest_first="boolean",
            after_version="bigint",
            app_id="text",
        )
        self.balance_at = calls.value(
            "pgledger_balance_at", account_id="text", at="timestamptz", app_id="text"
        )
        self.verify = calls.rows(Check, "pgledger_verify")
        self.generate_id = calls.value("pgledger_generate_id", prefix="text")


@lru_cache
def statements_for(schema: str | None) -> LedgerStatements:
    """Returns the statements for a schema, or for the search_path if it is None."""
    return LedgerStatements(schema)


def request_arrays(
    transfer_requests: Iterable[object],
) -> tuple[str, str, str, str | None, str | None, str | None]:
    """Returns requests as the six parallel arrays that the bulk function takes.

    An optional array that would hold nothing but nulls is None, as if left out.

    Raises:
        TypeError: A request is neither a TransferRequest nor a tuple of three, or a value in it is
            of a wrong type. The message says which request, counted from 1.
        ValueError: A value in it is wrong in itself; the message says which, too.
    """
    requests: list[TransferRequest] = []
    amounts: list[str] = []
    event_ats: list[str | None] = []
    metadatas: list[str | None] = []
    for number, given in enumerate(transfer_requests, 1):
        try:
            request = given if isinstance(given, TransferRequest) else _request(given)
            amounts.append(decimal_text("amount", request.amount))
            event_ats.append(time_text("event_at", request.event_at))
            metadatas.append(metadata_text(request.metadata))
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"request {number}: {error}") from error
        requests.append(request)
    ids = [request.id for request in requests]
    return (
        array_text("from_account_id", (request.from_account_id for request in requests)),
        array_text("to_account_id", (request.to_account_id for request in requests)),
        "{" + ",".join(amounts) + "}",
        optional_array_text("event_at", event_ats),
        optional_array_text("metadata", metadatas),
        optional_array_text("id", ids),
    )


def _request(given: object) -> TransferRequest:
    if isinstance(given, tuple):
        parts = cast("Any", given)
        if len(parts) == 3:
            return TransferRequest(*parts)
        raise TypeError(
            f"a tuple of {len(parts)} is no request: write (from_account_id, to_account_id, "
            "amount), or a TransferRequest to give more"
        )
    raise TypeError(
        f"{type(given).__name__} is no request: give a TransferRequest or a tuple "
        "(from_account_id, to_account_id, amount)"
    )
