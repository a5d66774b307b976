"""The ledger as a plain Python model: what a call answers, or which error it raises.

Written from what is documented, not from the SQL: dictionaries, exact decimals, one loop after
another in the documented order of checks. What only the database can know, ids that it makes and
times, is taken from its answers and held to what is promised of it.
"""

import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from pgledger import Account, Entry, Transfer, ids
from pgledger.errors import (
    AccountClosed,
    AccountFrozen,
    AccountNotEmpty,
    AccountNotFound,
    BalanceConditionFailed,
    BalanceOutOfRange,
    CurrencyMismatch,
    EventAtInFuture,
    IdempotencyConflict,
    InsufficientFunds,
    InvalidAmount,
    InvalidArgument,
    InvalidCurrency,
    InvalidId,
    InvalidMetadata,
    InvalidName,
    InvalidPage,
    InvalidScope,
    InvalidTime,
    LimitAlreadyBroken,
    NullArgument,
    PeriodClosed,
    PgledgerError,
    PositiveBalanceNotAllowed,
    SameAccount,
    TransferNotFound,
    VersionMismatch,
)
from support.exact import EXACT, minus, negated, plus

BOUND = Decimal("1e30")
FROZEN: dict[
    Literal["open", "frozen_out", "frozen_in", "frozen_both", "closed"], frozenset[str]
] = {
    "open": frozenset[str](),
    "frozen_out": frozenset({"out"}),
    "frozen_in": frozenset({"in"}),
    "frozen_both": frozenset({"out", "in"}),
}
METADATA_BYTES = 65536
INVISIBLE = re.compile(r"[\x01-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\ufeff]")


@dataclass(frozen=True, slots=True)
class Time:
    """A time as a test sends it; ``at`` is None for one that no datetime can hold."""

    text: str
    at: datetime | None

    @classmethod
    def of(cls, at: datetime) -> "Time":
        return cls(at.isoformat(), at)


@dataclass(frozen=True, slots=True)
class Span:
    """A range of balances as a test sends it; a bound that is None is no bound."""

    lower: str | None
    upper: str | None
    bounds: str = "[]"

    @property
    def text(self) -> str:
        return f"{self.bounds[0]}{self.lower or ''},{self.upper or ''}{self.bounds[1]}"

    @property
    def value(self) -> tuple[Decimal | None, Decimal | None, bool, bool]:
        """What the range is, in whatever words."""
        lower, upper = decimal_of(self.lower), decimal_of(self.upper)
        return (
            *(lower, upper),
            lower is not None and self.bounds[0] == "[",
            upper is not None and self.bounds[1] == "]",
        )

    @property
    def is_empty(self) -> bool:
        lower, upper, *closed = self.value
        return lower is not None and lower == upper and not all(closed)

    def has(self, balance: Decimal) -> bool:
        lower, upper, has_lower, has_upper = self.value
        is_above = lower is None or balance > lower or (has_lower and balance == lower)
        return is_above and (upper is None or balance < upper or (has_upper and balance == upper))


