# Written by scripts/build_catalog.py from the comments in sql/: change those.

"""Rows that the ledger's functions return, as frozen dataclasses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

__all__ = [
    "Account",
    "AccountAhead",
    "Check",
    "CurrencyScale",
    "Entry",
    "Hold",
    "HoldOutcome",
    "PathBalance",
    "SliceCheck",
    "Transfer",
    "TransferOutcome",
]


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it stands: ``pgledger_account``.

    Attributes:
        id: Public id: ``pgla_`` and a ULID.
        name: Name for people, 1 to 255 characters, as given.
        currency: Unit of the balance: 1 to 32 visible characters, for example USD.
        balance: Sum of the account's entries, in units of its currency, with at most 18 decimal
            places.
        version: Count of the account's entries, whose versions run from 1 to this without a gap.
        allow_negative_balance: Whether a transfer may leave the balance below zero: there is no
            ``min_balance``, or it is below zero.
        allow_positive_balance: Whether a transfer may leave the balance above zero: there is no
            ``max_balance``, or it is above zero.
        metadata: JSON object, or None.
        created_at: When the account was recorded.
        updated_at: ``created_at`` of the newest transfer; before the first one, of the account
            itself.
        app_id: Set of books that the account belongs to; the empty text where there is only one.
        tenant_id: Tenant whose account it is; the empty text where there are no tenants.
        min_balance: Lowest balance, less ``held_out``, that a transfer may leave, or None.
        max_balance: Highest balance, with ``held_in``, that a transfer may leave, or None.
        held_out: What holds keep back to leave the account.
        held_in: What holds keep back on other accounts to reach this one.
        available_balance: What may leave the account: the balance less ``held_out``, and less
            ``min_balance`` where there is one.
        status: What the account takes part in; one of: ``open``, ``frozen_out``, ``frozen_in``,
            ``frozen_both``, ``closed``.
        amount_scale: Decimal places that amounts may have; None for 18.
        replayed: Whether the call changed nothing: it was a repeat, and this is what the first one
            made, or the account stood so before; None for what was only read.
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
    min_balance: Decimal | None
    max_balance: Decimal | None
    held_out: Decimal
    held_in: Decimal
    available_balance: Decimal
    status: Literal["open", "frozen_out", "frozen_in", "frozen_both", "closed"]
    amount_scale: int | None
    replayed: bool | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Hold:
    """An amount that is kept back on one account for another until it is posted, voided or expired.

    The type ``pgledger_hold``.

    Attributes:
        id: Public id: ``pglh_`` and a ULID.
        from_account_id: Account that the amount is to leave.
        to_account_id: Account that the amount is to reach.
        amount: What is held, above zero.
        posted_amount: How much of it has been posted so far.
        status: State; every state but pending is final; one of: ``pending``, ``posted``,
            ``voided``, ``expired``.
        created_at: When it was recorded.
        event_at: When it happened in the world: as given, or else ``created_at``.
        expires_at: When it expires, unless it was posted or voided before, or None.
        ended_at: When it was posted, voided or expired, or None.
        metadata: JSON object given at creation, or None.
        currency: Currency of both accounts.
        from_account_name: Name of the account that the amount is to leave.
        to_account_name: Name of the account that the amount is to reach.
        group_id: Name that joins the holds of one call, or None.
        app_id: Set of books that both accounts belong to; the empty text where there is only one.
        from_tenant_id: Tenant of the account that the amount is to leave.
        to_tenant_id: Tenant of the account that the amount is to reach.
        replayed: Whether the call was a repeat, and this is what the first one made; None for what
            was only read.
    """

    id: str
    from_account_id: str
    to_account_id: str
    amount: Decimal
    posted_amount: Decimal
    status: Literal["pending", "posted", "voided", "expired"]
    created_at: datetime
    event_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None
    metadata: Mapping[str, Any] | None = field(hash=False)
    currency: str
    from_account_name: str
    to_account_name: str
    group_id: str | None
    app_id: str
    from_tenant_id: str
    to_tenant_id: str
    replayed: bool | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class HoldOutcome:
    """What became of one request of a batch of holds whose requests succeed or fail each by itself.

    The type ``pgledger_hold_outcome``.

    Attributes:
        request_index: Which request of the batch this is about, from 1.
        status: What became of it; one of: ``made``, ``replayed``, ``failed``.
        id: Public id of the hold, ``pglh_`` and a ULID; None for a failed request.
        error: SQLSTATE of the error of a failed request, or None.
        error_name: Name of that error, as ``pgledger_errors_v1`` has it, or None.
        reason: What is wrong, in words, or None.
        detail: More about what is wrong, such as which values of a repeated request differ, or
            None.
        hint: What to do about it, or None.
        created_at: When the hold was recorded, or None.
        expires_at: When the hold expires, as it stands now, or None.
        ended_at: When a replayed hold was posted, voided or expired, or None.
        posted_amount: How much of the hold has been posted so far, or None.
        hold_status: State of the hold now; one of: ``pending``, ``posted``, ``voided``,
            ``expired``; None for a failed request.
    """

    request_index: int
    status: Literal["made", "replayed", "failed"]
    id: str | None
    error: str | None
    error_name: str | None
    reason: str | None
    detail: str | None
    hint: str | None
    created_at: datetime | None
    expires_at: datetime | None
    ended_at: datetime | None
    posted_amount: Decimal | None
    hold_status: Literal["pending", "posted", "voided", "expired"] | None


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer: an amount that left one account and reached another, in one currency.

    The type ``pgledger_transfer``.

    Attributes:
        id: Public id: ``pglt_`` and a ULID.
        from_account_id: Account that the amount left.
        to_account_id: Account that the amount reached.
        amount: What moved, in units of the currency: above 0, below 1e30, at most 18 decimal
            places.
        created_at: When it was recorded: later than everything recorded before on either account.
        event_at: When it happened in the world: as given, or else ``created_at``.
        metadata: JSON object given at creation, or None.
        currency: Currency of both accounts.
        from_account_name: Name of the account that the amount left.
        to_account_name: Name of the account that the amount reached.
        from_account_balance: Balance of the account that the amount left, right after the transfer.
        to_account_balance: Balance of the account that the amount reached, right after the
            transfer.
        from_account_version: Version of the account that the amount left, right after the transfer.
        to_account_version: Version of the account that the amount reached, right after the
            transfer.
        group_id: Name that joins the transfers of one call, for example an order's number, or None.
        app_id: Set of books that both accounts belong to; the empty text where there is only one.
        from_tenant_id: Tenant of the account that the amount left.
        to_tenant_id: Tenant of the account that the amount reached.
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
    origin_id: str | None = None
    replayed: bool | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class TransferOutcome:
    """What became of one request of a batch whose requests succeed or fail each by itself.

    The type ``pgledger_transfer_outcome``.

    Attributes:
        request_index: Which request of the batch this is about, from 1.
        status: What became of it; one of: ``posted``, ``replayed``, ``failed``.
        id: Public id of the transfer, ``pglt_`` and a ULID; None for a failed one.
        error: SQLSTATE of the error of a failed request, or None.
        error_name: Name of that error, as ``pgledger_errors_v1`` has it, or None.
        reason: What is wrong, in words, or None.
        created_at: When the transfer was recorded, or None.
        from_account_balance: Balance of the account that the amount left, right after the transfer,
            or None.
        to_account_balance: Balance of the account that the amount reached, right after the
            transfer, or None.
        from_account_version: Version of the account that the amount left, right after the transfer,
            or None.
        to_account_version: Version of the account that the amount reached, right after the
            transfer, or None.
        detail: More about what is wrong, such as which values of a repeated request differ, or
            None.
        hint: What to do about it, or None.
    """

    request_index: int
    status: Literal["posted", "replayed", "failed"]
    id: str | None
    error: str | None
    error_name: str | None
    reason: str | None
    created_at: datetime | None
    from_account_balance: Decimal | None
    to_account_balance: Decimal | None
    from_account_version: int | None
    to_account_version: int | None
    detail: str | None
    hint: str | None


@dataclass(frozen=True, slots=True)
class CurrencyScale:
    """How many decimal places amounts of a currency may have: ``pgledger_currency_scale``.

    Attributes:
        app_id: Set of books; the empty text where there is only one.
        code: Code of the currency.
        amount_scale: Decimal places that amounts may have; None for 18.
    """

    app_id: str
    code: str
    amount_scale: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry: one account's side of a transfer: ``pgledger_entry``.

    Attributes:
        id: Public id: ``pgle_`` and a ULID; ascends along the account.
        account_id: Account that the entry belongs to.
        transfer_id: Transfer that the entry is one leg of.
        amount: What the entry adds to the balance: negative on the account that the amount left.
        account_previous_balance: Balance of the account right before the entry.
        account_current_balance: Balance of the account right after the entry.
        account_version: Number of the entry on its account, from 1 without a gap.
        created_at: When the transfer was recorded; ascends along the account.
        event_at: When it happened in the world: as given, or else ``created_at``.
        metadata: JSON object given with the transfer, or None.
        account_name: Name of the account.
        currency: Currency of the account.
        app_id: Set of books that the account belongs to; the empty text where there is only one.
        tenant_id: Tenant whose account it is; the empty text where there are no tenants.
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
        rows_checked: How many rows were checked.
        violations: How many of these rows break the rule.
        example: One row that breaks it, in words, or None.
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
class SliceCheck:
    """Outcome of one check of a slice of the books: ``pgledger_slice_check``.

    Attributes:
        check_name: Which rule was checked.
        rows_checked: How many rows of the slice were checked.
        violations: How many of these rows break the rule.
        example: One row that breaks it, in words, or None.
        next_after: Where the next slice begins, the same in each row of a slice; None in those of
            the last.
        entries_in_all: How many entries all slices have, by the versions of accounts: what a
            progress bar goes by.
    """

    check_name: str
    rows_checked: int
    violations: int
    example: str | None
    next_after: str
    entries_in_all: Decimal


@dataclass(frozen=True, slots=True)
class AccountAhead:
    """An account whose newest time is ahead of the clock: ``pgledger_account_ahead``.

    Attributes:
        account_id: The account.
        account_name: Its name.
        app_id: Set of books that the account belongs to; the empty text where there is only one.
        tenant_id: Tenant whose account it is; the empty text where there are no tenants.
        newest_at: When its newest transfer was recorded; before the first one, the account itself.
        clock_at: What the clock says now.
        accepted_at: When this was accepted, or None: then calls warn, or are refused.
        accepted_by: Who accepted it, or None.
        reason: Why it was accepted, or None.
    """

    account_id: str
    account_name: str
    app_id: str
    tenant_id: str
    newest_at: datetime
    clock_at: datetime
    accepted_at: datetime
    accepted_by: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class PathBalance:
    """Balances of the accounts of one path and currency, added up: ``pgledger_path_balance``.

    Attributes:
        path: Name of the accounts, or its first levels, up to a dot.
        currency: Unit of the balances: 1 to 32 visible characters, for example USD.
        balance: Sum of the accounts' balances.
        held_out: Sum of what holds keep back to leave the accounts.
        held_in: Sum of what holds keep back on other accounts to reach these.
        account_count: How many accounts were added up.
    """

    path: str
    currency: str
    balance: Decimal
    held_out: Decimal
    held_in: Decimal
    account_count: int
