"""What the story must have left in the database."""

from decimal import Decimal
from typing import Final

import psycopg

from pgledger import Ledger
from scripts.demo_story.errors import DemoError

BALANCES: Final = {
    "account_1": "-91.14",
    "account_2": "86.14",
    "wallet": "3.25",
    "shop": "0",
    "bank": "456.75",
    "customers": "-455.00",
    "user1.USD": "-10.00",
    "user1.EUR": "4.26",
    "user1.savings": "5.00",
    "liquidity.USD": "10.00",
    "liquidity.EUR": "-9.26",
}
# How many API calls of which tenant are counted in the end.
USAGE: Final = {"acme": "10", "globex": "13000"}
# What tenants have paid.
PAID: Final = {"globex": "86.18"}


def read_back(dsn: str) -> dict[str, Decimal]:
    """Reads back over a connection of our own what the story has left; raises if it is not that."""
    expected = {name: Decimal(balance) for name, balance in BALANCES.items()}
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("select name, balance from pgledger_accounts_view").fetchall()
        checks = Ledger(connection).verify()
        usage = connection.execute(
            "select tenant_id, sum(quantity) from ledger_usage_events group by tenant_id"
        ).fetchall()
        paid = connection.execute(
            "select tenant_id, sum(amount_paid) from ledger_invoices where amount_paid > 0"
            " and status = 'paid' group by tenant_id"
        ).fetchall()
        numbers = connection.execute(
            "select array_agg(number order by number) from ledger_invoices"
        ).fetchone()
    found: dict[str, Decimal] = dict(rows)
    if found != expected or len(rows) != len(found):
        raise DemoError(f"the balances read back are {found}, not {expected}")
    wrong = [check for check in checks if not check.ok]
    if wrong or not checks:
        raise DemoError(f"pgledger_verify() found violations: {wrong}")
    if dict(usage) != {tenant: Decimal(used) for tenant, used in USAGE.items()}:
        raise DemoError(f"the usage read back is {dict(usage)}, not {USAGE}")
    if dict(paid) != {tenant: Decimal(amount) for tenant, amount in PAID.items()}:
        raise DemoError(f"the payments read back are {dict(paid)}, not {PAID}")
    if numbers is None or numbers[0] != list(range(1, len(numbers[0]) + 1)):
        raise DemoError(f"invoices are numbered {numbers}")
    return found
