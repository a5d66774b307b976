"""What goes in and comes out: requests, and rows that the functions return, as frozen dataclasses.

The fields are the columns in their order. Times are aware and in UTC. Amounts and balances are
exact decimals in units of the account's currency. Metadata is what the JSON object decodes to;
treat it as read-only, like the row that it came from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg.types.range import Range

from pgledger._generated.ledger_rows import (
    Account,
    AccountBalance,
    Change,
    Check,
    CurrencyScale,
    Entry,
    Hold,
    HoldOutcome,
    Movement,
    PathBalance,
    Seal,
    StatementLine,
    Transfer,
    TransferOutcome,
    TrialBalanceLine,
)

__all__ = [
    "Account",
    "AccountBalance",
    "Change",
    "Check",
    "CurrencyScale",
    "Entry",
    "Hold",
    "HoldOutcome",
    "HoldRequest",
    "Movement",
    "NamedTransferRequest",
    "PathBalance",
    "PostingRequest",
    "Seal",
    "StatementLine",
    "Transfer",
    "TransferOutcome",
    "TransferRequest",
    "TrialBalanceLine",
]

for _row in (
    Account,
    AccountBalance,
    Change,
    Check,
    CurrencyScale,
    Entry,
    Hold,
    HoldOutcome,
    Movement,
    PathBalance,
    StatementLine,
    Seal,
    Transfer,
    TransferOutcome,
    TrialBalanceLine,
):
    # Where users find them, and where pickle looks for them.
    _row.__module__ = __name__


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
        require_from_version: Version that the account must have that the amount leaves, right
            before the transfer; None for any.
        require_to_version: Version that the other account must have before it; None for any.
        require_from_balance: Range in which the balance of the account must lie that the amount
            leaves, right after the transfer; None for any.
        require_to_balance: Range in which the other account's balance must lie after it; None for
            any.
        idempotency_key: Your own name for the request, 1 to 255 characters, unique in the app; None
            for none.
    """

    from_account_id: str
    to_account_id: str
    amount: Decimal | int
    event_at: datetime | None = field(default=None, kw_only=True)
    metadata: Mapping[str, Any] | None = field(default=None, kw_only=True, hash=False)
    id: str | None = field(default=None, kw_only=True)
    require_from_version: int | None = field(default=None, kw_only=True)
    require_to_version: int | None = field(default=None, kw_only=True)
    require_from_balance: Range[Decimal] | None = field(default=None, kw_only=True)
    require_to_balance: Range[Decimal] | None = field(default=None, kw_only=True)
    idempotency_key: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class NamedTransferRequest:
    """One transfer to make, for :meth:`pgledger.Ledger.create_transfers_by_name`.

    Attributes:
        from_name: Name of the account that the amount leaves.
        to_name: Name of the account that the amount reaches.
        amount: What moves, in units of the currency: a Decimal or an int.
        currency: The currency of both accounts.
        event_at: When it happened in the world, aware; None means when it is recorded.
        metadata: JSON object to store with it, or None.
        id: The transfer's id if the caller chooses it, which makes the request repeatable.
        from_tenant_id: Whose account the amount leaves.
        to_tenant_id: Whose account it reaches.
        require_from_version: Version that the account must have that the amount leaves, right
            before the transfer; None for any.
        require_to_version: Version that the other account must have before it; None for any.
        require_from_balance: Range in which the balance of the account must lie that the amount
            leaves, right after the transfer; None for any.
        require_to_balance: Range in which the other account's balance must lie after it; None for
            any.
        idempotency_key: Your own name for the request, 1 to 255 characters, unique in the app; None
            for none.
    """

    from_name: str
    to_name: str
    amount: Decimal | int
    currency: str
    event_at: datetime | None = field(default=None, kw_only=True)
    metadata: Mapping[str, Any] | None = field(default=None, kw_only=True, hash=False)
    id: str | None = field(default=None, kw_only=True)
    from_tenant_id: str = field(default="", kw_only=True)
    to_tenant_id: str = field(default="", kw_only=True)
    require_from_version: int | None = field(default=None, kw_only=True)
    require_to_version: int | None = field(default=None, kw_only=True)
    require_from_balance: Range[Decimal] | None = field(default=None, kw_only=True)
    require_to_balance: Range[Decimal] | None = field(default=None, kw_only=True)
    idempotency_key: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """One hold to make, for :meth:`pgledger.Ledger.create_holds`.

    Attributes:
        from_account_id: Account that the amount is to leave.
        to_account_id: Account that the amount is to reach.
        amount: What to hold, in units of both accounts' currency: a Decimal or an int.
        expires_at: From when on it is expired, aware and in the future; None means never.
        event_at: When it happened in the world, aware; None means when it is recorded.
        metadata: JSON object to store with it, or None.
        id: The hold's id if the caller chooses it, which makes the request repeatable.
        idempotency_key: Your own name for the request, 1 to 255 characters, unique in the app; None
            for none.
    """

    from_account_id: str
    to_account_id: str
    amount: Decimal | int
    expires_at: datetime | None = field(default=None, kw_only=True)
    event_at: datetime | None = field(default=None, kw_only=True)
    metadata: Mapping[str, Any] | None = field(default=None, kw_only=True, hash=False)
    id: str | None = field(default=None, kw_only=True)
    idempotency_key: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class PostingRequest:
    """One hold to post, whole or in part, for :meth:`pgledger.Ledger.post_holds`.

    Attributes:
        hold_id: The hold.
        amount: What to move, a Decimal or an int; None means all that is left of the hold then.
        final: Whether what is then left of the hold is released.
        event_at: When it happened in the world, aware; None means when it is recorded.
        metadata: JSON object to store with the transfer, or None.
        id: The transfer's id if the caller chooses it, which makes the request repeatable.
        idempotency_key: Your own name for the request, 1 to 255 characters, unique in the app; None
            for none.
    """

    hold_id: str
    amount: Decimal | int | None = field(default=None, kw_only=True)
    final: bool = field(default=True, kw_only=True)
    event_at: datetime | None = field(default=None, kw_only=True)
    metadata: Mapping[str, Any] | None = field(default=None, kw_only=True, hash=False)
    id: str | None = field(default=None, kw_only=True)
    idempotency_key: str | None = field(default=None, kw_only=True)
