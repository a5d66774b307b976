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
    "AccountBalance",
    "Change",
    "Check",
    "CurrencyScale",
    "Entry",
    "Hold",
    "HoldOutcome",
    "ImportFault",
    "ImportResult",
    "Movement",
    "PathBalance",
    "Period",
    "Seal",
    "SliceCheck",
    "StatementLine",
    "Transfer",
    "TransferOutcome",
    "TrialBalanceLine",
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
        held_out: Sum of what holds keep back to leave the accounts; None for a time in the past.
        held_in: Sum of what holds keep back on other accounts to reach these; None for a time in
            the past.
        account_count: How many accounts were added up.
    """

    path: str
    currency: str
    balance: Decimal
    held_out: Decimal | None
    held_in: Decimal | None
    account_count: int


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """Balance of one account at a time: ``pgledger_account_balance``.

    Attributes:
        account_id: Whose balance it is.
        currency: Unit of the balance: 1 to 32 visible characters, for example USD.
        balance: The balance; 0 before the first entry.
    """

    account_id: str
    currency: str
    balance: Decimal


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened to the books or in billing, once and for all in its place.

    The type ``pgledger_change``.

    Attributes:
        cursor: Where it stands: give it to :meth:`changes` to go on after it.
        block: Number of the block that covers it.
        entity: What it happened to; one of: ``account``, ``transfer``, ``hold``, ``subscription``,
            ``invoice``, ``payment``, ``credit``, ``entitlement``.
        change: What happened, for example opened, posted, reversed, made, voided, finalized.
        entity_id: Public id of what it happened to.
        version: Number of the change among those of the same thing, from 1; 0 for the opening of an
            account, the making of a hold, and a transfer (None for the end of a posted hold), or
            None.
        recorded_at: When it was recorded.
        app_id: Set of books or app; the empty text where there is only one.
        tenant_id: Tenant; the empty text for transfers and holds, which have two accounts.
        details: JSON object with more about it, amounts as texts, or None.
    """

    cursor: str
    block: int
    entity: Literal[
        "account", "transfer", "hold", "subscription", "invoice", "payment", "credit", "entitlement"
    ]
    change: str
    entity_id: str
    version: int | None
    recorded_at: datetime
    app_id: str
    tenant_id: str
    details: Mapping[str, Any] | None = field(hash=False)


@dataclass(frozen=True, slots=True)
class Period:
    """Until when a set of books is closed: ``pgledger_period``.

    Attributes:
        closed_until: No ``event_at`` before it is accepted; None if nothing is closed.
        changed_at: When that was last changed, or None.
        app_id: Set of books; the empty text where there is only one.
        replayed: Whether the call changed nothing, because the books were so already.
    """

    closed_until: datetime
    changed_at: datetime | None
    app_id: str
    replayed: bool = field(compare=False)


@dataclass(frozen=True, slots=True)
class ImportFault:
    """Why a row cannot be imported: ``pgledger_import_fault``.

    Attributes:
        kind: What the row is; one of: ``account``, ``transfer``, ``entry``.
        row_number: Which row it is, counted from 1 in the order in which they were given.
        id: Its id, as given, or None.
        reason: What is wrong with it, in words.
    """

    kind: Literal["account", "transfer", "entry"]
    row_number: int
    id: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import has brought: ``pgledger_import_result``.

    Attributes:
        accounts: How many accounts.
        transfers: How many transfers.
        entry_ids: How many entries had an id, which is another one here.
        lifted_times: How many of the transfers have a later ``created_at`` than they had.
        later_limits: How many of the accounts have limits that their history broke: these are in
            force from now on.
    """

    accounts: int
    transfers: int
    entry_ids: int
    lifted_times: int
    later_limits: int


@dataclass(frozen=True, slots=True)
class Movement:
    """What moved between an account and another one within a period: ``pgledger_movement``.

    Attributes:
        period_start: First moment of the period; None for one period that has no beginning.
        account_id: Account of the row.
        account_name: Name of the account today.
        counterparty_id: Account on the other side.
        counterparty_name: Name of that account today.
        currency: Unit of the amounts: 1 to 32 visible characters, for example USD.
        incoming: Sum of what reached the account from the other one.
        outgoing: Sum of what left the account for the other one.
        transfer_count: How many transfers these are.
    """

    period_start: datetime | None
    account_id: str
    account_name: str
    counterparty_id: str
    counterparty_name: str
    currency: str
    incoming: Decimal
    outgoing: Decimal
    transfer_count: int


@dataclass(frozen=True, slots=True)
class Seal:
    """What proves later that nothing up to a block of changes was tampered with.

    The type ``pgledger_seal``.

    Attributes:
        block: Newest block that it seals (None if nothing has ever changed), or None.
        root: SHA-256 over all blocks up to that one, 64 lower-case hexadecimal digits, or None.
        sealed_at: When the block was sealed, or None.
    """

    block: int | None
    root: str | None
    sealed_at: datetime | None


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of an account's statement: the opening balance, an entry, or the closing balance.

    The type ``pgledger_statement_line``.

    Attributes:
        kind: What the line is; one of: ``opening``, ``entry``, ``closing``.
        at: Time of the line: the entry's on the axis asked for; where the statement begins and ends
            for the opening and the closing one; None for an open end.
        amount: What the entry adds to the balance: negative where it left the account; for the
            closing line what all entries add; None for the opening line.
        balance: Balance of the account after the line, in the order of the statement.
        currency: Unit of the amounts: 1 to 32 visible characters, for example USD.
        counterparty_id: Account on the other side of the entry, or None.
        counterparty_name: Name of that account today, or None.
        transfer_id: Transfer that the entry is one leg of, or None.
        account_version: Number of the entry on the account, or None.
        created_at: When the entry was recorded, or None.
        event_at: When it happened in the world: as given, or else ``created_at``, or None.
        group_id: Name that joins the transfers of one call, or None.
        metadata: JSON object given with the transfer, or None.
        origin_id: Hold that the transfer posts (``pglh_``) or transfer that it reverses
            (``pglt_``), or None.
    """

    kind: Literal["opening", "entry", "closing"]
    at: datetime | None
    amount: Decimal | None
    balance: Decimal
    currency: str
    counterparty_id: str | None
    counterparty_name: str | None
    transfer_id: str | None
    account_version: int | None
    created_at: datetime | None
    event_at: datetime | None
    group_id: str | None
    metadata: Mapping[str, Any] | None = field(hash=False)
    origin_id: str | None = None


@dataclass(frozen=True, slots=True)
class TrialBalanceLine:
    """Balance of one account in a trial balance: ``pgledger_trial_balance_line``.

    Attributes:
        account_id: Account of the line.
        account_name: Name of the account today.
        tenant_id: Tenant whose account it is.
        currency: Unit of the balance: 1 to 32 visible characters, for example USD.
        balance: The balance.
        above_zero: The balance if it is above 0, or else 0.
        below_zero: What the balance is below 0 by, or else 0: in each currency both columns of all
            accounts have the same sum.
    """

    account_id: str
    account_name: str
    tenant_id: str
    currency: str
    balance: Decimal
    above_zero: Decimal
    below_zero: Decimal
