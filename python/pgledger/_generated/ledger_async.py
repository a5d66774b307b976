# Written by scripts/build_catalog.py from the comments in sql/: change those.

"""The calls of the ledger's functions on an asynchronous connection, a method each."""

# ruff: noqa: A002 -- arguments are named as in SQL, where an id is an id

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from psycopg import AsyncConnection
from psycopg.rows import scalar_row
from psycopg.types.range import Range

from pgledger._calling_async import AsyncCaller
from pgledger._generated.ledger_rows import (
    Account,
    AccountAhead,
    AccountBalance,
    Change,
    Check,
    CurrencyScale,
    Entry,
    Hold,
    ImportFault,
    ImportResult,
    Movement,
    PathBalance,
    Period,
    Seal,
    SliceCheck,
    StatementLine,
    Transfer,
    TrialBalanceLine,
)
from pgledger._generated.ledger_statements import (
    ACCOUNT_AHEAD_ROW,
    ACCOUNT_BALANCE_ROW,
    ACCOUNT_ROW,
    CHANGE_ROW,
    CHECK_ROW,
    CURRENCY_SCALE_ROW,
    ENTRY_ROW,
    HOLD_ROW,
    IMPORT_FAULT_ROW,
    IMPORT_RESULT_ROW,
    MOVEMENT_ROW,
    PATH_BALANCE_ROW,
    PERIOD_ROW,
    SEAL_ROW,
    SLICE_CHECK_ROW,
    STATEMENT_LINE_ROW,
    TRANSFER_ROW,
    TRIAL_BALANCE_LINE_ROW,
    statements_for,
)
from pgledger._wire import (
    decimal_text,
    flag_text,
    integer_text,
    interval_text,
    metadata_text,
    optional_decimal_text,
    optional_integer_text,
    range_text,
    time_text,
)
from pgledger._wire_json import keys_text, numbers_text, sequence_text