@dataclass(frozen=True, slots=True)
class Request:
    """One transfer to make, in the texts that are sent for it."""

    from_account_id: str | None
    to_account_id: str | None
    amount: str | None
    event_at: Time | None = None
    metadata: str | None = None
    id: str | None = None
    require_from_version: int | None = None
    require_to_version: int | None = None
    require_from_balance: Span | None = None
    require_to_balance: Span | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """One account to create, in the texts that are sent for it."""

    name: str | None
    currency: str | None
    allow_negative_balance: bool | None = True
    allow_positive_balance: bool | None = True
    metadata: str | None = None
    id: str | None = None
    app_id: str | None = ""
    tenant_id: str | None = ""
    min_balance: str | None = None
    max_balance: str | None = None

    @property
    def limits(self) -> tuple[Decimal | None, Decimal | None]:
        """The limits that the account gets; a flag that is False is a limit of zero."""
        return (
            decimal_of("0" if self.allow_negative_balance is False else self.min_balance),
            decimal_of("0" if self.allow_positive_balance is False else self.max_balance),
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be done to an account; ``fault`` is what is wrong with it by itself."""

    what: str
    account_id: str | None
    app_id: str | None
    reason: str | None
    fault: type[PgledgerError] | None = None
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    allow_existing: bool = False
    sweep_to: str | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change comes to: the account then, and the transfer that empties it first."""

    account: Account
    sweep: tuple[Request, "Plan"] | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error that a call must end with; ``index`` is that of the request which it names."""

    error: type[PgledgerError]
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A transfer that was made, and its ``event_at`` as the caller gave it."""

    transfer: Transfer
    event_at: datetime | None


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a transfer."""

    record: Record
    amount: Decimal
    previous_balance: Decimal
    balance: Decimal


@dataclass(frozen=True, slots=True)
class Posting:
    """A transfer that a call is to make: its account's states after it are already known."""

    request: Request
    from_balance: Decimal
    to_balance: Decimal


Plan = list["Record | Posting | int"]
"""What answers each request: an earlier call's transfer, a new one, or an earlier request's."""

States = dict[str, tuple[Decimal, int]]
"""Balances and versions of accounts on the way through a batch."""

Outcomes = list["Record | Posting | int | type[PgledgerError]"]
"""What becomes of each request by itself: the same, or what it is refused with."""


def scope_fault(
    value: str | None, minimum: int = 0, maximum: int = 128
) -> type[PgledgerError] | None:
    if value is None:
        return NullArgument
    if not minimum <= len(value) <= maximum or INVISIBLE.search(value):
        return InvalidScope
    return None


def id_fault(value: str | None, prefix: str) -> type[PgledgerError] | None:
    if value is None:
        return NullArgument
    return None if ids.is_valid(value, prefix) else InvalidId


def amount_fault(value: str | None) -> type[PgledgerError] | None:
    if value is None:
        return InvalidAmount
    amount = Decimal(value)
    if not amount.is_finite() or amount <= 0 or amount >= BOUND:
        return InvalidAmount
    return InvalidAmount if places_of(amount) > 18 else None


def decimal_of(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def places_of(value: Decimal) -> int:
    """Returns how many decimal places of a number matter."""
    exponent = value.normalize(EXACT).as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def limits_fault(opening: Opening) -> type[PgledgerError] | None:
    """What is wrong with the limits of an account to create."""
    flags = (opening.allow_negative_balance, opening.allow_positive_balance)
    if None in flags:
        return NullArgument
    given = (decimal_of(opening.min_balance), decimal_of(opening.max_balance))
    for sign, flag, limit in zip((-1, 1), flags, given, strict=True):
        if limit is None:
            continue
        if not limit.is_finite() or abs(limit) >= BOUND or places_of(limit) > 18:
            return InvalidArgument
        if limit * sign < 0 or (limit != 0 and not flag):
            return InvalidArgument
    return None


def available(account: Account) -> Decimal:
    return minus(minus(account.balance, account.held_out), account.min_balance or 0)


def metadata_fault(value: str | None) -> type[PgledgerError] | None:
    if value is None:
        return None
    decoded = json.loads(value)
    size = len(json.dumps(decoded, ensure_ascii=False).encode())
    return None if isinstance(decoded, dict) and size <= METADATA_BYTES else InvalidMetadata


def decoded(metadata: str | None) -> dict[str, object] | None:
    return None if metadata is None else json.loads(metadata)


def request_fault(request: Request, *, allow_future_event_at: bool) -> type[PgledgerError] | None:
    """What is wrong with a request by itself."""
    for account_id in (request.from_account_id, request.to_account_id):
        if fault := id_fault(account_id, "pgla"):
            return fault
    if request.from_account_id == request.to_account_id:
        return SameAccount
    if fault := amount_fault(request.amount):
        return fault
    if request.event_at is not None:
        if request.event_at.at is None:
            return InvalidTime
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        if request.event_at.at > tomorrow and not allow_future_event_at:
            return EventAtInFuture
    if fault := metadata_fault(request.metadata):
        return fault
    if request.id is not None and (fault := id_fault(request.id, "pglt")):
        return fault
    return asked_conditions_fault(request)


def asked_conditions_fault(request: Request) -> type[PgledgerError] | None:
    """What is wrong with what a request requires, by itself."""
    versions = (request.require_from_version, request.require_to_version)
    spans = (request.require_from_balance, request.require_to_balance)
    is_sound = all(version is None or version >= 0 for version in versions) and not any(
        span is not None and span.is_empty for span in spans
    )
    return None if is_sound else InvalidArgument


def name_fault(value: str | None) -> type[PgledgerError] | None:
    is_name = value is not None and 1 <= len(value) <= 255 and INVISIBLE.sub("", value)
    return None if is_name else InvalidName


def reason_fault(value: str | None) -> type[PgledgerError] | None:
    is_reason = value is None or (1 <= len(value) <= 1000 and INVISIBLE.sub("", value))
    return None if is_reason else InvalidArgument


def new_limits_fault(*limits: Decimal | None) -> type[PgledgerError] | None:
    """What is wrong with limits for an account that there is."""
    for limit in limits:
        if limit is not None and (
            not limit.is_finite() or abs(limit) >= BOUND or places_of(limit) > 18
        ):
            return InvalidArgument
    lower, upper = limits
    return InvalidArgument if lower is not None and upper is not None and lower > upper else None


def with_limits_shown(account: Account) -> Account:
    return replace(
        account,
        allow_negative_balance=account.min_balance is None or account.min_balance < 0,
        allow_positive_balance=account.max_balance is None or account.max_balance > 0,
    )


def state_of(account: Account) -> tuple[Any, ...]:
    """Returns what of an account can be changed, as its history has it."""
    return (
        account.name,
        account.metadata,
        account.min_balance,
        account.max_balance,
        account.status,
    )


# What ISO 4217 says of the currencies that accounts are in, and how many currencies it knows.
ISO_SCALES = {"USD": 2, "EUR": 2, "JPY": 0}
ISO_COUNT = 165


class Model:
    """All that a ledger holds."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.records: dict[str, Record] = {}
        self.legs: dict[str, list[Leg]] = {}
        self.newest_generated: dict[str, str] = {}
        self.created: dict[str, Account] = {}
        self.history: dict[str, list[tuple[Any, ...]]] = {}
        # Decimal places by app and currency.
        self.scales: dict[tuple[str, str], int] = {}
        self.iso_apps: set[str] = set()
        # Until when the books of an app are closed.
        self.closed: dict[str, datetime] = {}

    def copy(self) -> "Model":
        """Returns a model that goes on by itself: what a savepoint keeps."""
        other = Model()
        other.accounts = dict(self.accounts)
        other.records = dict(self.records)
        other.legs = {account_id: list(legs) for account_id, legs in self.legs.items()}
        other.newest_generated = dict(self.newest_generated)
        other.created = dict(self.created)
        other.history = {account_id: list(rows) for account_id, rows in self.history.items()}
        other.scales = dict(self.scales)
        other.iso_apps = set(self.iso_apps)
        other.closed = dict(self.closed)
        return other

    # Accounts

    @staticmethod
    def opening_fault(opening: Opening) -> Refusal | None:
        """What is wrong with a request for an account by itself."""
        fault = scope_fault(opening.app_id) or scope_fault(opening.tenant_id)
        if fault is None:
            currency = opening.currency
            if fault := name_fault(opening.name):
                pass
            elif currency is None or not 1 <= len(currency) <= 32 or INVISIBLE.search(currency):
                fault = InvalidCurrency
            else:
                fault = limits_fault(opening) or metadata_fault(opening.metadata)
        if fault is None and opening.id is not None:
            fault = id_fault(opening.id, "pgla")
        return None if fault is None else Refusal(fault)

    def plan_account(self, opening: Opening) -> Refusal | Account | None:
        """Returns what a sound request does: an error, an account that is there, or None."""
        # What was asked for then, whatever has changed it since.
        there = self.created.get(opening.id or "")
        if there is None:
            return None
        same = (
            there.name,
            there.currency,
            (there.min_balance, there.max_balance),
            there.metadata,
            there.app_id,
            there.tenant_id,
        ) == (
            opening.name,
            opening.currency,
            opening.limits,
            decoded(opening.metadata),
            opening.app_id,
            opening.tenant_id,
        )
        return self.accounts[there.id] if same else Refusal(IdempotencyConflict)

    def open_account(self, opening: Opening, answer: Account) -> None:
        """Takes in an account that was created, and checks the answer."""
        assert answer.id not in self.accounts
        assert ids.is_valid(answer.id, "pgla")
        min_balance, max_balance = opening.limits
        assert answer == Account(
            id=opening.id or answer.id,
            name=opening.name or "",
            currency=opening.currency or "",
            balance=Decimal(0),
            version=0,
            allow_negative_balance=min_balance is None or min_balance < 0,
            allow_positive_balance=max_balance is None or max_balance > 0,
            metadata=decoded(opening.metadata),
            created_at=answer.created_at,
            updated_at=answer.created_at,
            app_id=opening.app_id or "",
            tenant_id=opening.tenant_id or "",
            min_balance=min_balance,
            max_balance=max_balance,
            held_out=Decimal(0),
            held_in=Decimal(0),
            available_balance=negated(min_balance or Decimal(0)),
            status="open",
            amount_scale=self.scales.get((opening.app_id or "", opening.currency or "")),
            replayed=False,
        )
        assert answer.replayed is False
        self.accounts[answer.id] = self.created[answer.id] = answer
        self.legs[answer.id] = []
        self.history[answer.id] = []

    def change_account(self, account: Account, **changes: Any) -> None:
        changed = replace(account, **changes)
        self.accounts[account.id] = replace(changed, available_balance=available(changed))

    # Currencies

    def plan_scale(self, currency: str, scale: int | None, app_id: str | None) -> Refusal | None:
        """Returns what giving a currency decimal places is refused for, or None."""
        fault = scope_fault(app_id)
        if fault is None and (not currency or INVISIBLE.search(currency)):
            fault = InvalidCurrency
        if fault is None and scale is not None:
            if not ISO_SCALES.get(currency, 0) <= scale <= 18:
                fault = InvalidArgument
            elif not self._fits(currency, scale, app_id):
                fault = InvalidAmount
        return None if fault is None else Refusal(fault)

    def plan_iso_scales(self, app_id: str | None) -> Refusal | int:
        """Returns how many currencies get other decimal places by it, or the error."""
        if fault := scope_fault(app_id):
            return Refusal(fault)
        app = app_id or ""
        new = [code for code, scale in ISO_SCALES.items() if self.scales.get((app, code)) != scale]
        if not all(self._fits(code, scale, app) for code, scale in ISO_SCALES.items()):
            return Refusal(InvalidAmount)
        return len(new) + (0 if app in self.iso_apps else ISO_COUNT - len(ISO_SCALES))

    def set_scale(self, currency: str, scale: int | None, app_id: str) -> None:
        """Gives a currency decimal places, and its accounts with it."""
        self.scales.pop((app_id, currency), None)
        if scale is not None:
            self.scales[app_id, currency] = scale
        for account in list(self.accounts.values()):
            if (account.app_id, account.currency) == (app_id, currency):
                self.change_account(account, amount_scale=scale)

    def _fits(self, currency: str, scale: int, app_id: str | None) -> bool:
        return all(
            places_of(account.balance) <= scale
            for account in self.accounts.values()
            if (account.app_id, account.currency) == (app_id, currency)
        )

    # Periods

    def plan_period(self, until: datetime | None, app_id: str | None, *, close: bool) -> Any:
        """Returns until when the books are closed then and whether they were, or the error."""
        if fault := scope_fault(app_id):
            return Refusal(fault)
        closed = self.closed.get(app_id or "")
        if close:
            if until is None:
                return Refusal(NullArgument)
            return (closed, True) if closed is not None and until <= closed else (until, False)
        if until == closed:
            return closed, True
        if until is not None and (closed is None or until > closed):
            return Refusal(InvalidArgument)
        return until, False

    def set_period(self, until: datetime | None, app_id: str) -> None:
        self.closed.pop(app_id, None)
        if until is not None:
            self.closed[app_id] = until

    # Transfers

    def plan_transfers(
        self,
        requests: list[Request],
        *,
        app_id: str | None,
        group_id: str | None = None,
        allow_future_event_at: bool = False,
    ) -> Refusal | Plan:
        """Returns what a call of well-formed arrays does; each check looks at every request."""
        if fault := scope_fault(app_id):
            return Refusal(fault)
        if group_id is not None and (fault := scope_fault(group_id, 1, 255)):
            return Refusal(fault)
        for index, request in enumerate(requests, 1):
            if fault := request_fault(request, allow_future_event_at=allow_future_event_at):
                return Refusal(fault, index)
        for index, request in enumerate(requests, 1):
            if fault := self.accounts_fault(request, app_id):
                return Refusal(fault, index)
        plan: list[Record | int | None] = []
        first_places: dict[str, int] = {}
        for place, request in enumerate(requests):
            record = self.records.get(request.id or "")
            if record is not None and not self._repeats(request, app_id, record):
                return Refusal(IdempotencyConflict, place + 1)
            first = first_places.setdefault(request.id, place) if request.id else place
            if not self._same(request, requests[first]):
                return Refusal(IdempotencyConflict, place + 1)
            plan.append(record if record is not None else first if first < place else None)
        for check in (self._status_fault, self._scale_fault, self._period_fault):
            for index, (request, answer) in enumerate(zip(requests, plan, strict=True), 1):
                if answer is None and (fault := check(request)):
                    return Refusal(fault, index)
        return self._balances(requests, plan)

    def _status_fault(self, request: Request) -> type[PgledgerError] | None:
        for account_id, frozen in (
            (request.from_account_id, {"frozen_out", "frozen_both"}),
            (request.to_account_id, {"frozen_in", "frozen_both"}),
        ):
            status = self.accounts[account_id or ""].status
            if status == "closed":
                return AccountClosed
            if status in frozen:
                return AccountFrozen
        return None

    def place_fault(self, request: Request) -> type[PgledgerError] | None:
        """What the accounts of a request say to it, whatever their balances are."""
        return (
            self._status_fault(request) or self._scale_fault(request) or self._period_fault(request)
        )

    def _period_fault(self, request: Request) -> type[PgledgerError] | None:
        until = self.closed.get(self.accounts[request.from_account_id or ""].app_id)
        at = request.event_at.at if request.event_at else None
        return PeriodClosed if until is not None and at is not None and at < until else None

    def _scale_fault(self, request: Request) -> type[PgledgerError] | None:
        for account_id in (request.from_account_id, request.to_account_id):
            scale = self.accounts[account_id or ""].amount_scale
            if scale is not None and places_of(Decimal(request.amount or 0)) > scale:
                return InvalidAmount
        return None

    def accounts_fault(self, request: Request, app_id: str | None) -> type[PgledgerError] | None:
        accounts = []
        for account_id in (request.from_account_id, request.to_account_id):
            account = self.accounts.get(account_id or "")
            if account is None or account.app_id != app_id:
                return AccountNotFound
            accounts.append(account)
        return CurrencyMismatch if accounts[0].currency != accounts[1].currency else None

    @staticmethod
    def _repeats(request: Request, app_id: str | None, record: Record) -> bool:
        transfer = record.transfer
        return transfer.origin_id is None and (
            app_id,
            request.from_account_id,
            request.to_account_id,
            Decimal(request.amount or 0),
            request.event_at.at if request.event_at else None,
            decoded(request.metadata),
        ) == (
            transfer.app_id,
            transfer.from_account_id,
            transfer.to_account_id,
            transfer.amount,
            record.event_at,
            transfer.metadata,
        )

    @staticmethod
    def _same(request: Request, other: Request) -> bool:
        return request is other or (
            request.from_account_id == other.from_account_id
            and request.to_account_id == other.to_account_id
            and Decimal(request.amount or 0) == Decimal(other.amount or 0)
            and (request.event_at.at if request.event_at else None)
            == (other.event_at.at if other.event_at else None)
            and decoded(request.metadata) == decoded(other.metadata)
        )

    def _balances(
        self, requests: list[Request], answers: list[Record | int | None]
    ) -> Refusal | Plan:
        plan: Plan = []
        states: States = {}
        for index, (request, answer) in enumerate(zip(requests, answers, strict=True), 1):
            if answer is not None:
                plan.append(answer)
                continue
            step = self.step(request, states)
            if not isinstance(step, Posting):
                return Refusal(step, index)
            plan.append(step)
        return plan

    def step(self, request: Request, states: States) -> type[PgledgerError] | Posting:
        """Returns what the balances and versions that came before make of a new request.

        Its accounts go on from there, if they let it through.
        """
        amount = Decimal(request.amount or 0)
        source = self.accounts[request.from_account_id or ""]
        target = self.accounts[request.to_account_id or ""]
        from_balance, from_version = states.get(source.id, (source.balance, source.version))
        to_balance, to_version = states.get(target.id, (target.balance, target.version))
        from_balance, to_balance = minus(from_balance, amount), plus(to_balance, amount)
        if request.require_from_version not in {None, from_version}:
            return VersionMismatch
        if request.require_to_version not in {None, to_version}:
            return VersionMismatch
        for span, balance in (
            (request.require_from_balance, from_balance),
            (request.require_to_balance, to_balance),
        ):
            if span is not None and not span.has(balance):
                return BalanceConditionFailed
        if source.min_balance is not None and (
            minus(from_balance, source.held_out) < source.min_balance
        ):
            return InsufficientFunds
        if from_balance <= -BOUND:
            return BalanceOutOfRange
        if target.max_balance is not None and (
            plus(to_balance, target.held_in) > target.max_balance
        ):
            return PositiveBalanceNotAllowed
        if to_balance >= BOUND:
            return BalanceOutOfRange
        states[source.id] = (from_balance, from_version + 1)
        states[target.id] = (to_balance, to_version + 1)
        return Posting(request, from_balance, to_balance)

    def plan_outcomes(
        self,
        requests: list[Request],
        *,
        app_id: str | None,
        group_id: str | None = None,
        allow_future_event_at: bool = False,
    ) -> Refusal | Outcomes:
        """Returns what becomes of each request, as if each were a call of its own."""
        if fault := scope_fault(app_id):
            return Refusal(fault)
        if group_id is not None and (fault := scope_fault(group_id, 1, 255)):
            return Refusal(fault)
        outcomes: Outcomes = []
        states: States = {}
        firsts: dict[str, int] = {}
        for place, request in enumerate(requests):
            fault = request_fault(request, allow_future_event_at=allow_future_event_at)
            fault = fault or self.accounts_fault(request, app_id)
            record = self.records.get(request.id or "")
            first = firsts.get(request.id or "")
            if fault is not None:
                outcomes.append(fault)
            elif record is not None:
                same = self._repeats(request, app_id, record)
                outcomes.append(record if same else IdempotencyConflict)
            elif first is not None:
                same = self._same(request, requests[first])
                outcomes.append(first if same else IdempotencyConflict)
            else:
                outcome = self.place_fault(request) or self.step(request, states)
                outcomes.append(outcome)
                if isinstance(outcome, Posting) and request.id is not None:
                    firsts[request.id] = place
        return outcomes

    def post(
        self, plan: Plan, answers: list[Transfer], *, app_id: str, group_id: str | None
    ) -> None:
        """Takes in what a call made, and checks its answers one by one."""
        assert len(answers) == len(plan)
        for item, answer in zip(plan, answers, strict=True):
            assert answer.replayed is isinstance(item, (Record, int))
            if isinstance(item, Record):
                assert answer == item.transfer
            elif isinstance(item, int):
                assert answer == answers[item]
            else:
                self._post_one(item, answer, app_id, group_id)

    def _post_one(
        self, posting: Posting, answer: Transfer, app_id: str, group_id: str | None
    ) -> None:
        request = posting.request
        amount = Decimal(request.amount or 0)
        source = self.accounts[request.from_account_id or ""]
        target = self.accounts[request.to_account_id or ""]
        event_at = request.event_at.at if request.event_at else None
        assert answer == Transfer(
            id=request.id or answer.id,
            from_account_id=source.id,
            to_account_id=target.id,
            amount=amount,
            created_at=answer.created_at,
            event_at=event_at or answer.created_at,
            metadata=decoded(request.metadata),
            currency=source.currency,
            from_account_name=source.name,
            to_account_name=target.name,
            from_account_balance=posting.from_balance,
            to_account_balance=posting.to_balance,
            from_account_version=source.version + 1,
            to_account_version=target.version + 1,
            group_id=group_id,
            app_id=app_id,
            from_tenant_id=source.tenant_id,
            to_tenant_id=target.tenant_id,
            origin_id=None,
            replayed=False,
        )
        assert answer.id not in self.records
        assert answer.created_at > max(source.updated_at, target.updated_at)
        if request.id is None:
            self._check_generated(answer)
        record = Record(answer, event_at)
        self.records[answer.id] = record
        for account, change, balance in (
            (source, negated(amount), posting.from_balance),
            (target, amount, posting.to_balance),
        ):
            self.legs[account.id].append(Leg(record, change, account.balance, balance))
            self.change_account(
                account, balance=balance, version=account.version + 1, updated_at=answer.created_at
            )

    def _check_generated(self, answer: Transfer) -> None:
        assert ids.is_valid(answer.id, "pglt")
        milliseconds = answer.created_at.microsecond // 1000
        assert ids.timestamp(answer.id) == answer.created_at.replace(
            microsecond=milliseconds * 1000
        )
        for account_id in (answer.from_account_id, answer.to_account_id):
            assert answer.id > self.newest_generated.get(account_id, "")
            self.newest_generated[account_id] = answer.id

    # Reads

    def find_account(self, account_id: str | None, app_id: str | None) -> Refusal | Account:
        if fault := scope_fault(app_id) or id_fault(account_id, "pgla"):
            return Refusal(fault)
        account = self.accounts.get(account_id or "")
        return account if account and account.app_id == app_id else Refusal(AccountNotFound)

    def find_transfer(self, transfer_id: str | None, app_id: str | None) -> Refusal | Transfer:
        if fault := scope_fault(app_id) or id_fault(transfer_id, "pglt"):
            return Refusal(fault)
        record = self.records.get(transfer_id or "")
        if record is None or record.transfer.app_id != app_id:
            return Refusal(TransferNotFound)
        return record.transfer

    def entries(
        self,
        account_id: str | None,
        *,
        page_size: int | None,
        newest_first: bool | None,
        after_version: int | None,
        app_id: str | None,
    ) -> Refusal | list[Entry]:
        """Returns a page of entries, whose ids are left empty."""
        account = self.find_account(account_id, app_id)
        if isinstance(account, Refusal):
            return account
        if page_size is None:
            return Refusal(NullArgument)
        if not 1 <= page_size <= 10000:
            return Refusal(InvalidPage)
        if newest_first is None:
            return Refusal(NullArgument)
        if after_version is not None and after_version < 0:
            return Refusal(InvalidPage)
        versions = list(range(1, account.version + 1))
        if newest_first:
            versions.reverse()
        if after_version is not None:
            versions = [
                version
                for version in versions
                if (version < after_version if newest_first else version > after_version)
            ]
        return [self.entry(account, version) for version in versions[:page_size]]

    def entry(self, account: Account, version: int) -> Entry:
        leg = self.legs[account.id][version - 1]
        transfer = leg.record.transfer
        return Entry(
            id="",
            account_id=account.id,
            transfer_id=transfer.id,
            amount=leg.amount,
            account_previous_balance=leg.previous_balance,
            account_current_balance=leg.balance,
            account_version=version,
            created_at=transfer.created_at,
            event_at=transfer.event_at,
            metadata=transfer.metadata,
            account_name=account.name,
            currency=account.currency,
            app_id=account.app_id,
            tenant_id=account.tenant_id,
        )

    def balance_at(
        self, account_id: str | None, at: datetime | None, app_id: str | None, axis: str
    ) -> Refusal | Decimal:
        account = self.find_account(account_id, app_id)
        if isinstance(account, Refusal):
            return account
        if at is None:
            return Refusal(NullArgument)
        balance = Decimal(0)
        for leg in self.legs[account.id]:
            transfer = leg.record.transfer
            if axis == "event":
                if transfer.event_at <= at:
                    balance = plus(balance, leg.amount)
            elif transfer.created_at <= at:
                balance = leg.balance
        return balance

    # Changes of accounts

    def plan_change(self, change: Change) -> Refusal | Changed:
        """Returns what a change does: an error, or what the account is then."""
        fault = scope_fault(change.app_id) or id_fault(change.account_id, "pgla")
        if fault := fault or change.fault or reason_fault(change.reason):
            return Refusal(fault)
        account = self.find_account(change.account_id, change.app_id)
        if isinstance(account, Refusal):
            return account
        match change.what:
            case "freeze" | "unfreeze" if account.status == "closed":
                return Refusal(AccountClosed)
            case "freeze":
                return self._with_frozen(account, self._frozen(account) | change.values["sides"])
            case "unfreeze":
                return self._with_frozen(account, self._frozen(account) - change.values["sides"])
            case "set_limits" if not change.allow_existing and self._tightens(account, change):
                return Refusal(LimitAlreadyBroken)
            case "close":
                return self._plan_closing(account, change)
            case "reopen":
                closings = [row for row in self.history[account.id] if row[0] == "close"]
                status = closings[-1][2][-1] if account.status == "closed" else account.status
                return Changed(replace(account, status=status))
            case _:
                return Changed(with_limits_shown(replace(account, **change.values)))

    @staticmethod
    def _frozen(account: Account) -> frozenset[str]:
        return FROZEN[account.status]

    @staticmethod
    def _with_frozen(account: Account, sides: frozenset[str]) -> Changed:
        (status,) = [status for status, frozen in FROZEN.items() if frozen == sides]
        return Changed(replace(account, status=status))

    @staticmethod
    def _tightens(account: Account, change: Change) -> bool:
        lower, upper = change.values["min_balance"], change.values["max_balance"]
        is_below = lower is not None and minus(account.balance, account.held_out) < lower
        is_above = upper is not None and plus(account.balance, account.held_in) > upper
        return (is_below and (account.min_balance is None or lower > account.min_balance)) or (
            is_above and (account.max_balance is None or upper < account.max_balance)
        )

    def _plan_closing(self, account: Account, change: Change) -> Refusal | Changed:
        closed = replace(account, status="closed")
        target: Account | None = None
        if change.sweep_to is not None:
            found = self.find_account(change.sweep_to, change.app_id)
            if isinstance(found, Refusal):
                return found
            target = found
            if target.currency != account.currency:
                return Refusal(CurrencyMismatch)
        if account.status == "closed":
            return Changed(account)
        if account.held_out or account.held_in or (account.balance and target is None):
            return Refusal(AccountNotEmpty)
        if not account.balance:
            return Changed(closed)
        assert target is not None
        pair = (account.id, target.id) if account.balance > 0 else (target.id, account.id)
        request = Request(*pair, f"{EXACT.abs(account.balance):f}")
        plan = self.plan_transfers([request], app_id=account.app_id)
        if isinstance(plan, Refusal):
            return Refusal(plan.error)
        return Changed(closed, (request, plan))

    def take_change(self, change: Change, account: Account, answer: Account) -> None:
        """Takes in a change of an account, as it was before, and checks the answer."""
        after = replace(account, available_balance=available(account))
        before = self.accounts[account.id]
        assert answer == after
        assert answer.replayed is (state_of(before) == state_of(after))
        if answer.replayed:
            return
        self.accounts[account.id] = after
        self.history[account.id].append(
            (change.what, after.version, state_of(before), state_of(after), change.reason)
        )
        # Transfers show the names of today.
        for record in [*self.records.values()]:
            transfer = record.transfer
            if transfer.from_account_id == account.id:
                transfer = replace(transfer, from_account_name=account.name)
            if transfer.to_account_id == account.id:
                transfer = replace(transfer, to_account_name=account.name)
            self.records[transfer.id] = replace(record, transfer=transfer)
