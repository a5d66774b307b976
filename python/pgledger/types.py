"""What goes in and comes out: rows of the versioned views, as frozen dataclasses.

The fields are the columns of the view in its order. Times are aware and in UTC. Amounts and
balances are exact decimals in units of the account's currency. Metadata is what the JSON object
decodes to; treat it as read-only, as the row it came from is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

__all__ = ["Account", "Check", "Entry", "Transfer", "TransferRequest"]


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it is now: a row of ``pgledger_accounts_v1``.

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
    """

    id: str
    name: str
    currency: str
    balance: Decimal
    version: int
    allow_negative_balance: bool
    allow_positive_balance: bool
    # A dict cannot be hashed, and the id alone tells rows apart.
    metadata: Mapping[str, Any] | None = field(hash=False)
    created_at: datetime
    updated_at: datetime
    app_id: str
    tenant_id: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """A recorded transfer: a row of ``pgledger_transfers_v1``.

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


@dataclass(frozen=True, slots=True)
class Entry:
    """One account's side of a transfer: a row of ``pgledger_entries_v1``.

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
    """Outcome of one check of the books: a row of ``pgledger_verify()``.

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


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """One transfer to make, for :meth:`pgledger.Ledger.create_transfers`.

    Attributes:
        from_account_id: Account that the amount leaves.
        to_account_id: Account that the amount reaches.
        amount: What moves, in units of both accounts' currency: a Decimal or an int.
        event_at: When it happened in the world, aware; None means when it is recorded.
        metadata: JSON object to store with it, or None.
        id: The transfer's id if the caller chooses it, which makes the request repeatable.
    """

    from_account_id: str
    to_account_id: str
    amount: Decimal | int
    event_at: datetime | None = field(default=None, kw_only=True)
    metadata: Mapping[str, Any] | None = field(default=None, kw_only=True, hash=False)
    id: str | None = field(default=None, kw_only=True)