class AsyncLedgerCalls(AsyncCaller):
    """A method for each function of the ledger."""

    __slots__ = ("_statements",)

    def __init__(self, conn: AsyncConnection[Any], *, schema: str | None = None) -> None:
        super().__init__(conn, schema=schema)
        self._statements = statements_for(schema)

    async def generate_id(
        self,
        prefix: str,
    ) -> str:
        """Makes a new id: ``pgledger_generate_id``.

        Ids of one session ascend while the clock does not step back.

        Args:
            prefix: What the id is for: 1 to 16 lower-case letters, for example pglt.

        Returns:
            The prefix, an underscore and a ULID.

        Raises:
            InvalidIdPrefix: The prefix is something else, or None.
        """
        value: str = await self._fetch_one(scalar_row, self._statements.generate_id, (prefix,))
        return value

    async def create_account(
        self,
        name: str,
        currency: str,
        *,
        allow_negative_balance: bool = True,
        allow_positive_balance: bool = True,
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,
        app_id: str = "",
        tenant_id: str = "",
        min_balance: Decimal | int | None = None,
        max_balance: Decimal | int | None = None,
        idempotency_key: str | None = None,
    ) -> Account:
        """Opens an account, with a balance of zero: ``pgledger_create_account``.

        Args:
            name: For people: 1 to 255 characters, stored as given; need not be unique.
            currency: Unit of the balance: 1 to 32 visible characters, for example USD.
            allow_negative_balance: Whether a transfer may leave the balance below zero; False is
                the same as a ``min_balance`` of 0.
            allow_positive_balance: Whether a transfer may leave the balance above zero; False is
                the same as a ``max_balance`` of 0.
            metadata: JSON object, at most 64 KiB. Store references in it, never personal data, or
                None.
            id: Its id, ``pgla_`` and a ULID. With an id of your own choice the call can be
                repeated: every repeat returns the same account, as it stands then, also after it
                was changed; None for a new id.
            app_id: Set of books that the account belongs to.
            tenant_id: Whose account it is.
            min_balance: Lowest balance that a transfer may leave, for example -500: at most 0,
                above -1e30, with at most 18 decimal places; None for none, or for 0 where
                ``allow_negative_balance`` is False.
            max_balance: Highest balance that a transfer may leave: at least 0, below 1e30, with at
                most 18 decimal places; None for none, or for 0 where ``allow_positive_balance`` is
                False.
            idempotency_key: Your own name for this request, 1 to 255 characters, unique in the app:
                the same request with it again returns the same account, as it stands then; None for
                none.

        Returns:
            The account.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidName: The name is empty, cannot be seen or is too long.
            InvalidCurrency: The currency is empty, has spaces or is too long.
            InvalidArgument: A limit is out of range, or contradicts its flag; or
                ``idempotency_key`` is too long.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            InvalidId: An id is malformed.
            IdempotencyConflict: The id is taken by a different account, or the key by a different
                request.
        """
        return await self._fetch_one(
            ACCOUNT_ROW,
            self._statements.create_account,
            (
                name,
                currency,
                flag_text("allow_negative_balance", allow_negative_balance),
                flag_text("allow_positive_balance", allow_positive_balance),
                metadata_text(metadata),
                id,
                app_id,
                tenant_id,
                optional_decimal_text("min_balance", min_balance),
                optional_decimal_text("max_balance", max_balance),
                idempotency_key,
            ),
        )

    async def create_hold(
        self,
        from_account_id: str,
        to_account_id: str,
        amount: Decimal | int,
        *,
        expires_at: datetime | None = None,
        expires_in: timedelta | None = None,
        event_at: datetime | None = None,
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,
        app_id: str = "",
        group_id: str | None = None,
        allow_future_event_at: bool = False,
        idempotency_key: str | None = None,
    ) -> Hold:
        """Holds an amount back on one account for another: ``pgledger_create_hold``.

        The amount counts on both accounts at once: it can no longer leave the one in another way,
        and there is room for it on the other. :meth:`post_hold` moves it, in whole or in parts,
        :meth:`void_hold` lets go of it, and so does its ``expires_at``, at that very time. Until it
        is posted no balance changes.

        Args:
            from_account_id: Account that the amount is to leave.
            to_account_id: Account that the amount is to reach, of the same currency.
            amount: What to hold, in units of the accounts' currency: above 0, below 1e30, at most
                18 decimal places.
            expires_at: From when on it is expired, in the future; None for never, or where
                ``expires_in`` is given.
            expires_in: The same as a length from now on, at most 1000 years; a day has 24 hours, or
                None.
            event_at: When it happened in the world, at most a day ahead unless
                ``allow_future_event_at``; None for when it is recorded.
            metadata: JSON object, at most 64 KiB, which never changes. Store references in it,
                never personal data, or None.
            id: Its id, ``pglh_`` and a ULID. With an id of your own choice the call can be
                repeated: it takes effect once, and every repeat returns the hold as it stands then;
                None for a new id.
            app_id: Set of books that both accounts belong to.
            group_id: Name for the hold and the transfers that post it, for example an order's
                number: 1 to 255 characters, or None.
            allow_future_event_at: Whether ``event_at`` may be more than a day ahead.
            idempotency_key: Your own name for this request, 1 to 255 characters, unique in the app:
                the same request with it again returns the same hold, as it stands then; None for
                none.

        Returns:
            The hold.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SameAccount: Both accounts are the same.
            InvalidAmount: The amount is not in range, or has more decimal places than its currency.
            InvalidTime: ``event_at`` or ``expires_at`` is outside the years 1 to 9999, or
                ``expires_at`` is not in the future.
            EventAtInFuture: ``event_at`` is more than a day ahead.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            InvalidArgument: ``expires_in`` is not a length from now on, or ``expires_at`` is given
                too; or ``idempotency_key`` is empty or too long.
            AccountNotFound: There is no such account under this ``app_id``.
            CurrencyMismatch: The accounts have different currencies.
            IdempotencyConflict: The id is taken by a different hold, or the key by a different
                request.
            AccountAheadOfClock: An account's newest time is more than a day ahead.
            AccountClosed: A transfer would take from or give to an account that is closed.
            AccountFrozen: A transfer would take from or give to an account that is frozen for that.
            PeriodClosed: ``event_at`` lies in a closed period.
            InsufficientFunds: Too little may leave the one account.
            PositiveBalanceNotAllowed: The other has too little room.
            BalanceOutOfRange: A balance could reach 1e30 or -1e30.
        """
        return await self._fetch_one(
            HOLD_ROW,
            self._statements.create_hold,
            (
                from_account_id,
                to_account_id,
                decimal_text("amount", amount),
                time_text("expires_at", expires_at),
                interval_text("expires_in", expires_in),
                time_text("event_at", event_at),
                metadata_text(metadata),
                id,
                app_id,
                group_id,
                flag_text("allow_future_event_at", allow_future_event_at),
                idempotency_key,
            ),
        )

    async def create_transfer(
        self,
        from_account_id: str,
        to_account_id: str,
        amount: Decimal | int,
        *,
        event_at: datetime | None = None,
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,
        app_id: str = "",
        allow_future_event_at: bool = False,
        require_from_version: int | None = None,
        require_to_version: int | None = None,
        require_from_balance: Range[Decimal] | None = None,
        require_to_balance: Range[Decimal] | None = None,
        idempotency_key: str | None = None,
    ) -> Transfer:
        """Moves an amount from one account to another: ``pgledger_create_transfer``.

        Not within an UPDATE, a MERGE or an INSERT with ON CONFLICT: PostgreSQL may evaluate a row
        twice there, or evaluate it and write nothing, and the amount moves each time. Lock the row
        with SELECT FOR UPDATE first and call this in a statement of its own, or pass an id or a key
        that the row holds: then it moves once.

        Args:
            from_account_id: Account that the amount leaves.
            to_account_id: Account that the amount reaches, of the same currency.
            amount: What to move, in units of the accounts' currency: above 0, below 1e30, at most
                18 decimal places.
            event_at: When it happened in the world, at most a day ahead unless
                ``allow_future_event_at``; None for when it is recorded.
            metadata: JSON object, at most 64 KiB, which never changes. Store references in it,
                never personal data, or None.
            id: Its id, ``pglt_`` and a ULID. With an id of your own choice the call can be
                repeated: it takes effect once, and every repeat returns the first result; None for
                a new id.
            app_id: Set of books that both accounts belong to.
            allow_future_event_at: Whether ``event_at`` may be more than a day ahead.
            require_from_version: Version that the account must have that the amount leaves, before
                the transfer; None for any.
            require_to_version: Version that the other account must have before it; None for any.
            require_from_balance: Range, such as [0,100), in which the balance of the account must
                lie that the amount leaves, after the transfer; None for any.
            require_to_balance: Range in which the other account's balance must lie after it; None
                for any.
            idempotency_key: Your own name for this request, 1 to 255 characters, unique in the app:
                the same request with it again returns the first result; None for none.

        Returns:
            The transfer, with both accounts' balances and versions right after it.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SameAccount: Both accounts are the same.
            InvalidAmount: The amount is not in range, or has more decimal places than the accounts
                allow.
            InvalidTime: ``event_at`` is outside the years 1 to 9999.
            EventAtInFuture: ``event_at`` is more than a day ahead.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            InvalidArgument: A required version is below zero, a required range is empty, or
                ``idempotency_key`` is empty or too long.
            AccountNotFound: There is no such account under this ``app_id``.
            CurrencyMismatch: The accounts have different currencies.
            IdempotencyConflict: The id is taken by a different transfer, or the key by a different
                request.
            AccountAheadOfClock: An account's newest time is more than a day ahead.
            AccountClosed: A transfer would take from or give to an account that is closed.
            AccountFrozen: An account is frozen for what the transfer does.
            PeriodClosed: ``event_at`` lies in a closed period.
            VersionMismatch: An account is not at the required version.
            BalanceConditionFailed: A balance would be outside the required range.
            InsufficientFunds: It would leave an account below its lower limit.
            PositiveBalanceNotAllowed: It would leave an account above its upper limit.
            BalanceOutOfRange: A balance would reach 1e30 or -1e30.
        """
        return await self._fetch_one(
            TRANSFER_ROW,
            self._statements.create_transfer,
            (
                from_account_id,
                to_account_id,
                decimal_text("amount", amount),
                time_text("event_at", event_at),
                metadata_text(metadata),
                id,
                app_id,
                flag_text("allow_future_event_at", allow_future_event_at),
                optional_integer_text("require_from_version", require_from_version),
                optional_integer_text("require_to_version", require_to_version),
                range_text("require_from_balance", require_from_balance),
                range_text("require_to_balance", require_to_balance),
                idempotency_key,
            ),
        )

    async def create_transfer_by_name(
        self,
        from_name: str,
        to_name: str,
        amount: Decimal | int,
        currency: str,
        *,
        event_at: datetime | None = None,
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,
        app_id: str = "",
        from_tenant_id: str = "",
        to_tenant_id: str = "",
        allow_future_event_at: bool = False,
        require_from_version: int | None = None,
        require_to_version: int | None = None,
        require_from_balance: Range[Decimal] | None = None,
        require_to_balance: Range[Decimal] | None = None,
        idempotency_key: str | None = None,
    ) -> Transfer:
        """Moves an amount from one account to another, both given by name.

        The names are those that the accounts have when they are locked: one that is renamed
        meanwhile is not the account of its old name any more. A name that several accounts have is
        refused. A transfer by ids takes less time.

        Calls ``pgledger_create_transfer_by_name``.

        Args:
            from_name: Name of the account that the amount leaves.
            to_name: Name of the account that the amount reaches.
            amount: What to move, in units of the currency: above 0, below 1e30, at most 18 decimal
                places.
            currency: The currency of both accounts.
            event_at: When it happened in the world, at most a day ahead unless
                ``allow_future_event_at``; None for when it is recorded.
            metadata: JSON object, at most 64 KiB, which never changes. Store references in it,
                never personal data, or None.
            id: Its id, ``pglt_`` and a ULID. With an id of your own choice the call can be
                repeated, as long as the names lead to the same accounts: it takes effect once, and
                every repeat returns the first result; None for a new id.
            app_id: Set of books that both accounts belong to.
            from_tenant_id: Whose account the amount leaves.
            to_tenant_id: Whose account it reaches.
            allow_future_event_at: Whether ``event_at`` may be more than a day ahead.
            require_from_version: Version that the account must have that the amount leaves, before
                the transfer; None for any.
            require_to_version: Version that the other account must have before it; None for any.
            require_from_balance: Range, such as [0,100), in which the balance of the account must
                lie that the amount leaves, after the transfer; None for any.
            require_to_balance: Range in which the other account's balance must lie after it; None
                for any.
            idempotency_key: Your own name for this request, 1 to 255 characters, unique in the app:
                the same request with it again returns the first result; None for none.

        Returns:
            The transfer, with both accounts' balances and versions right after it.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidName: An account's name is empty, cannot be seen, or has more than 255
                characters.
            InvalidCurrency: A currency is not 1 to 32 visible characters without spaces.
            SameAccount: Both names and tenants are the same.
            InvalidAmount: The amount is not in range, or has more decimal places than an account
                allows.
            InvalidTime: ``event_at`` is outside the years 1 to 9999.
            EventAtInFuture: ``event_at`` is more than a day ahead.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            InvalidId: An id is malformed.
            InvalidArgument: A required version is below zero, a required range is empty, or
                ``idempotency_key`` is empty or too long.
            AccountNotFound: No account has the name.
            AccountAmbiguous: Several have it.
            IdempotencyConflict: The id is taken by a different transfer, or the key by a different
                request.
            AccountAheadOfClock: An account's newest time is more than a day ahead.
            AccountClosed: A transfer would take from or give to an account that is closed.
            AccountFrozen: A transfer would take from or give to an account that is frozen for that.
            PeriodClosed: ``event_at`` lies in a closed period.
            VersionMismatch: A transfer requires a version that an account does not have.
            BalanceConditionFailed: A transfer requires that a balance after it lies in a range, and
                it would not.
            InsufficientFunds: A transfer would leave an account below its lower limit, for example
                below zero.
            PositiveBalanceNotAllowed: A transfer would leave an account above its upper limit, for
                example above zero.
            BalanceOutOfRange: A transfer would bring a balance to 1e30 or beyond, or to -1e30 or
                beyond.
        """
        return await self._fetch_one(
            TRANSFER_ROW,
            self._statements.create_transfer_by_name,
            (
                from_name,
                to_name,
                decimal_text("amount", amount),
                currency,
                time_text("event_at", event_at),
                metadata_text(metadata),
                id,
                app_id,
                from_tenant_id,
                to_tenant_id,
                flag_text("allow_future_event_at", allow_future_event_at),
                optional_integer_text("require_from_version", require_from_version),
                optional_integer_text("require_to_version", require_to_version),
                range_text("require_from_balance", require_from_balance),
                range_text("require_to_balance", require_to_balance),
                idempotency_key,
            ),
        )

    async def set_clock_warning(
        self,
        warn_after: timedelta,
    ) -> None:
        """Sets how far ahead of the clock an account may be before calls warn.

        It is a minute until this is called. Only the owner of pgledger may call this function.

        Calls ``pgledger_set_clock_warning``.

        Args:
            warn_after: How far, from 0 to 1 day. More than a day ahead is refused whatever is set.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidArgument: ``warn_after`` is out of range.
        """
        await self._fetch_first(
            scalar_row,
            self._statements.set_clock_warning,
            (interval_text("warn_after", warn_after),),
        )

    async def set_currency(
        self,
        code: str,
        scale: int | None,
        *,
        app_id: str = "",
    ) -> CurrencyScale:
        """Sets how many decimal places amounts of a currency may have.

        Without it they may have 18. A transfer with more is refused from then on, and so is this
        call while a balance, or a pending hold, has more. It holds for all accounts of the
        currency, also for those that are opened later. A second call with the same values changes
        nothing.

        It waits for transactions that have opened accounts or moved money, and locks all accounts
        of the currency until its own transaction ends. Call it before there are many, at the
        isolation level read committed.

        Calls ``pgledger_set_currency``.

        Args:
            code: Code of the currency: 1 to 32 visible characters, for example USD.
            scale: Decimal places, 0 to 18, no fewer than billing rounds the currency to: its
                exponent, or that of ISO 4217; None for 18, as if nothing had been set.
            app_id: Set of books whose accounts it holds for.

        Returns:
            What holds for the currency now.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidCurrency: The code is empty, has spaces or is too long.
            InvalidArgument: The scale is out of range or lower than billing's, or the transaction
                is not read committed.
            InvalidAmount: An account's balance, or a pending hold, has more decimal places.
        """
        return await self._fetch_one(
            CURRENCY_SCALE_ROW,
            self._statements.set_currency,
            (
                code,
                optional_integer_text("scale", scale),
                app_id,
            ),
        )

    async def set_limits(
        self,
        account_id: str,
        min_balance: Decimal | int | None,
        max_balance: Decimal | int | None,
        *,
        reason: str | None = None,
        allow_existing: bool = False,
        app_id: str = "",
    ) -> Account:
        """Sets the limits of an account, both of them: ``pgledger_set_limits``.

        Give the one that is to stay, too: None takes a limit away. Limits need not enclose zero: an
        account with a ``min_balance`` of 100 keeps at least that much. A limit that is tightened to
        where the account is beyond it already is refused, unless ``allow_existing`` says that it is
        meant: then only transfers that bring the account nearer to the limit pass. A call that
        changes nothing writes nothing, so it can be repeated. Each change is a row of
        ``pgledger_account_changes_v1``.

        Args:
            account_id: The account.
            min_balance: Lowest balance, less what holds keep back to leave the account, that a
                transfer may leave: above -1e30, below 1e30, with at most 18 decimal places; None
                for none.
            max_balance: Highest balance, with what holds keep back to reach the account, that a
                transfer may leave, in the same range and not below ``min_balance``; None for none.
            reason: Why, for those who read the history: 1 to 1,000 characters, or None.
            allow_existing: Whether a limit may be tightened although the account is beyond it.
            app_id: Set of books that the account belongs to.

        Returns:
            The account as it is now; replayed says whether it was so before.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvalidArgument: A limit is out of range, ``min_balance`` is above ``max_balance``, or
                the reason is empty or too long.
            AccountNotFound: There is no such account under this ``app_id``.
            LimitAlreadyBroken: The account is beyond a limit that is tightened.
        """
        return await self._fetch_one(
            ACCOUNT_ROW,
            self._statements.set_limits,
            (
                account_id,
                optional_decimal_text("min_balance", min_balance),
                optional_decimal_text("max_balance", max_balance),
                reason,
                flag_text("allow_existing", allow_existing),
                app_id,
            ),
        )

    async def get_account(
        self,
        id: str,
        *,
        app_id: str = "",
    ) -> Account:
        """Returns an account as it stands now: ``pgledger_get_account``.

        Args:
            id: The account's id.
            app_id: Set of books that it belongs to.

        Returns:
            The account, with its balance and version.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            AccountNotFound: There is no such account under this ``app_id``.
        """
        return await self._fetch_one(
            ACCOUNT_ROW,
            self._statements.get_account,
            (
                id,
                app_id,
            ),
        )

    async def get_hold(
        self,
        id: str,
        *,
        app_id: str = "",
    ) -> Hold:
        """Returns a hold as it stands now: ``pgledger_get_hold``.

        From its ``expires_at`` on it is shown as expired.

        Args:
            id: The hold's id.
            app_id: Set of books that it belongs to.

        Returns:
            The hold, with its state and what has been posted of it.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            HoldNotFound: There is no such hold under this ``app_id``.
        """
        return await self._fetch_one(
            HOLD_ROW,
            self._statements.get_hold,
            (
                id,
                app_id,
            ),
        )

    async def get_transfer(
        self,
        id: str,
        *,
        app_id: str = "",
    ) -> Transfer:
        """Returns a transfer: ``pgledger_get_transfer``.

        Args:
            id: The transfer's id.
            app_id: Set of books that it belongs to.

        Returns:
            The transfer, with both accounts' balances and versions right after it.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            TransferNotFound: There is no such transfer under this ``app_id``.
        """
        return await self._fetch_one(
            TRANSFER_ROW,
            self._statements.get_transfer,
            (
                id,
                app_id,
            ),
        )

    async def find_account(
        self,
        name: str,
        currency: str,
        *,
        app_id: str = "",
        tenant_id: str = "",
    ) -> Account:
        """Finds an account by its name: ``pgledger_find_account``.

        Names need not be unique. Where several accounts have the name, it refuses to choose: then
        find the account by its id.

        Args:
            name: The account's name, exactly as it stands.
            currency: The account's currency.
            app_id: Set of books that it belongs to.
            tenant_id: Whose account it is.

        Returns:
            The account, as it stands now.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidName: An account's name is empty, cannot be seen, or has more than 255
                characters.
            InvalidCurrency: A currency is not 1 to 32 visible characters without spaces.
            AccountNotFound: No account has this name.
            AccountAmbiguous: Several have.
        """
        return await self._fetch_one(
            ACCOUNT_ROW,
            self._statements.find_account,
            (
                name,
                currency,
                app_id,
                tenant_id,
            ),
        )

    async def list_accounts(
        self,
        *,
        after_id: str | None = None,
        page_size: int = 100,
        prefix: str | None = None,
        currency: str | None = None,
        created_from: datetime | None = None,
        created_until: datetime | None = None,
        metadata: Mapping[str, Any] | None = None,
        app_id: str = "",
        tenant_id: str | None = None,
    ) -> list[Account]:
        """Returns one page of accounts, in the order of tenants and names.

        Filters that are given hold together. A page reads its own rows and those that a filter
        leaves out. Few matches of metadata are found fast only with an index of your own;
        docs/ledger.md shows how to make one. With a prefix, give the tenant too, or the names of
        all tenants are read.

        Calls ``pgledger_list_accounts``.

        Args:
            after_id: Id of the last account of the page before; None for the first page.
            page_size: How many at most, 1 to 10,000.
            prefix: Path without a dot at its end, such as users.42: only accounts at and below it,
                as :meth:`list_subtree` says; None for all.
            currency: Only accounts of this currency; None for all.
            created_from: Only accounts that were recorded at this time or later; None for no such
                bound.
            created_until: Only those that were recorded before this time; None for no such bound.
            metadata: JSON object that the account's metadata contains, as @> says; None for any.
            app_id: Set of books that the accounts belong to.
            tenant_id: Whose accounts; None for those of all tenants.

        Returns:
            The accounts, ordered by ``tenant_id``, name and id, as bytes are; fewer than
            ``page_size`` on the last page.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidName: The prefix is empty, cannot be seen or is too long.
            InvalidCurrency: A currency is not 1 to 32 visible characters without spaces.
            InvalidTime: A bound is outside the years 1 to 9999.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
            InvalidId: An id is malformed.
            AccountNotFound: ``after_id`` is no account under this ``app_id``.
        """
        return await self._fetch_all(
            ACCOUNT_ROW,
            self._statements.list_accounts,
            (
                after_id,
                integer_text("page_size", page_size),
                prefix,
                currency,
                time_text("created_from", created_from),
                time_text("created_until", created_until),
                metadata_text(metadata),
                app_id,
                tenant_id,
            ),
        )

    async def list_subtree(
        self,
        *,
        prefix: str | None = None,
        page_size: int = 100,
        after_id: str | None = None,
        app_id: str = "",
        tenant_id: str = "",
    ) -> list[Account]:
        """Returns one page of the accounts at and below a path, in the order of names.

        Names are paths if you write them so: users.42.usd is below users.42, which is below users.
        A name is below a prefix if the prefix and a dot begin it. No character of a prefix has a
        meaning, and upper case is not lower case.

        Calls ``pgledger_list_subtree``.

        Args:
            prefix: Path without a dot at its end, such as users.42; None for all accounts.
            page_size: How many at most, 1 to 10,000.
            after_id: Id of the last account of the page before; None for the first page.
            app_id: Set of books that the accounts belong to.
            tenant_id: Whose accounts they are.

        Returns:
            The accounts, ordered by name and id, as bytes are; fewer than ``page_size`` on the last
            page.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidName: The prefix is empty, cannot be seen or is too long.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
            InvalidId: An id is malformed.
            AccountNotFound: ``after_id`` is no account under this ``app_id``.
        """
        return await self._fetch_all(
            ACCOUNT_ROW,
            self._statements.list_subtree,
            (
                prefix,
                integer_text("page_size", page_size),
                after_id,
                app_id,
                tenant_id,
            ),
        )

    async def list_transfers(
        self,
        *,
        after_id: str | None = None,
        page_size: int = 100,
        account_id: str | None = None,
        group_id: str | None = None,
        recorded_from: datetime | None = None,
        recorded_until: datetime | None = None,
        event_from: datetime | None = None,
        event_until: datetime | None = None,
        metadata: Mapping[str, Any] | None = None,
        app_id: str = "",
        tenant_id: str | None = None,
    ) -> list[Transfer]:
        """Returns one page of transfers, the newest first by when they were recorded.

        Filters that are given hold together. A page of an account reads its own rows and those that
        a filter leaves out, however long its history is; so does a page of all transfers. Few
        matches of metadata are found fast only with an index of your own; docs/ledger.md shows how
        to make one.

        Transfers that commit while you page are on the pages before yours: to miss none, read pages
        until one is not full, and begin again.

        Calls ``pgledger_list_transfers``.

        Args:
            after_id: Id of the last transfer of the page before; None for the first page.
            page_size: How many at most, 1 to 10,000.
            account_id: Only transfers that leave or reach this account; None for all.
            group_id: Only transfers of this group; None for all.
            recorded_from: Only transfers whose ``created_at`` is not before this time; None for no
                such bound.
            recorded_until: Only those whose ``created_at`` is before this time; None for no such
                bound.
            event_from: Only transfers whose ``event_at`` is not before this time; None for no such
                bound. Where none was given, ``event_at`` is ``created_at``.
            event_until: Only those whose ``event_at`` is before this time; None for no such bound.
            metadata: JSON object that the transfer's metadata contains, as @> says; None for any.
            app_id: Set of books that the transfers belong to.
            tenant_id: Only transfers that leave or reach an account of this tenant; None for all.

        Returns:
            The transfers, ordered by ``created_at`` and id, the newest first; fewer than
            ``page_size`` on the last page.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
            InvalidTime: A bound is outside the years 1 to 9999.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            InvalidId: An id is malformed.
            TransferNotFound: ``after_id`` is no transfer under this ``app_id``.
            AccountNotFound: There is no such account under this ``app_id``.
        """
        return await self._fetch_all(
            TRANSFER_ROW,
            self._statements.list_transfers,
            (
                after_id,
                integer_text("page_size", page_size),
                account_id,
                group_id,
                time_text("recorded_from", recorded_from),
                time_text("recorded_until", recorded_until),
                time_text("event_from", event_from),
                time_text("event_until", event_until),
                metadata_text(metadata),
                app_id,
                tenant_id,
            ),
        )

    async def account_entries(
        self,
        account_id: str,
        *,
        page_size: int = 100,
        newest_first: bool = True,
        after_version: int | None = None,
        app_id: str = "",
    ) -> list[Entry]:
        """Returns one page of an account's entries: ``pgledger_account_entries``.

        A page costs what its own rows cost, however long the account's history is.

        Args:
            account_id: Whose entries.
            page_size: How many at most, 1 to 10,000.
            newest_first: Whether from the newest to the oldest, or the other way.
            after_version: The ``account_version`` of the last entry of the page before; None for
                the first page.
            app_id: Set of books that the account belongs to.

        Returns:
            The entries in order; fewer than ``page_size`` on the last page.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            AccountNotFound: There is no such account under this ``app_id``.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
        """
        return await self._fetch_all(
            ENTRY_ROW,
            self._statements.account_entries,
            (
                account_id,
                integer_text("page_size", page_size),
                flag_text("newest_first", newest_first),
                optional_integer_text("after_version", after_version),
                app_id,
            ),
        )

    async def balance_at(
        self,
        account_id: str,
        at: datetime,
        *,
        axis: Literal["recorded", "event"] = "recorded",
        app_id: str = "",
    ) -> Decimal:
        """Returns an account's balance at a time: ``pgledger_balance_at``.

        As recorded: what the books said then. A transfer is recorded shortly before it commits. So
        the answer is final for every time before all transactions began that were open when it was
        asked for.

        By event: what had happened by then, whenever it was recorded. A transfer that is recorded
        later with an earlier ``event_at`` changes the answer.

        Args:
            account_id: Whose balance.
            at: The time: every entry that is not later counts.
            axis: Whether ``created_at`` or ``event_at`` says when an entry was; one of:
                ``recorded``, ``event``.
            app_id: Set of books that the account belongs to.

        Returns:
            The balance in units of the account's currency; 0 before its first entry.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            AccountNotFound: There is no such account under this ``app_id``.
            InvalidArgument: There is no such axis.
        """
        value: Decimal = await self._fetch_one(
            scalar_row,
            self._statements.balance_at,
            (
                account_id,
                time_text("at", at),
                axis,
                app_id,
            ),
        )
        return value

    async def balance_at_block(
        self,
        account_id: str,
        block: int,
        *,
        app_id: str = "",
    ) -> Decimal:
        """Returns an account's balance at the end of a block of changes.

        The answer is final for ever: what commits later, whenever it was recorded, belongs to a
        later block. The same block gives balances of different accounts that belong together, and
        they sum to zero.

        Calls ``pgledger_balance_at_block``.

        Args:
            account_id: Whose balance.
            block: Number of the block, as :meth:`changes` tells it; 0 for before the first one.
            app_id: Set of books that the account belongs to.

        Returns:
            The balance in units of the account's currency; 0 before its first entry.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            AccountNotFound: There is no such account under this ``app_id``.
            InvalidArgument: There is no such block.
        """
        value: Decimal = await self._fetch_one(
            scalar_row,
            self._statements.balance_at_block,
            (
                account_id,
                integer_text("block", block),
                app_id,
            ),
        )
        return value

    async def balance_at_version(
        self,
        account_id: str,
        version: int,
        *,
        app_id: str = "",
    ) -> Decimal:
        """Returns an account's balance right after its entry of a version.

        A version is exact where a time may not be: programs that keep milliseconds cut off what a
        ``created_at`` has beyond them, and :meth:`balance_at` then answers for the moment before.

        Calls ``pgledger_balance_at_version``.

        Args:
            account_id: Whose balance.
            version: Number of the entry on the account, such as a transfer's
                ``from_account_version``; 0 for before the first one.
            app_id: Set of books that the account belongs to.

        Returns:
            The balance in units of the account's currency.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            AccountNotFound: There is no such account under this ``app_id``.
            InvalidArgument: The account has no such version.
        """
        value: Decimal = await self._fetch_one(
            scalar_row,
            self._statements.balance_at_version,
            (
                account_id,
                integer_text("version", version),
                app_id,
            ),
        )
        return value

    async def update_account(
        self,
        id: str,
        *,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        reason: str | None = None,
        app_id: str = "",
    ) -> Account:
        """Renames an account, or gives it other metadata: ``pgledger_update_account``.

        What is not given stays as it is. Entries and transfers show the new name from then on, also
        those from before. Where the name led :meth:`ensure_account` to the account, the new one
        does, unless it leads to another account already. A call that changes nothing writes
        nothing, so it can be repeated. Each change is a row of ``pgledger_account_changes_v1``.

        Args:
            id: The account.
            name: Its new name, 1 to 255 characters; None for the one it has.
            metadata: JSON object, at most 64 KiB, in place of the present one. Store references in
                it, never personal data; None for what it has.
            reason: Why, for those who read the history: 1 to 1,000 characters, or None.
            app_id: Set of books that the account belongs to.

        Returns:
            The account as it is now; replayed says whether it was so before.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvalidName: The name is empty, cannot be seen or is too long.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            InvalidArgument: The reason is empty or too long.
            AccountNotFound: There is no such account under this ``app_id``.
        """
        return await self._fetch_one(
            ACCOUNT_ROW,
            self._statements.update_account,
            (
                id,
                name,
                metadata_text(metadata),
                reason,
                app_id,
            ),
        )

    async def purge_idempotency_keys(
        self,
        before: datetime,
        *,
        max_keys: int = 10000,
        allow_recent: bool = False,
        app_id: str = "",
    ) -> int:
        """Deletes old idempotency keys of an app: ``pgledger_purge_idempotency_keys``.

        Call it now and then, each time in a transaction of its own, until it returns 0; any number
        of sessions may. A request whose key was deleted is a new one: made again, it takes effect
        again, unless it also has an id. So keep keys for longer than anybody repeats a request.

        Args:
            before: Keys that were used before that time are deleted; at least 7 days ago unless
                ``allow_recent``.
            max_keys: How many to delete at most, 1 to 1,000,000.
            allow_recent: Whether before may be less than 7 days ago.
            app_id: Set of books whose keys are deleted.

        Returns:
            How many were deleted.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidTime: Before is outside the years 1 to 9999, or less than 7 days ago.
            InvalidArgument: ``max_keys`` is out of range.
        """
        value: int = await self._fetch_one(
            scalar_row,
            self._statements.purge_idempotency_keys,
            (
                time_text("before", before),
                integer_text("max_keys", max_keys),
                flag_text("allow_recent", allow_recent),
                app_id,
            ),
        )
        return value

    async def verify(
        self,
        *,
        app_id: str | None = None,
    ) -> list[Check]:
        """Proves from the data that the books are in order: ``pgledger_verify``.

        Reads every transfer, hold and idempotency key, as an auditor would, on one snapshot, while
        transfers go on. A large ledger takes its time: run it where that is welcome, for example on
        a replica. pgledger verify, on the command line, does the same in slices, and shows how far
        it has come.

        Triggers, owners, privileges, row security and settings of what belongs to the ledger, and
        the sequences of keys, are checked whatever the app.

        Args:
            app_id: Set of books to check, only its accounts and transfers; None for all of them.

        Returns:
            One row for each check: what it checks, how many rows it looked at, how many of them
            break the rule, and one that does. All is well when violations are 0 throughout.

        Raises:
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
        """
        return await self._fetch_all(CHECK_ROW, self._statements.verify, (app_id,))

    async def verify_rest(
        self,
    ) -> list[Check]:
        """Verifies what the slices of :meth:`verify_slice` leave out: ``pgledger_verify_rest``.

        That is whole sets of books, names, decimal places, times, changes, holds, reversals,
        idempotency keys, triggers, sequences and privileges.

        Returns:
            One row for each check, as :meth:`verify` has them.
        """
        return await self._fetch_all(CHECK_ROW, self._statements.verify_rest, ())

    async def verify_seals(
        self,
        *,
        from_export: Sequence[Mapping[str, Any]] | None = None,
    ) -> list[Check]:
        """Proves that what was sealed has not been tampered with: ``pgledger_verify_seals``.

        Reads everything that is sealed. An edited, added, removed or moved row makes the root of
        its block another one. Whoever can change rows can also make the seals again, or cut off the
        newest blocks with theirs: that shows against a seal that was kept elsewhere.

        Args:
            from_export: JSON array of seals that were kept, such as ``[{"block": 7, "root":
                "9f3a…"}]``; ``to_jsonb`` makes each of what :meth:`seal` returned, and one alone is
                taken too; None for the database's own seals only.

        Returns:
            One row for each check: what it checks, how many rows it looked at, how many of them
            break the rule, and one that does. All is well when violations are 0 throughout.

        Raises:
            InvalidArgument: An argument is not one of the values or forms it can have.
        """
        return await self._fetch_all(
            CHECK_ROW, self._statements.verify_seals, (sequence_text("from_export", from_export),)
        )

    async def verify_slice(
        self,
        *,
        after: str | None = None,
        page_size: int = 50000,
    ) -> list[SliceCheck]:
        """Verifies one slice of the accounts, their entries and transfers.

        All slices and pgledger_verify_rest() together are what pgledger_verify() does at once. A
        slice takes little memory, and about as long as the others, even where one account has most
        of the entries. Ask for all of them in one transaction that is repeatable read and read
        only, so that they tell of one moment. pgledger verify, on the command line, does that.

        Add up ``rows_checked`` and violations of the slices by ``check_name``.

        Calls ``pgledger_verify_slice``.

        Args:
            after: What the slice before gave as ``next_after``; None for the first.
            page_size: How many entries at most that left an account, how many that reached one, and
                how many accounts, 1 to 1,000,000.

        Returns:
            One row for each check of the slice.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
        """
        return await self._fetch_all(
            SLICE_CHECK_ROW,
            self._statements.verify_slice,
            (
                after,
                integer_text("page_size", page_size),
            ),
        )

    async def accept_time(
        self,
        account_id: str,
        reason: str,
        *,
        app_id: str = "",
    ) -> datetime:
        """Lets an account post although its newest time is ahead of the clock.

        Transfers of the account are recorded at that time, a microsecond apart, until the clock has
        reached it. So is the other account of each, and it may post from then on, too. The call is
        written down: who, when and why. Another wrong time, more than a day beyond this one, is
        refused again. Only the owner of pgledger may call this function.

        Calls ``pgledger_accept_time``.

        Args:
            account_id: The account.
            reason: Why, for those who read it later: 1 to 1,000 characters.
            app_id: Set of books that the account belongs to.

        Returns:
            The time that was accepted, the account's newest.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            AccountNotFound: There is no such account under this ``app_id``.
            InvalidArgument: The reason is empty or too long, or the account is not ahead of the
                clock.
        """
        value: datetime = await self._fetch_one(
            scalar_row,
            self._statements.accept_time,
            (
                account_id,
                reason,
                app_id,
            ),
        )
        return value

    async def accounts_ahead(
        self,
        *,
        app_id: str | None = None,
    ) -> list[AccountAhead]:
        """Lists the accounts whose newest time is ahead of the clock.

        Such a time comes from a machine whose clock was wrong, or the clock is wrong now. Transfers
        of these accounts give a warning, and more than a day ahead they are refused, unless
        :meth:`accept_time` has accepted the time. It reads all accounts.

        Calls ``pgledger_accounts_ahead``.

        Args:
            app_id: Set of books to look at; None for all of them.

        Returns:
            One row for each account, the furthest ahead first; none where all is well.

        Raises:
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
        """
        return await self._fetch_all(ACCOUNT_AHEAD_ROW, self._statements.accounts_ahead, (app_id,))

    async def allocate(
        self,
        amount: Decimal | int,
        weights: Iterable[Decimal | int],
        scale: int,
    ) -> list[Decimal]:
        """Splits an amount into parts by weights, so that the parts add up to it.

        Each part is cut to the decimal places. What is missing then goes, a unit of the last place
        each, to the parts that lost most; among equal ones, to the first. Of 100 by 1, 1, 1 without
        decimals that makes 34, 33, 33, and of -100 the same with the other sign.

        Calls ``pgledger_allocate``.

        Args:
            amount: What to split: above -1e30, below 1e30, with at most as many decimal places as
                scale says.
            weights: How large the parts are beside one another, 1 to 100,000 numbers from 0 to
                below 1e30 with at most 18 decimal places, not all of them zero.
            scale: Decimal places of the parts, 0 to 18; those of the currency.

        Returns:
            The parts, one for each weight, in their order.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidBatch: The weights are not one row of numbers.
            BatchTooLarge: More than 100,000 weights.
            InvalidArgument: A weight is negative or not a number, all are zero, or scale is not 0
                to 18.
            InvalidAmount: The amount is not in range, or has more decimal places than scale.
        """
        value: list[Decimal] = await self._fetch_one(
            scalar_row,
            self._statements.allocate,
            (
                decimal_text("amount", amount),
                numbers_text("weights", weights),
                integer_text("scale", scale),
            ),
        )
        return value

    async def balances(
        self,
        *,
        prefix: str | None = None,
        depth: int | None = None,
        at: datetime | None = None,
        axis: Literal["recorded", "event"] = "recorded",
        app_id: str = "",
        tenant_id: str = "",
    ) -> list[PathBalance]:
        """Adds up balances by path and currency: ``pgledger_balances``.

        Names are paths if you write them so: users.42.usd is below users.42, which is below users.
        A name is below a prefix if the prefix and a dot begin it. Every account counts in exactly
        one row. All rows are of one moment.

        Args:
            prefix: Path whose accounts count, it and all below, without a dot at its end; None for
                all accounts.
            depth: How many levels of a path are told apart, 1 or more: with 2, users.42.usd and
                users.42.eur both count for users.42. A path is never cut shorter than the prefix;
                None for each name by itself.
            at: The time of the balances: every entry that is not later counts, and held amounts are
                None; None for now.
            axis: Whether ``created_at`` or ``event_at`` says when an entry was; one of:
                ``recorded``, ``event``.
            app_id: Set of books that the accounts belong to.
            tenant_id: Whose accounts they are.

        Returns:
            A row for each path and currency, ordered by both, as bytes are.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidName: The prefix is empty, cannot be seen or is too long.
            InvalidArgument: There is no such axis, or depth is below 1.
        """
        return await self._fetch_all(
            PATH_BALANCE_ROW,
            self._statements.balances,
            (
                prefix,
                optional_integer_text("depth", depth),
                time_text("at", at),
                axis,
                app_id,
                tenant_id,
            ),
        )

    async def balances_at(
        self,
        account_ids: Iterable[str],
        at: datetime,
        *,
        axis: Literal["recorded", "event"] = "recorded",
        app_id: str = "",
    ) -> list[AccountBalance]:
        """Returns the balances of many accounts at one time: ``pgledger_balances_at``.

        All are of one moment of the books, and each is what :meth:`balance_at` returns.

        Args:
            account_ids: Whose balances, up to 100,000; an account may be in it twice.
            at: The time: every entry that is not later counts.
            axis: Whether ``created_at`` or ``event_at`` says when an entry was; one of:
                ``recorded``, ``event``.
            app_id: Set of books that the accounts belong to.

        Returns:
            A row for each id, in their order.

        Raises:
            InvalidBatch: The arrays of a batch are None, not one-dimensional, or of unequal length.
            BatchTooLarge: More than 100,000 requests in one call, or more than 64 MiB of metadata.
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: There is no such axis.
            InvalidId: An id is malformed.
            AccountNotFound: One of them is no account under this ``app_id``.
        """
        return await self._fetch_all(
            ACCOUNT_BALANCE_ROW,
            self._statements.balances_at,
            (
                keys_text("account_ids", account_ids),
                time_text("at", at),
                axis,
                app_id,
            ),
        )

    async def changes(
        self,
        *,
        after: str | None = None,
        page_size: int = 1000,
    ) -> list[Change]:
        """Returns what has changed, in an order in which nothing is ever inserted.

        Accounts, transfers, reversals, holds, and billing's events, each once, and none before what
        it follows from, although transactions commit out of order. Begin without a cursor, keep the
        cursor of the last row that you have dealt with, and go on after it. Keep it in the
        transaction in which you deal with the row, and each is dealt with once.

        Each call first covers what has been committed since by a block of its own; what is covered
        stays where it is. That writes a row for each account that changed, so posting pays nothing.
        On a standby, in a read-only transaction and above READ COMMITTED it reads finished blocks
        only. Commit before you act on what it returned: a block that is rolled back is not there
        any more.

        When it has made a block, it notifies the channel :meth:`changes` with the block's number.

        Calls ``pgledger_changes``.

        Args:
            after: The cursor of the last change of the page before; None for the first page.
            page_size: How many at most, 1 to 10,000.

        Returns:
            The changes in order; none if nothing has changed since.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidPage: A page was asked for with a size outside 1 to 10,000, or with a wrong
                start.
            InvalidArgument: After is not a cursor.
            CursorNotFound: Its block is not there: it was rolled back, or the database is another
                one or was restored to an earlier time.
        """
        return await self._fetch_all(
            CHANGE_ROW,
            self._statements.changes,
            (
                after,
                integer_text("page_size", page_size),
            ),
        )

    async def close_account(
        self,
        id: str,
        *,
        reason: str | None = None,
        sweep_to: str | None = None,
        app_id: str = "",
    ) -> Account:
        """Closes an account: no transfer takes from it or gives to it from then on.

        It must be empty: a balance of zero, and no open holds. With ``sweep_to`` its balance is
        moved to that account first, or, if it is negative, from there, by an ordinary transfer. A
        call for an account that is closed already changes nothing, so it can be repeated. Each
        change is a row of ``pgledger_account_changes_v1``.

        Calls ``pgledger_close_account``.

        Args:
            id: The account.
            reason: Why, for those who read the history: 1 to 1,000 characters, or None.
            sweep_to: Account of the same currency that takes over the balance, or None.
            app_id: Set of books that the accounts belong to.

        Returns:
            The account as it is now; replayed says whether it was closed before.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SameAccount: ``sweep_to`` is the account itself.
            InvalidArgument: The reason is empty or too long.
            AccountNotFound: There is no such account under this ``app_id``.
            CurrencyMismatch: A transfer joins accounts of different currencies.
            AccountNotEmpty: It has a balance and there is no ``sweep_to``, or it has open holds.
            AccountAheadOfClock: The newest time on an account is more than a day ahead of the
                clock.
            AccountClosed: ``sweep_to`` is closed.
            AccountFrozen: The balance may not leave one account or reach the other.
            InvalidAmount: The balance has more decimal places than the accounts take.
            InsufficientFunds: A transfer would leave an account below its lower limit, for example
                below zero.
            PositiveBalanceNotAllowed: A transfer would leave an account above its upper limit, for
                example above zero.
            BalanceOutOfRange: Moving the balance would break a limit.
        """
        return await self._fetch_one(
            ACCOUNT_ROW,
            self._statements.close_account,
            (
                id,
                reason,
                sweep_to,
                app_id,
            ),
        )

    async def close_period(
        self,
        app_id: str,
        until: datetime,
        *,
        reason: str | None = None,
    ) -> Period:
        """Closes the books of an app: what lies before a time stays as it is.

        From then on no call is accepted whose ``event_at`` lies before that time, whatever it
        makes: a transfer, a hold, a posting, a reversal, alone or in a batch. A repeat of an
        earlier call still gets its first answer. It waits for transactions that have given an
        ``event_at``: none of them commits after it has. Calls that give no ``event_at`` are not
        concerned, and do not wait. Close in a transaction of its own.

        Books that are closed until then or longer stay as they are, so it can be repeated. Each
        change is a row of ``pgledger_periods_v1``. It reads all accounts of the app.
        :meth:`reopen_period` takes it back.

        Calls ``pgledger_close_period``.

        Args:
            app_id: Set of books to close; the empty text where there is only one.
            until: Up to when, at least a minute past. The time itself stays open.
            reason: Why, for those who read the history: 1 to 1,000 characters, or None.

        Returns:
            Until when the books are closed now; replayed says whether they were before.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidTime: Until is outside the years 1 to 9999.
            InvalidArgument: Until is not a minute past, the reason is empty or too long, or the
                transaction is not read committed.
        """
        return await self._fetch_one(
            PERIOD_ROW,
            self._statements.close_period,
            (
                app_id,
                time_text("until", until),
                reason,
            ),
        )

    async def ensure_account(
        self,
        name: str,
        currency: str,
        *,
        allow_negative_balance: bool = True,
        allow_positive_balance: bool = True,
        metadata: Mapping[str, Any] | None = None,
        app_id: str = "",
        tenant_id: str = "",
        min_balance: Decimal | int | None = None,
        max_balance: Decimal | int | None = None,
        idempotency_key: str | None = None,
    ) -> Account:
        """Returns the account of a name, and opens it if there is none.

        However many ask at once, there is one account of this app, tenant, currency and name, and
        all get it. In REPEATABLE READ and SERIALIZABLE those that came second may have to run their
        transaction again, as PostgreSQL tells them with 40001. An account that
        :meth:`create_account` opened is taken over if it is the only one of the name. After an
        account was renamed, its new name leads to it, and the old one opens another; a new name
        that leads to another account already goes on doing so.

        Calls ``pgledger_ensure_account``.

        Args:
            name: For people: 1 to 255 characters, stored as given.
            currency: Unit of the balance: 1 to 32 visible characters, for example USD.
            allow_negative_balance: Whether a transfer may leave the balance below zero; False is
                the same as a ``min_balance`` of 0.
            allow_positive_balance: Whether a transfer may leave the balance above zero; False is
                the same as a ``max_balance`` of 0.
            metadata: JSON object, at most 64 KiB. Store references in it, never personal data, or
                None.
            app_id: Set of books that the account belongs to.
            tenant_id: Whose account it is.
            min_balance: Lowest balance that a transfer may leave, for example -500: at most 0,
                above -1e30, with at most 18 decimal places; None for none, or for 0 where
                ``allow_negative_balance`` is False.
            max_balance: Highest balance that a transfer may leave: at least 0, below 1e30, with at
                most 18 decimal places; None for none, or for 0 where ``allow_positive_balance`` is
                False.
            idempotency_key: Your own name for this request, 1 to 255 characters, unique in the app:
                the same request with it again returns the same account, also after it was renamed;
                None for none.

        Returns:
            The account, as it stands.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidName: The name is empty, cannot be seen or is too long.
            InvalidCurrency: The currency is empty, has spaces or is too long.
            InvalidArgument: A limit is out of range, or contradicts its flag; or
                ``idempotency_key`` is too long.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            AccountAmbiguous: Several accounts have the name, and none was opened by this function.
            IdempotencyConflict: The account was opened with other limits or metadata, or the key is
                taken by a different request.
        """
        return await self._fetch_one(
            ACCOUNT_ROW,
            self._statements.ensure_account,
            (
                name,
                currency,
                flag_text("allow_negative_balance", allow_negative_balance),
                flag_text("allow_positive_balance", allow_positive_balance),
                metadata_text(metadata),
                app_id,
                tenant_id,
                optional_decimal_text("min_balance", min_balance),
                optional_decimal_text("max_balance", max_balance),
                idempotency_key,
            ),
        )

    async def expire_holds(
        self,
        *,
        max_holds: int = 1000,
        app_id: str = "",
    ) -> int:
        """Writes which holds have expired, and releases what they kept back.

        An expired hold counts nowhere from its ``expires_at`` on, whether or not this is called. It
        only tidies, so that what is stored is what is shown. Call it now and then, each time in a
        transaction of its own, until it returns 0; any number of sessions may. It waits for nobody:
        what others have locked is left to the next call.

        Calls ``pgledger_expire_holds``.

        Args:
            max_holds: How many to look at, at most, from 1 to 100,000.
            app_id: Set of books whose holds are looked at.

        Returns:
            How many were released, on one of their accounts or on both.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: ``max_holds`` is not between 1 and 100000.
        """
        value: int = await self._fetch_one(
            scalar_row,
            self._statements.expire_holds,
            (
                integer_text("max_holds", max_holds),
                app_id,
            ),
        )
        return value

    async def extend_hold(
        self,
        hold_id: str,
        expires_at: datetime | None,
        *,
        app_id: str = "",
        idempotency_key: str | None = None,
    ) -> Hold:
        """Changes when a hold expires: ``pgledger_extend_hold``.

        The new time may be later or earlier than the one before. A hold that has expired cannot be
        extended.

        Args:
            hold_id: The hold.
            expires_at: From when on it is expired, in the future; None for never.
            app_id: Set of books that it belongs to.
            idempotency_key: Your own name for this request, 1 to 255 characters, unique in the app:
                the same request with it again changes nothing and returns the hold as it stands
                then; None for none.

        Returns:
            The hold as it is now; replayed says whether it was to expire then already, or the call
            was a repeat.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvalidTime: ``expires_at`` is not in the future, or is outside the years 1 to 9999.
            InvalidArgument: ``idempotency_key`` is empty or too long.
            HoldNotFound: There is no such hold under this ``app_id``.
            IdempotencyConflict: The key is taken by a different request.
            HoldEnded: It was posted or voided.
            HoldExpired: Its ``expires_at`` is over.
        """
        return await self._fetch_one(
            HOLD_ROW,
            self._statements.extend_hold,
            (
                hold_id,
                time_text("expires_at", expires_at),
                app_id,
                idempotency_key,
            ),
        )

    async def freeze_account(
        self,
        id: str,
        direction: Literal["out", "in", "both"],
        *,
        reason: str | None = None,
        app_id: str = "",
    ) -> Account:
        """Freezes an account: nothing may leave it, or reach it, or both.

        It adds to what is frozen already. Transfers that are under way come first: once the freeze
        has committed, none commits that it forbids. Holds that were made before can be posted all
        the same. A call that changes nothing writes nothing, so it can be repeated. Each change is
        a row of ``pgledger_account_changes_v1``.

        Calls ``pgledger_freeze_account``.

        Args:
            id: The account.
            direction: What is frozen, one of: ``out``, ``in``, ``both``.
            reason: Why, for those who read the history: 1 to 1,000 characters, or None.
            app_id: Set of books that the account belongs to.

        Returns:
            The account as it is now; replayed says whether it was so before.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvalidArgument: The direction is none of these, or the reason is empty or too long.
            AccountNotFound: There is no such account under this ``app_id``.
            AccountClosed: A transfer would take from or give to an account that is closed.
        """
        return await self._fetch_one(
            ACCOUNT_ROW,
            self._statements.freeze_account,
            (
                id,
                direction,
                reason,
                app_id,
            ),
        )

    async def import_begin(
        self,
    ) -> None:
        """Begins an import of history from elsewhere: ``pgledger_import_begin``.

        It empties the tables pgledger.import_accounts, pgledger.import_transfers and
        pgledger.import_entries. Fill these next, in the same transaction, with insert or copy; then
        call :meth:`import_history`. Another import waits until the transaction ends. Only the owner
        of pgledger may call this function.

        The command pgledger import does all of this.
        """
        await self._fetch_first(scalar_row, self._statements.import_begin, ())

    async def import_faults(
        self,
        *,
        app_id: str = "",
    ) -> list[ImportFault]:
        """Lists what is wrong with the rows that are to be imported.

        It reads what was written into pgledger.import_accounts, ``import_transfers`` and
        ``import_entries`` after :meth:`import_begin`, and imports nothing. Versions and balances
        are looked at where nothing else is wrong. Only the owner of pgledger may call this
        function.

        Calls ``pgledger_import_faults``.

        Args:
            app_id: Set of books that they are to be imported into.

        Returns:
            One row for each row that cannot be imported, with the first thing that is wrong with
            it: its kind, its number, its id and why. No row if :meth:`import_history` will import
            them.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
        """
        return await self._fetch_all(IMPORT_FAULT_ROW, self._statements.import_faults, (app_id,))

    async def import_history(
        self,
        *,
        app_id: str = "",
    ) -> ImportResult:
        """Imports accounts and transfers from elsewhere, with their ids and times.

        Call :meth:`import_begin` first, and write what is to be imported into
        pgledger.import_accounts, pgledger.import_transfers and, if there are any,
        pgledger.import_entries; all in one transaction. Entries say which version each account had;
        without them, transfers are taken in the order of their ``created_at`` and, where that is
        equal, of their rows.

        Ids, balances, versions and ``event_at`` stay as they are. A ``created_at`` that is not
        later than everything before it on both accounts is lifted to the next microsecond, and
        ``pgledger_imported_times_v1`` lists it. Entries get other ids, which
        ``pgledger_imported_entries_v1`` lists. Limits that the history breaks are in force from now
        on, as if they had been set after the newest transfer.

        All of it is imported or nothing: the books are verified before it returns. Only the owner
        of pgledger may call this function.

        Calls ``pgledger_import_history``.

        Args:
            app_id: Set of books that they are imported into.

        Returns:
            How much was imported, and how much of it could not stay as it was.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            ImportRefused: A row cannot be imported, which :meth:`import_faults` lists, or the books
                are not in order.
        """
        return await self._fetch_one(IMPORT_RESULT_ROW, self._statements.import_history, (app_id,))

    async def movements(
        self,
        *,
        from_time: datetime | None = None,
        until: datetime | None = None,
        prefix: str | None = None,
        by: Literal["hour", "day", "week", "month", "quarter", "year"] | None = "day",
        axis: Literal["recorded", "event"] = "recorded",
        time_zone: str = "UTC",
        app_id: str = "",
    ) -> list[Movement]:
        """Adds up what moved between each account and each other one, by period.

        A transfer counts for both of its accounts: as outgoing for the one that it left, as
        incoming for the other. With a prefix only rows of its accounts are returned, whoever is on
        the other side. It reads the transfers of the whole span, so what it takes grows with their
        number. Names are those of today.

        Calls ``pgledger_movements``.

        Args:
            from_time: From when on, inclusive; None for from the first transfer on.
            until: Until when, exclusive, and after ``from_time``; None for all that is recorded.
            prefix: Path whose accounts count, it and all below, without a dot at its end; None for
                all accounts.
            by: How long the periods are; one of: ``hour``, ``day``, ``week``, ``month``,
                ``quarter``, ``year``; None for the whole span as one period.
            axis: Whether ``created_at`` or ``event_at`` says when a transfer was; one of:
                ``recorded``, ``event``.
            time_zone: Time zone that periods begin in, such as Europe/Berlin.
            app_id: Set of books.

        Returns:
            A row for each period, account and counterparty between which something moved, ordered
            by period, the account's name, currency and id, and the counterparty's name and id.

        Raises:
            InvalidTime: Until is not after ``from_time``, or one of them is finite and not in the
                years 1 to 9999.
            InvalidName: The prefix is empty, cannot be seen or is too long.
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: There is no such period, axis or time zone.
        """
        return await self._fetch_all(
            MOVEMENT_ROW,
            self._statements.movements,
            (
                time_text("from_time", from_time),
                time_text("until", until),
                prefix,
                by,
                axis,
                time_zone,
                app_id,
            ),
        )

    async def post_hold(
        self,
        hold_id: str,
        *,
        amount: Decimal | int | None = None,
        final: bool = True,
        event_at: datetime | None = None,
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,
        app_id: str = "",
        allow_future_event_at: bool = False,
        idempotency_key: str | None = None,
    ) -> Transfer:
        """Moves what a hold keeps back: all that is left of it, or a part.

        It fails neither for funds nor for limits or freezes that came since: all of that was
        checked when the hold was made. The transfer's ``origin_id`` is the hold, and its
        ``group_id`` is the hold's.

        Calls ``pgledger_post_hold``.

        Args:
            hold_id: The hold.
            amount: What to move, at most what is left of the hold; None for all of that.
            final: Whether what is then left of the hold is released, and the hold is posted.
                Without, it stays pending for further calls, until the whole amount is posted.
            event_at: When it happened in the world, at most a day ahead unless
                ``allow_future_event_at``; None for when it is recorded.
            metadata: JSON object, at most 64 KiB, which never changes. Store references in it,
                never personal data, or None.
            id: Id of the transfer, ``pglt_`` and a ULID. With an id of your own choice the call can
                be repeated: it takes effect once, and every repeat returns the first result; None
                for a new id.
            app_id: Set of books that the hold belongs to.
            allow_future_event_at: Whether ``event_at`` may be more than a day ahead.
            idempotency_key: Your own name for this request, 1 to 255 characters, unique in the app:
                the same request with it again returns the same transfer; None for none.

        Returns:
            The transfer, with both accounts' balances and versions right after it.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvalidAmount: The amount is not in range, or has more decimal places than its currency.
            InvalidTime: ``event_at`` is outside the years 1 to 9999.
            EventAtInFuture: ``event_at`` is more than a day ahead.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            InvalidArgument: ``idempotency_key`` is empty or too long.
            HoldNotFound: There is no such hold under this ``app_id``.
            IdempotencyConflict: The id is taken by a different transfer, or the key by a different
                request.
            HoldEnded: It was posted or voided.
            HoldExpired: Its ``expires_at`` is over.
            HoldAmountExceeded: Less is left of it.
            AccountAheadOfClock: An account's newest time is more than a day ahead.
            PeriodClosed: ``event_at`` lies in a closed period.
            BalanceOutOfRange: A balance would reach 1e30 or -1e30.
        """
        return await self._fetch_one(
            TRANSFER_ROW,
            self._statements.post_hold,
            (
                hold_id,
                optional_decimal_text("amount", amount),
                flag_text("final", final),
                time_text("event_at", event_at),
                metadata_text(metadata),
                id,
                app_id,
                flag_text("allow_future_event_at", allow_future_event_at),
                idempotency_key,
            ),
        )

    async def raise_sequences(
        self,
    ) -> int:
        """Moves sequences that lie behind the keys in use to the greatest of these.

        Logical replication copies rows and not sequences. So call this once after a switch-over to
        a database that was filled by it, before applications write there: until then new accounts,
        invoices and so on fail with a unique violation. :meth:`verify` tells whether it is needed.
        Where nothing lies behind, a call changes nothing; otherwise it waits for transactions that
        write. Only the owner of pgledger may call this function.

        Calls ``pgledger_raise_sequences``.

        Returns:
            How many sequences it moved.
        """
        value: int = await self._fetch_one(scalar_row, self._statements.raise_sequences, ())
        return value

    async def reopen_account(
        self,
        id: str,
        *,
        reason: str | None = None,
        app_id: str = "",
    ) -> Account:
        """Opens a closed account again: ``pgledger_reopen_account``.

        If it was frozen when it was closed, it is frozen again. A call for an account that is not
        closed changes nothing, so it can be repeated. Each change is a row of
        ``pgledger_account_changes_v1``.

        Args:
            id: The account.
            reason: Why, for those who read the history: 1 to 1,000 characters, or None.
            app_id: Set of books that the account belongs to.

        Returns:
            The account as it is now; replayed says whether it was not closed.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvalidArgument: The reason is empty or too long.
            AccountNotFound: There is no such account under this ``app_id``.
        """
        return await self._fetch_one(
            ACCOUNT_ROW,
            self._statements.reopen_account,
            (
                id,
                reason,
                app_id,
            ),
        )

    async def reopen_period(
        self,
        app_id: str,
        until: datetime | None,
        reason: str,
    ) -> Period:
        """Opens closed books again, from a time on or wholly: ``pgledger_reopen_period``.

        From then on calls are accepted again whose ``event_at`` lies at that time or later. The
        call is written down: who, when and why, in ``pgledger_periods_v1``. Books that are open
        from there on stay as they are. Only the owner of pgledger may call this function, and
        whoever it grants that to.

        Args:
            app_id: Set of books to open; the empty text where there is only one.
            until: Up to when they stay closed; None for not at all.
            reason: Why, for those who read it later: 1 to 1,000 characters.

        Returns:
            Until when the books are closed now; replayed says whether that was so before.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidTime: Until is outside the years 1 to 9999.
            InvalidArgument: The books are not closed as long as until, the reason is empty or too
                long, or the transaction is not read committed.
        """
        return await self._fetch_one(
            PERIOD_ROW,
            self._statements.reopen_period,
            (
                app_id,
                time_text("until", until),
                reason,
            ),
        )

    async def reverse_transfer(
        self,
        transfer_id: str,
        *,
        amount: Decimal | int | None = None,
        event_at: datetime | None = None,
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,
        app_id: str = "",
        allow_future_event_at: bool = False,
        idempotency_key: str | None = None,
    ) -> Transfer:
        """Gives back what a transfer moved: all that is left of it, or a part.

        It makes a transfer the other way, between the same accounts. Its ``origin_id`` is the
        transfer that it reverses, and its ``group_id`` is that transfer's. A transfer can be
        reversed in parts until it is used up. Limits, freezes and closed accounts are respected as
        for any transfer.

        A reversal is a transfer like others, so it can be reversed, too. That does not make the
        first transfer reversible again.

        Calls ``pgledger_reverse_transfer``.

        Args:
            transfer_id: The transfer to reverse.
            amount: What to give back, at most what is left of the transfer; None for all of that.
            event_at: When it happened in the world, at most a day ahead unless
                ``allow_future_event_at``; None for when it is recorded.
            metadata: JSON object, at most 64 KiB, which never changes. Store references in it,
                never personal data, or None.
            id: Id of the reversal, ``pglt_`` and a ULID. With an id of your own choice the call can
                be repeated: it takes effect once, and every repeat returns the first result; None
                for a new id.
            app_id: Set of books that the transfer belongs to.
            allow_future_event_at: Whether ``event_at`` may be more than a day ahead.
            idempotency_key: Your own name for this request, 1 to 255 characters, unique in the app:
                the same request with it again returns the same transfer; None for none.

        Returns:
            The reversal, with both accounts' balances and versions right after it.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvalidAmount: The amount is not in range, or has more decimal places than its currency.
            InvalidTime: ``event_at`` is outside the years 1 to 9999.
            EventAtInFuture: ``event_at`` is more than a day ahead.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            InvalidArgument: ``idempotency_key`` is empty or too long.
            TransferNotFound: There is no such transfer under this ``app_id``.
            IdempotencyConflict: The id is taken by a different transfer, or the key by a different
                request.
            TransferReversed: Nothing is left of it.
            ReversalExceeded: Less is left of it.
            AccountAheadOfClock: An account's newest time is more than a day ahead.
            AccountClosed: A transfer would take from or give to an account that is closed.
            AccountFrozen: An account is frozen for what the reversal does.
            PeriodClosed: ``event_at`` lies in a closed period.
            InsufficientFunds: It would leave an account below its lower limit.
            PositiveBalanceNotAllowed: It would leave an account above its upper limit.
            BalanceOutOfRange: A balance would reach 1e30 or -1e30.
        """
        return await self._fetch_one(
            TRANSFER_ROW,
            self._statements.reverse_transfer,
            (
                transfer_id,
                optional_decimal_text("amount", amount),
                time_text("event_at", event_at),
                metadata_text(metadata),
                id,
                app_id,
                flag_text("allow_future_event_at", allow_future_event_at),
                idempotency_key,
            ),
        )

    async def reverse_transfer_over_limits(
        self,
        transfer_id: str,
        reason: str,
        *,
        amount: Decimal | int | None = None,
        event_at: datetime | None = None,
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,
        app_id: str = "",
        allow_future_event_at: bool = False,
        idempotency_key: str | None = None,
    ) -> Transfer:
        """Gives back what a transfer moved, even beyond limits of its accounts.

        It is :meth:`reverse_transfer` without the limits: a refund that the law or a card network
        demands of a seller whose account is empty. Freezes, closed accounts and what is left of the
        transfer still count. Who called it, when and why is written down. Only the owner of
        pgledger may call it, and whom the owner grants it to.

        Calls ``pgledger_reverse_transfer_over_limits``.

        Args:
            transfer_id: The transfer to reverse.
            reason: Why, for those who read it later: 1 to 1,000 characters.
            amount: What to give back, at most what is left of the transfer; None for all of that.
            event_at: When it happened in the world, at most a day ahead unless
                ``allow_future_event_at``; None for when it is recorded.
            metadata: JSON object, at most 64 KiB, which never changes. Store references in it,
                never personal data, or None.
            id: Id of the reversal, ``pglt_`` and a ULID. With an id of your own choice the call can
                be repeated: it takes effect once, and every repeat returns the first result; None
                for a new id.
            app_id: Set of books that the transfer belongs to.
            allow_future_event_at: Whether ``event_at`` may be more than a day ahead.
            idempotency_key: Your own name for this request, 1 to 255 characters, unique in the app:
                the same request with it again returns the same transfer; None for none.

        Returns:
            The reversal, with both accounts' balances and versions right after it.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvalidArgument: The reason or ``idempotency_key`` is empty or too long.
            InvalidAmount: The amount is not in range, or has more decimal places than its currency.
            InvalidTime: ``event_at`` is outside the years 1 to 9999.
            EventAtInFuture: ``event_at`` is more than a day ahead.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            TransferNotFound: There is no such transfer under this ``app_id``.
            IdempotencyConflict: The id is taken by a different transfer, or the key by a different
                request.
            TransferReversed: Nothing is left of it.
            ReversalExceeded: Less is left of it.
            AccountAheadOfClock: An account's newest time is more than a day ahead.
            AccountClosed: A transfer would take from or give to an account that is closed.
            AccountFrozen: An account is frozen for what the reversal does.
            PeriodClosed: ``event_at`` lies in a closed period.
            BalanceOutOfRange: A balance would reach 1e30 or -1e30.
        """
        return await self._fetch_one(
            TRANSFER_ROW,
            self._statements.reverse_transfer_over_limits,
            (
                transfer_id,
                reason,
                optional_decimal_text("amount", amount),
                time_text("event_at", event_at),
                metadata_text(metadata),
                id,
                app_id,
                flag_text("allow_future_event_at", allow_future_event_at),
                idempotency_key,
            ),
        )

    async def reversed_amount(
        self,
        transfer_id: str,
        *,
        app_id: str = "",
    ) -> Decimal:
        """Says how much of a transfer has been reversed: ``pgledger_reversed_amount``.

        It is the sum of the transfers whose ``origin_id`` is this one. Reversals of those are not
        taken off again: what a transfer gives back, it gives back once.

        Args:
            transfer_id: The transfer.
            app_id: Set of books that it belongs to.

        Returns:
            What its reversals have given back, in units of the currency: from 0 to the transfer's
            amount.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            TransferNotFound: There is no such transfer under this ``app_id``.
        """
        value: Decimal = await self._fetch_one(
            scalar_row,
            self._statements.reversed_amount,
            (
                transfer_id,
                app_id,
            ),
        )
        return value

    async def seal(
        self,
    ) -> Seal:
        """Seals everything up to now, and returns what proves it later: ``pgledger_seal``.

        It makes the next block of changes, and a SHA-256 of each block that is not sealed yet, each
        with the one before. Posting does not know of it: seal as often as you like, for example
        each hour. Keep the result where whoever could tamper with the database cannot:
        :meth:`verify_seals` then finds what was edited, added, removed or put in another order
        before it, even if all seals were made again.

        Returns:
            The newest seal; its columns are None if nothing has ever changed.

        Raises:
            InvalidState: The transaction keeps its snapshot: it is REPEATABLE READ or SERIALIZABLE.
        """
        return await self._fetch_one(SEAL_ROW, self._statements.seal, ())

    async def statement(
        self,
        account_id: str,
        *,
        from_time: datetime | None = None,
        until: datetime | None = None,
        axis: Literal["recorded", "event"] = "recorded",
        app_id: str = "",
    ) -> list[StatementLine]:
        """Returns an account's statement for a span of time: ``pgledger_statement``.

        The first line is the opening balance, the last one the closing balance. Between them is a
        line for each entry, with the balance after it. As recorded, entries are in the order of the
        account; by event, in that of ``event_at``, and those of one ``event_at`` in that of the
        account.

        Args:
            account_id: Whose statement.
            from_time: From when on, inclusive; None for from the first entry on.
            until: Until when, exclusive, and after ``from_time``; None for all that is recorded.
            axis: Whether ``created_at`` or ``event_at`` says when an entry was; one of:
                ``recorded``, ``event``.
            app_id: Set of books that the account belongs to.

        Returns:
            The lines in order, two more than there are entries.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            AccountNotFound: There is no such account under this ``app_id``.
            InvalidTime: Until is not after ``from_time``, or one of them is finite and not in the
                years 1 to 9999.
            InvalidArgument: There is no such axis.
        """
        return await self._fetch_all(
            STATEMENT_LINE_ROW,
            self._statements.statement,
            (
                account_id,
                time_text("from_time", from_time),
                time_text("until", until),
                axis,
                app_id,
            ),
        )

    async def sweep(
        self,
        from_account_id: str,
        to_account_id: str,
        *,
        max_amount: Decimal | int | None = None,
        keep: Decimal | int = 0,
        event_at: datetime | None = None,
        metadata: Mapping[str, Any] | None = None,
        id: str | None = None,
        app_id: str = "",
        allow_future_event_at: bool = False,
        idempotency_key: str | None = None,
    ) -> Transfer | None:
        """Moves what an account can spare to another, or nothing: ``pgledger_sweep``.

        That is the balance less what holds keep back and less keep, or less the account's
        ``min_balance`` where this is higher: an overdraft is used only as far as keep says so. If
        nothing is left to move, nothing happens, and no row comes back. Like
        :meth:`create_transfer`, it is not for use within an UPDATE, a MERGE or an INSERT with ON
        CONFLICT.

        Args:
            from_account_id: Account that is swept.
            to_account_id: Account that the amount reaches, of the same currency.
            max_amount: At most so much is moved, above 0, below 1e30, with at most 18 decimal
                places; None for all that can be spared.
            keep: Balance that stays: above -1e30, below 1e30, with at most 18 decimal places; below
                zero to use an overdraft.
            event_at: When it happened in the world, at most a day ahead unless
                ``allow_future_event_at``; None for when it is recorded.
            metadata: JSON object, at most 64 KiB, which never changes. Store references in it,
                never personal data, or None.
            id: Its id, ``pglt_`` and a ULID. With an id of your own choice a call that moved
                something can be repeated, and every repeat with these accounts, ``event_at`` and
                metadata returns the first result. A call without a key that moved nothing leaves no
                trace, and its repeat looks again; None for a new id.
            app_id: Set of books that both accounts belong to.
            allow_future_event_at: Whether ``event_at`` may be more than a day ahead.
            idempotency_key: Your own name for this request, 1 to 255 characters, unique in the app:
                the same request with it again returns the first result, also if nothing was moved;
                None for none.

        Returns:
            The transfer, with both accounts' balances and versions right after it;, or None.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            SameAccount: Both accounts are the same.
            InvalidAmount: ``max_amount`` is not in range, or what is moved has more decimal places
                than an account allows.
            InvalidTime: ``event_at`` is outside the years 1 to 9999.
            EventAtInFuture: ``event_at`` is more than a day ahead.
            InvalidMetadata: Metadata is not a JSON object, or is too large or too deep.
            InvalidArgument: Keep is not in range, or ``idempotency_key`` is empty or too long.
            AccountNotFound: There is no account of this id under this ``app_id``.
            CurrencyMismatch: A transfer joins accounts of different currencies.
            IdempotencyConflict: The id is taken by a different transfer, or the key by a different
                request.
            AccountAheadOfClock: An account's newest time is more than a day ahead.
            AccountClosed: A transfer would take from or give to an account that is closed.
            AccountFrozen: A transfer would take from or give to an account that is frozen for that.
            PeriodClosed: ``event_at`` lies in a closed period.
            InsufficientFunds: A transfer would leave an account below its lower limit, for example
                below zero.
            PositiveBalanceNotAllowed: The target has no room for it.
            BalanceOutOfRange: A transfer would bring a balance to 1e30 or beyond, or to -1e30 or
                beyond.
        """
        return await self._fetch_first(
            TRANSFER_ROW,
            self._statements.sweep,
            (
                from_account_id,
                to_account_id,
                optional_decimal_text("max_amount", max_amount),
                decimal_text("keep", keep),
                time_text("event_at", event_at),
                metadata_text(metadata),
                id,
                app_id,
                flag_text("allow_future_event_at", allow_future_event_at),
                idempotency_key,
            ),
        )

    async def trial_balance(
        self,
        *,
        at: datetime | None = None,
        app_id: str = "",
        prefix: str | None = None,
        axis: Literal["recorded", "event"] = "recorded",
    ) -> list[TrialBalanceLine]:
        """Returns the balance of each account at a time, for all tenants.

        Without a prefix, ``above_zero`` and ``below_zero`` have the same sum in each currency: all
        that is somewhere came from somewhere. Names are those of today.

        Calls ``pgledger_trial_balance``.

        Args:
            at: The time: every entry that is not later counts; None for all that is recorded.
            app_id: Set of books.
            prefix: Path whose accounts count, it and all below, without a dot at its end; None for
                all accounts.
            axis: Whether ``created_at`` or ``event_at`` says when an entry was; one of:
                ``recorded``, ``event``.

        Returns:
            A row for each account that had been opened by then or had a balance, ordered by name,
            tenant, currency and id.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidName: The prefix is empty, cannot be seen or is too long.
            InvalidArgument: There is no such axis.
        """
        return await self._fetch_all(
            TRIAL_BALANCE_LINE_ROW,
            self._statements.trial_balance,
            (
                time_text("at", at),
                app_id,
                prefix,
                axis,
            ),
        )

    async def unfreeze_account(
        self,
        id: str,
        *,
        direction: Literal["out", "in", "both"] = "both",
        reason: str | None = None,
        app_id: str = "",
    ) -> Account:
        """Lifts the freeze of an account: ``pgledger_unfreeze_account``.

        What is frozen in the other direction stays so. A call that changes nothing writes nothing,
        so it can be repeated. Each change is a row of ``pgledger_account_changes_v1``.

        Args:
            id: The account.
            direction: For what the freeze is lifted, one of: ``out``, ``in``, ``both``.
            reason: Why, for those who read the history: 1 to 1,000 characters, or None.
            app_id: Set of books that the account belongs to.

        Returns:
            The account as it is now; replayed says whether it was so before.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvalidArgument: The direction is none of these, or the reason is empty or too long.
            AccountNotFound: There is no such account under this ``app_id``.
            AccountClosed: A transfer would take from or give to an account that is closed.
        """
        return await self._fetch_one(
            ACCOUNT_ROW,
            self._statements.unfreeze_account,
            (
                id,
                direction,
                reason,
                app_id,
            ),
        )

    async def use_iso_currencies(
        self,
        *,
        app_id: str = "",
    ) -> int:
        """Lets amounts of each currency have the decimal places that ISO 4217 says.

        USD and EUR have 2 then, JPY has 0, KWD has 3. Call it once when you set up a ledger. For a
        currency with another number of decimal places call :meth:`set_currency` afterwards: a
        second call of this would set it back, and changes nothing else. Codes without a minor unit,
        such as XAU, and codes of your own stay as they are.

        It waits and locks as :meth:`set_currency` does.

        Calls ``pgledger_use_iso_currencies``.

        Args:
            app_id: Set of books whose accounts it holds for.

        Returns:
            How many currencies have got other decimal places than they had; 0 if all was so
            already.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidArgument: The transaction is not read committed.
            InvalidAmount: An account's balance, or a pending hold, has more decimal places.
        """
        value: int = await self._fetch_one(
            scalar_row, self._statements.use_iso_currencies, (app_id,)
        )
        return value

    async def void_hold(
        self,
        hold_id: str,
        *,
        app_id: str = "",
        idempotency_key: str | None = None,
    ) -> Hold:
        """Ends a hold without moving anything: what is left of it is free again.

        What was posted of it before stays posted. A call for a hold that is voided already changes
        nothing, so it can be repeated. Freezes do not matter.

        Calls ``pgledger_void_hold``.

        Args:
            hold_id: The hold.
            app_id: Set of books that it belongs to.
            idempotency_key: Your own name for this request, 1 to 255 characters, unique in the app:
                the same request with it again changes nothing and returns the hold as it stands
                then; None for none.

        Returns:
            The hold as it is now; replayed says whether it was voided before.

        Raises:
            NullArgument: An argument that has to be given is None.
            InvalidScope: An ``app_id``, ``tenant_id`` or ``group_id`` is too long or cannot be
                seen.
            InvalidId: An id is malformed.
            InvalidArgument: ``idempotency_key`` is empty or too long.
            HoldNotFound: There is no such hold under this ``app_id``.
            IdempotencyConflict: The key is taken by a different request.
            HoldEnded: It was posted.
            HoldExpired: Its ``expires_at`` is over.
        """
        return await self._fetch_one(
            HOLD_ROW,
            self._statements.void_hold,
            (
                hold_id,
                app_id,
                idempotency_key,
            ),
        )
