"""Accounts of every kind that can refuse a transfer or a hold."""

from typing import Any, Final

import psycopg

from pgledger import Ledger

UNKNOWN: Final = "pgla_7ZZZZZZZZZZZZZZZZZZZZZZZZZ"
NAMES: Final = (
    "bank",
    "purse",
    "jar",
    "cents",
    "frozen",
    "closed",
    "euros",
    "elsewhere",
    "ahead",
    "till",
)


def accounts_that_refuse(conn: psycopg.Connection[Any]) -> dict[str, Any]:
    """Makes them; returns their ids by name, and ids of none: one unknown, one odd and null."""
    ledger = Ledger(conn)
    given: dict[str, dict[str, Any]] = {
        "purse": {"min_balance": 0},
        "jar": {"min_balance": -10, "max_balance": 20},
        "elsewhere": {"app_id": "shop"},
    }
    made = {
        name: ledger.create_account(
            name, "EUR" if name == "euros" else "USD", **given.get(name, {})
        ).id
        for name in NAMES
    }
    conn.execute("update pgledger.accounts set amount_scale = 2 where name = 'cents'")
    conn.execute(
        "update pgledger.accounts set updated_at = updated_at + interval '2 days'"
        " where name = 'ahead'"
    )
    ledger.freeze_account(made["frozen"], "in")
    ledger.close_account(made["closed"])
    return made | {"unknown": UNKNOWN, "odd": "odd", "null": None}
