# Written by scripts/build_catalog.py from the comments in sql/: change those.

"""Rows that the ledger's functions return, as frozen dataclasses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

__all__ = ["Account", "Check", "Entry", "Transfer"]


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it stands: ``pgledger_account``.

    Attributes:
        id: Public id, ``pgla_`` and a ULID.
        name: For people, as given.
        currency: Unit of the balance.
        balance: Sum of all entries.
        version: Count of all entries; grows by one with each.
        allow_negative_balance: Whether a transfer may leave the balance below zero.
        allow_positive_balance: Whether a transfer may leave the balance above zero.
        metadata: JSON object given at creation, or None.
        created_at: When it was recorded.
        updated_at: When its newest transfer was recorded, or it itself.
        app_id: Set of books, the empty text where there is only one.
        tenant_id: Whose account it is, the empty text where there are no tenants.
        replayed: Whether the call was a repeat, and this is what the first one made; None for what
            was only read.
    """

    id: str
    name: str
    currency: str
    balance: Decimal
    version: int
    allow_negative_balance: bool
    allow_positive_balance: bool
    metadata: Mapping[str, Any] | None = field(hash=False)
    created_at: datetime
    updated_at: datetime
    app_id: str
    tenant_id: str
    replayed: bool | None = field(compare=False)


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer: an amount that left one account and reached another, in one currency.

    The type ``pgledger_transfer``.

    Attributes:
        id: Public id, ``pglt_`` and a ULID.
        from_account_id: Account that the amount left.
        to_account_id: Account that the amount reached.
        amount: What moved, above zero.
        created_at: When it was recorded; ascends along each account.
        event_at: When it happened in the world: as given, or else ``created_at``.
        metadata: JSON object given at creation, or None.
        currency: Currency of both accounts.
        from_account_name: Name of the account that the amount left.
        to_account_name: Name of the account that the amount reached.
        from_account_balance: Balance of that account right after this transfer.
        to_account_balance: Balance of that account right after this transfer.
        from_account_version: Version of that account right after this transfer.
        to_account_version: Version of that account right after this transfer.
        group_id: Name that the call gave to its transfers, or None.
        app_id: Set of books of both accounts.
        from_tenant_id: Whose account the amount left.
        to_tenant_id: Whose account the amount reached.
        origin_id: Hold that it posts (``pglh_``) or transfer that it reverses (``pglt_``), or None.
        replayed: Whether the call was a repeat, and this is what the first one made; None for what
            was only read.
    """

    id: str
    from_account_id: str
    to_account_id: str
    amount: Decimal
    created_at: datetime
    event_at: datetime
    metadata: Mapping[str, Any] | None = field(hash=False)
    currency: str
    from_account_name: str
    to_account_name: str
    from_account_balance: Decimal
    to_account_balance: Decimal
    from_account_version: int
    to_account_version: int
    group_id: str | None
    app_id: str
    from_tenant_id: str
    to_tenant_id: str
    origin_id: str | None
    replayed: bool | None = field(compare=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry: one account's side of a transfer: ``pgledger_entry``.

    Attributes:
        id: Public id, ``pgle_`` and a ULID.
        account_id: Whose entry it is.
        transfer_id: What caused it.
        amount: Change of the balance: negative where the amount left.
        account_previous_balance: Balance right before.
        account_current_balance: Balance right after.
        account_version: Number of the entry along its account, from 1 without gaps.
        created_at: When the transfer was recorded.
        event_at: When it happened in the world.
        metadata: The transfer's, or None.
        account_name: Name of the account.
        currency: Currency of the account.
        app_id: Set of books.
        tenant_id: Whose account it is.
    """

    id: str
    account_id: str
    transfer_id: str
    amount: Decimal
    account_previous_balance: Decimal
    account_current_balance: Decimal
    account_version: int
    created_at: datetime
    event_at: datetime
    metadata: Mapping[str, Any] | None = field(hash=False)
    account_name: str
    currency: str
    app_id: str
    tenant_id: str


@dataclass(frozen=True, slots=True)
class Check:
    """Outcome of one check of the books: ``pgledger_check``.

    Attributes:
        check_name: Which rule was checked.
        rows_checked: How many rows it looked at.
        violations: How many of them break the rule.
        example: One that does, in words, or None.
    """

    check_name: str
    rows_checked: int
    violations: int
    example: str | None

    @property
    def ok(self) -> bool:
        """Whether nothing breaks the rule."""
        return self.violations == 0
