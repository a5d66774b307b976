"""Writes the statement that makes the transfers of some requests."""

from collections.abc import Sequence
from functools import lru_cache

from pgledger._generated.ledger_statements import statements_for
from pgledger._wire import array_text, optional_array_text

from .requests import Request

_POSTED = (
    "r.id, r.created_at, r.from_account_balance, r.to_account_balance, r.from_account_version, "
    "r.to_account_version, "
)
_SINGLE = f"select {_POSTED}r.replayed, null::text, null::text, null::text, null::text from "
_MANY = f"select {_POSTED}r.status = 'replayed', r.error, r.reason, r.detail, r.hint from "

# The arguments in the order of a request's values. The first three are never left out.
_NAMES = (
    "from_account_id",
    "to_account_id",
    "amount",
    "event_at",
    "metadata",
    "id",
    "require_from_version",
    "require_to_version",
    "require_from_balance",
    "require_to_balance",
    "idempotency_key",
)
_REQUIRED = 3
# Those before app_id among the arguments.
_FIRST = 6


@lru_cache(maxsize=8)
def _texts(schema: str | None) -> tuple[str, str]:
    statements = statements_for(schema)
    single, many = (
        statement.partition(" from ")[2]
        for statement in (statements.create_transfer, statements.create_transfers_outcomes)
    )
    return _SINGLE + single, _MANY + many


def call_of(requests: Sequence[Request], schema: str | None) -> tuple[str, tuple[str | None, ...]]:
    """Returns the statement that makes transfers, and its parameters.

    Args:
        requests: What to make, of one scope.
        schema: The schema of the public functions, or None.
    """
    single, many = _texts(schema)
    app_id, group_id, allow_future_event_at = requests[0].scope
    if len(requests) == 1 and group_id is None:
        values = requests[0].values
        return single, (*values[:_FIRST], app_id, allow_future_event_at, *values[_FIRST:])
    columns = list(zip(*(request.values for request in requests), strict=True))
    arrays = [
        array_text(name, column) if place < _REQUIRED else optional_array_text(name, column)
        for place, (name, column) in enumerate(zip(_NAMES, columns, strict=True))
    ]
    return many, (*arrays[:_FIRST], app_id, group_id, allow_future_event_at, *arrays[_FIRST:])
