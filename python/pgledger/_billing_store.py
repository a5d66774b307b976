"""What Billing and AsyncBilling share: whether the store is there, and the error after closing."""

from typing import Final, cast

from psycopg import InterfaceError

from pgledger._generated.billing_statements import BillingStatements
from pgledger._wire import Calls

# Looks a view up by name instead of calling a function: if the store is missing, that gives an
# answer, whereas a failed call would abort the caller's transaction.
IS_INSTALLED: Final = "select pg_catalog.to_regclass(%s::text) is not null"


def store_name(schema: str | None) -> str:
    """Returns the name of a view of the store, as to_regclass takes it."""
    return Calls(schema).named("ledger_plans")


def closed_error() -> InterfaceError:
    """Returns the error of every call after closing."""
    return InterfaceError(
        "this Billing was closed: make another one on the same connection, which is still open"
    )


class _ClosedStatements:
    def __getattr__(self, name: str) -> str:
        raise closed_error()


CLOSED: Final = cast("BillingStatements", _ClosedStatements())
