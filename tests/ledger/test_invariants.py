"""What always holds, whatever callers do: random histories against a plain Python model.

The machine calls the database in ways that succeed and in ways that fail; the model knows which,
and what comes back. It knows accounts with limits, currencies with decimal places, single transfers
and batches, by id and by name, with conditions and without; batches whose requests succeed or fail
each by itself, and their previews; holds, alone and many at once, that are posted in parts, voided,
extended and expire by the clock; reversals; sweeps; accounts that are changed, frozen, closed and
found by name; idempotency keys, of single calls and in batches of every kind, repeated with the
same and with other requests, and purged;
transactions and savepoints. What it did has to be of every kind. After each run the whole ledger is
compared with the model, and the ledger proves itself with pgledger_verify(). A second property
holds the two ways of writing transfers, one at a time and many at once, against each other.
"""

import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import md5
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import Phase, example, given, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from psycopg.pq import TransactionStatus

from pgledger import Account, Entry, PgledgerError, Transfer, ids
from pgledger.errors import (
    BalanceConditionFailed,
    BatchTooLarge,
    IdempotencyConflict,
    InvalidArgument,
    InvalidBatch,
    NullArgument,
    SameAccount,
    VersionMismatch,
)
from support.clock import SetClock
from support.conditioned import Ask, ConditionRules, asks, right_asks, wrong_asks
from support.database import Connect
from support.exact import sum_of
from support.held import CLOCK, assert_holds_match
from support.keyed_batches import KeyedBatchRules
from support.keyed_rules import KeyedModel, assert_keys_match
from support.keys import Use, account_asked, kinds
from support.model import (
    ISO_SCALES,
    Change,
    Changed,
    Model,
    Opening,
    Plan,
    Record,
    Refusal,
    Request,
    Time,
    decimal_of,
    id_fault,
    metadata_fault,
    name_fault,
    new_limits_fault,
    reason_fault,
)
from support.properties import scaled, seed_of
from support.reversed import ReversedModel, assert_reversals_match
from support.wide import WideRules

# As many as scripts/histories.py asks for.
STEPS = int(os.environ.get("PGLEDGER_STEPS", scaled(20_000)))
# Parts that test processes can share among them.
PARTS = 4
STEPS_PER_PART = -(-STEPS // PARTS)
# Fewer than these in a part may miss something.
STEPS_THAT_DO_ALL = 25_000
# Each run begins with new accounts and ends with a look at all books, which cost dozens of steps.
STEPS_PER_RUN = 100
EXAMPLES_OF_BOTH_PATHS = scaled(150)

APPS = ("", "shop")
CURRENCIES = ("USD", "EUR", "JPY")
Limits = tuple[bool | None, bool | None, str | None, str | None]
# Both flags, and both limits.
LIMITS: dict[str, Limits] = {
    "any": (True, True, None, None),
    "debit": (False, True, None, None),
    "credit": (True, False, None, None),
    "none": (False, False, None, None),
    "overdraft": (True, True, "-12.5", None),
    "ceiling": (True, True, None, "20"),
    "range": (True, True, "-10.50", "10.000"),
    "purse": (False, True, "0", "60"),
}
WRONG_LIMITS: tuple[Limits, ...] = (
    (None, True, None, None),
    (False, None, "1", None),
    (False, True, "-1", None),
    (True, False, None, "0.5"),
    (True, True, "0.5", "1"),
    (True, True, None, "-1"),
    (True, True, "-1e30", None),
    (True, True, None, "1e30"),
    (True, True, "NaN", None),
    (True, True, None, "Infinity"),
    (True, True, "-0.0000000000000000001", None),
)
bounds = st.sampled_from((None, None, "0", "5", "12.34", "100.0", "1e20", "0.000000000000000001"))
limits_of_both = st.tuples(st.just(True), st.just(True), bounds, bounds).map(
    lambda limits: (*limits[:2], limits[2] and f"-{limits[2]}", limits[3])
)
# Accounts that every run begins with; most transfers should be possible.
OPENINGS = [
    Opening(
        f"{app_id} {currency} {limits}",
        currency,
        *LIMITS[limits][:2],
        app_id=app_id,
        tenant_id=t,
        min_balance=LIMITS[limits][2],
        max_balance=LIMITS[limits][3],
    )
    for app_id, currency, limits, t in [
        ("", "USD", "any", ""),
        ("", "USD", "debit", "t1"),
        ("", "USD", "credit", ""),
        ("", "USD", "none", "t2"),
        ("", "USD", "range", "t1"),
        ("", "USD", "any", "t1"),
        ("", "USD", "overdraft", ""),
        ("", "EUR", "any", ""),
        ("", "EUR", "debit", ""),
        ("", "EUR", "credit", "t2"),
        ("", "JPY", "any", ""),
        ("", "JPY", "purse", ""),
        ("shop", "USD", "any", ""),
        ("shop", "USD", "debit", ""),
        ("shop", "USD", "ceiling", ""),
        ("shop", "EUR", "any", "t1"),
        ("shop", "EUR", "credit", ""),
    ]
]

FIRST_MOMENT = datetime.min.replace(tzinfo=UTC)
NOW = datetime.now(UTC)
TOMORROW = Time.of(NOW + timedelta(hours=23))
NEXT_WEEK = Time.of(NOW + timedelta(days=7))
UNKNOWN_ACCOUNT = "pgla_01JTVST7XAES5BXHWZN4KR4VEZ"
UNKNOWN_TRANSFER = "pglt_01JTVST7XAES5BXHWZN4KR4VEZ"

AMOUNTS = (
    *("1", "2", "0.5", "1.50", "3.00", "10", "12.34", "0.01", "7", "100"),
    *("0.000000000000000001", "2.5000000000000000000000", "1234567890.123456789"),
)
# Rare, because the balances that they leave are out of reach for all that follows.
HUGE_AMOUNTS = ("9e29", "999999999999999999999999999999.999999999999999999")

DETAILS: tuple[dict[str, Any], ...] = (
    *({} for _ in range(6)),
    {"event_at": Time.of(datetime(2025, 6, 30, 23, 55, tzinfo=UTC))},
    {"event_at": TOMORROW},
    {"event_at": Time.of(FIRST_MOMENT)},
    {"metadata": '{"ref": "A-1"}'},
    {"metadata": "{}"},
    {"metadata": '{"a": {"b": [1, 2, "\\u20ac"]}}', "event_at": Time.of(NOW)},
)

FAULTS: tuple[dict[str, Any], ...] = (
    *({"from_account_id": value} for value in (None, "", UNKNOWN_ACCOUNT, "pgla_1", "other app")),
    *({"to_account_id": value} for value in (None, UNKNOWN_ACCOUNT, UNKNOWN_TRANSFER, "x' or 1")),
    *({"to_account_id": value} for value in ("other app", "other currency", "the same")),
    {"from_account_id": UNKNOWN_ACCOUNT, "amount": "-1"},
    {"from_account_id": "pgla_01JTVST7XAES5BXHWZN4KR4VEI", "to_account_id": None},
    *({"amount": value} for value in (None, "0", "-1", "NaN", "Infinity", "-Infinity")),
    *({"amount": value} for value in ("1e30", "0.0000000000000000001", "-0.00", "1e100")),
    *({"amount": value} for value in HUGE_AMOUNTS),
    *(
        {"event_at": Time(text, None)}
        for text in ("infinity", "-infinity", "10000-01-01 00:00:00+00", "0001-12-31 00:00+00 BC")
    ),
    {"event_at": NEXT_WEEK},
    {"event_at": NEXT_WEEK, "metadata": "[]"},
    *({"metadata": value} for value in ("[]", "7", "null", '"text"')),
    {"metadata": "too large"},
    *({"id": value} for value in ("", "pglt_", UNKNOWN_ACCOUNT, UNKNOWN_TRANSFER.lower())),
    {"id": UNKNOWN_TRANSFER[:-1] + "U", "amount": "0"},
)

# Refusals that are counted by their names.
TOLD_APART = (VersionMismatch, BalanceConditionFailed, IdempotencyConflict)

CONDITIONS_END = ("made", "VersionMismatch", "BalanceConditionFailed", "refused")
BOTH = ("made", "refused")
KEYS_END = (*BOTH, "IdempotencyConflict", "repeated")
# What has to happen in every long part, and how it has to end.
ENDS: dict[str, tuple[str, ...]] = {
    "a transfer that requires something": CONDITIONS_END,
    "a batch that requires something": CONDITIONS_END,
    "a request by itself": (*CONDITIONS_END, "IdempotencyConflict"),
    "a previewed request": (*CONDITIONS_END, "IdempotencyConflict"),
    "pgledger_create_transfers_outcomes": BOTH,
    "pgledger_preview_transfers": BOTH,
    "a transfer under its key": ("repeated",),
    "a transfer under a purged key": ("made",),
    "pgledger_purge_idempotency_keys": BOTH,
    "a hold by itself": KEYS_END,
    "a transfer under its key by itself": KEYS_END,
    "pgledger_create_holds_bulk with a key": (*BOTH, "IdempotencyConflict"),
    "pgledger_post_holds_bulk with a key": (*BOTH, "IdempotencyConflict"),
    "pgledger_close_period": BOTH,
    "pgledger_reopen_period": BOTH,
    "pgledger_create_transfers_bulk with a key": (*BOTH, "IdempotencyConflict"),
    "pgledger_sweep with a key": ("made", "repeated", "IdempotencyConflict"),
    "pgledger_ensure_account with a key": ("made", "repeated", "IdempotencyConflict"),
    "pgledger_create_transfer_by_name with a key": (*BOTH, "repeated"),
    "pgledger_reverse_transfer_over_limits with a key": ("made", "refused", "repeated"),
    **{
        f"pgledger_{name} with a key": KEYS_END
        for name in (
            *("create_transfer", "create_hold", "post_hold", "void_hold", "extend_hold"),
            *("reverse_transfer", "create_account"),
        )
    },
    **dict.fromkeys(
        (
            *("pgledger_create_transfer", "pgledger_create_transfers_bulk", "pgledger_create_hold"),
            *("pgledger_create_holds_bulk", "pgledger_post_hold", "pgledger_post_holds_bulk"),
            *("pgledger_reverse_transfer", "pgledger_close_account", "pgledger_set_limits"),
            *("pgledger_freeze_account", "pgledger_set_currency", "pgledger_void_hold"),
        ),
        BOTH,
    ),
}

CHANGES: tuple[str, ...] = ("amount", "event_at", "metadata", "accounts", "target")

small = st.integers(0, 15)
drafts = st.tuples(
    small,
    small,
    st.sampled_from(AMOUNTS),
    st.sampled_from(DETAILS),
    # Whose id: nobody's, a new one, an earlier transfer's or request's, or that with other values.
    st.sampled_from((*[""] * 8, *["new"] * 4, "again", "again", "twice", "twice", "changed")),
)
Draft = tuple[int, int, str, dict[str, Any], str]

# Most of them new, so that what else they ask for is looked at.
fresh_drafts = st.tuples(
    small,
    small,
    st.sampled_from(AMOUNTS),
    st.sampled_from(DETAILS),
    st.sampled_from((*[""] * 8, "new", "again", "twice")),
)

# At, right after and long before a time that transfers give; null only reopens.
untils = st.sampled_from(
    (
        datetime(2025, 6, 30, 23, 55, tzinfo=UTC),
        datetime(2025, 6, 30, 23, 55, 0, 1, tzinfo=UTC),
        datetime(1, 1, 2, tzinfo=UTC),
        None,
    )
)
apps = st.sampled_from((*APPS, *APPS, *APPS, *APPS, None, "no-such-app", "a b", "x" * 129))
GROUPS = (None, None, "order-7", "g" * 255)
groups = st.sampled_from((*GROUPS * 3, "", "a\tb", "g" * 256))
# Which requests of a batch get which fault: often none, sometimes two.
faulty = st.lists(st.tuples(small, st.sampled_from(FAULTS)), min_size=1, max_size=2)
flaws = st.one_of(st.just([]), st.just([]), st.just([]), faulty)
Flaws = list[tuple[int, dict[str, Any]]]
batches = st.lists(drafts, max_size=8)
# An account, most often one that there is, and an app, most often its own.
changed_places = st.tuples(
    small, st.sampled_from((*["right"] * 18, None, UNKNOWN_ACCOUNT, UNKNOWN_TRANSFER))
)
changed_apps = st.sampled_from((*["own"] * 18, *APPS, None, "a b"))
reasons = st.sampled_from((*(None, "because", "r" * 1000) * 6, "", "\u200b", "r" * 1001))

SINGLE = (
    "select * from pgledger_create_transfer("
    "%s, %s, %s::numeric, %s::timestamptz, %s::jsonb, %s, %s, %s)"
)
BULK = (
    "select * from pgledger_create_transfers_bulk("
    "%s::text[], %s::text[], %s::numeric[], %s::timestamptz[], %s::jsonb[], %s::text[],"
    " %s, %s, %s)"
)
ARRAY = (
    "select * from pgledger_create_transfers_from_rows(array[{}]::pgledger_transfer_request[],"
    " event_at => %s::timestamptz, metadata => %s::jsonb, app_id => %s, group_id => %s,"
    " allow_future_event_at => %s)"
)
OPEN = (
    "select * from pgledger_create_account("
    "%s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s::numeric, %s::numeric, idempotency_key => %s)"
)
HISTORY = """
  select
    account_id, number, change, account_version, from_name, from_metadata, from_min_balance,
    from_max_balance, from_status, to_name, to_metadata, to_min_balance, to_max_balance,
    to_status, reason, changed_by, changed_as
  from pgledger_account_changes_v1
  order by account_id, number
"""
CLOSE_PERIOD = "select closed_until, replayed, app_id from pgledger_close_period(%s, %s, %s)"
REOPEN_PERIOD = "select closed_until, replayed, app_id from pgledger_reopen_period(%s, %s, %s)"
SCALE = "select * from pgledger_set_currency(%s, %s, %s)"
# Rows that are never deleted go away only where their guards are taken down first.
EMPTY = """
  alter table pgledger.transfers disable trigger all;
  alter table pgledger.accounts disable trigger all;
  alter table pgledger.account_changes disable trigger all;
  alter table pgledger.period_changes disable trigger all;
  alter table pgledger.holds disable trigger all;
  alter table pgledger.reversals_over_limits disable trigger all;
  alter table pgledger.idempotency_keys disable trigger all;
  alter table pgledger.noted_changes disable trigger all;
  truncate pgledger.transfers, pgledger.accounts, pgledger.account_changes, pgledger.holds,
    pgledger.idempotency_keys, pgledger.reversals_over_limits, pgledger.currencies,
    pgledger.account_names, pgledger.closed_periods, pgledger.period_changes,
    pgledger.noted_changes
  restart identity;
  alter table pgledger.noted_changes
    enable always trigger noted_changes_rows_are_never_deleted,
    enable always trigger noted_changes_are_never_deleted,
    enable always trigger noted_changes_keep_what_changed;
  alter table pgledger.reversals_over_limits
    enable always trigger reversals_over_limits_rows_never_change,
    enable always trigger reversals_over_limits_never_change;
  alter table pgledger.idempotency_keys
    enable always trigger idempotency_keys_rows_never_change,
    enable always trigger idempotency_keys_never_change;
  alter table pgledger.holds
    enable always trigger holds_rows_are_never_deleted,
    enable always trigger holds_are_never_deleted,
    enable always trigger holds_keep_what_was_asked,
    enable always trigger holds_only_end;
  alter table pgledger.transfers
    enable always trigger transfers_rows_never_change,
    enable always trigger transfers_never_change;
  alter table pgledger.accounts
    enable always trigger accounts_rows_are_never_deleted,
    enable always trigger accounts_are_never_deleted;
  alter table pgledger.account_changes
    enable always trigger account_changes_rows_never_change,
    enable always trigger account_changes_never_change;
  alter table pgledger.period_changes
    enable always trigger period_changes_rows_never_change,
    enable always trigger period_changes_never_change
"""


def chosen_id(prefix: str, name: int | str) -> str:
    """Returns an id of a caller's choice, in no order and the same in each run."""
    return f"{prefix}_{ids.uuid_to_ulid(UUID(bytes=md5(str(name).encode()).digest()))[:26]}"


def function_of(query: str) -> str:
    """Returns the name of the function that a query calls."""
    found = re.search(r"pgledger_\w+", query)
    assert found is not None
    return found[0]


def refusal_of(error: PgledgerError) -> Refusal:
    named = re.match(r"request (\d+) of \d+: ", error.diag.message_primary or "")
    return Refusal(type(error), int(named[1]) if named else None)


def single_arguments(request: Request, app_id: str | None, allow_future: bool | None) -> list[Any]:
    return [
        request.from_account_id,
        request.to_account_id,
        request.amount,
        request.event_at.text if request.event_at else None,
        request.metadata,
        request.id,
        app_id,
        allow_future,
    ]


def account_arguments(opening: Opening, key: str | None = None) -> list[Any]:
    return [
        opening.name,
        opening.currency,
        opening.allow_negative_balance,
        opening.allow_positive_balance,
        opening.metadata,
        opening.id,
        opening.app_id,
        opening.tenant_id,
        opening.min_balance,
        opening.max_balance,
        key,
    ]


def bulk_arguments(
    requests: list[Request], app_id: str | None, group_id: str | None, allow_future: bool
) -> list[Any]:
    optional: list[list[Any] | None] = [
        [request.event_at.text if request.event_at else None for request in requests],
        [request.metadata for request in requests],
        [request.id for request in requests],
    ]
    return [
        [request.from_account_id for request in requests],
        [request.to_account_id for request in requests],
        [request.amount for request in requests],
        # An array of nulls and no array are the same thing; callers send either.
        *(
            array if any(value is not None for value in array or []) or len(requests) % 2 else None
            for array in optional
        ),
        app_id,
        group_id,
        allow_future,
    ]


def row_arguments(requests: list[Request]) -> list[Any]:
    return [
        value
        for request in requests
        for value in (request.from_account_id, request.to_account_id, request.amount)
    ]


class Bookkeeping(KeyedBatchRules, ConditionRules, WideRules, RuleBasedStateMachine):
    """Callers of a ledger on one connection, and the model beside it."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        super().__init__()
        self.conn = conn
        self.model = KeyedModel()
        self.kept: list[KeyedModel] = []
        self.done = Counter[tuple[str, str]]()
        self.chosen = 0
        self.steps = -1
        self.is_sound = True
        conn.execute(EMPTY)
        self.set_ahead(timedelta(0))
        rows = [
            row
            for opening in OPENINGS
            for row in conn.execute(OPEN.encode(), account_arguments(opening)).fetchall()
        ]
        for opening, row in zip(OPENINGS, rows, strict=True):
            self.model.open_account(opening, account_of(row))
        for app_id in APPS:
            self.fund(app_id)

    def fund(self, app_id: str) -> None:
        """Gives accounts with a limit something to move."""
        requests = []
        banks: dict[str, str] = {}
        for account in self.books(app_id):
            bank = banks.setdefault(account.currency, account.id)
            match account.allow_negative_balance, account.allow_positive_balance:
                case False, True:
                    requests.append(Request(bank, account.id, "50"))
                case True, False:
                    requests.append(Request(account.id, bank, "50.00"))
        arguments = bulk_arguments(requests, app_id, None, False)
        self.transfer(requests, BULK, arguments, app_id=app_id)

    # Calling, and holding the answer against the model

    def call(
        self,
        expected: object,
        query: str,
        arguments: list[Any],
        *,
        what: str = "",
        key: str | None = None,
    ) -> list[Any] | None:
        """Returns the rows of a call; None once it has raised the very error that it should."""
        refused = isinstance(expected, Refusal)
        self.count(what or function_of(query), expected, key)
        within = refused and bool(self.kept)
        if within:
            self.conn.execute("savepoint attempt")
        self.is_sound = False
        try:
            rows: list[Any] = self.conn.execute(query.encode(), arguments).fetchall()
        except PgledgerError as error:
            refusal = refusal_of(error)
            if refusal != expected:
                raise AssertionError(f"{refusal} instead of {expected}") from error
        else:
            assert not refused, f"{rows} instead of {expected}"
            return rows
        if within:
            self.conn.execute("rollback to savepoint attempt; release savepoint attempt")
        self.is_sound = True
        return None

    def count(self, what: str, expected: object, key: str | None = None) -> None:
        """Counts what was done, and how it should end."""
        if isinstance(expected, Refusal):
            ends = expected.error.__name__ if expected.error in TOLD_APART else "refused"
        else:
            ends = "repeated" if isinstance(expected, Use) else "made"
        self.done[f"{what} with a key" if key else what, ends] += 1

    def transfer(
        self,
        requests: list[Request],
        query: str,
        arguments: list[Any],
        *,
        app_id: str | None,
        group_id: str | None = None,
        allow_future: bool = False,
        single: bool = False,
        what: str = "",
        key: str | None = None,
    ) -> list[Transfer] | None:
        plan = self.model.plan_transfers(
            requests, app_id=app_id, group_id=group_id, allow_future_event_at=allow_future
        )
        if single and isinstance(plan, Refusal):
            plan = Refusal(plan.error)
        rows = self.call(plan, query, arguments, what=what, key=key)
        if rows is None:
            return None
        assert not isinstance(plan, Refusal)
        assert app_id is not None
        answers = [transfer_of(row) for row in rows]
        self.model.post(plan, answers, app_id=app_id, group_id=group_id)
        self.is_sound = True
        return answers

    def read(
        self, expected: Any, query: str, arguments: list[Any], kind: Callable[..., Any]
    ) -> None:
        rows = self.call(expected, query, arguments)
        if rows is not None:
            makers: dict[Any, Callable[..., Any]] = {Account: account_of, Transfer: transfer_of}
            make = makers.get(kind) or (lambda row: kind(*row))
            assert [make(row) for row in rows] == expected
            self.is_sound = True

    # Choosing among what is there

    def books(self, app_id: str | None) -> list[Account]:
        return [a for a in self.model.accounts.values() if a.app_id == (app_id or "")] or list(
            self.model.accounts.values()
        )

    def request(self, draft: Draft, app_id: str | None, earlier: list[Request]) -> Request:
        source, target, amount, details, identity = draft
        own = self.books(app_id)
        from_account = own[source % len(own)]
        mates = [
            account
            for account in own
            if account.currency == from_account.currency and account is not from_account
        ] or own
        to_account = mates[target % len(mates)]
        request = Request(from_account.id, to_account.id, amount, **details)
        if not identity:
            return request
        if identity == "new":
            self.chosen += 1
            return replace(request, id=chosen_id("pglt", self.chosen))
        sources = [one for one in earlier if one.id]
        if identity == "again" or not sources:
            records = [r for r in self.model.records.values() if r.transfer.app_id == app_id]
            if not records:
                return request
            sources = [self.repeated(records[-1 - source % len(records)])]
        first = sources[target % len(sources)]
        if identity == "changed":
            return self.changed(first, CHANGES[source % len(CHANGES)], request)
        # The same by value, in other words.
        return replace(
            first,
            amount=first.amount + ("00" if "." in first.amount else ".0")
            if first.amount and "e" not in first.amount.lower()
            else first.amount,
            metadata=first.metadata and " " + first.metadata,
        )

    @staticmethod
    def repeated(record: Record) -> Request:
        transfer = record.transfer
        return Request(
            transfer.from_account_id,
            transfer.to_account_id,
            f"{transfer.amount:f}",
            Time.of(record.event_at) if record.event_at else None,
            None if transfer.metadata is None else json.dumps(transfer.metadata),
            transfer.id,
        )

    @staticmethod
    def changed(first: Request, what: str, other: Request) -> Request:
        match what:
            case "amount":
                return replace(first, amount=other.amount)
            case "event_at":
                return replace(first, event_at=None if first.event_at else Time.of(NOW))
            case "metadata":
                return replace(first, metadata=None if first.metadata else "{}")
            case "accounts":
                return replace(
                    first,
                    from_account_id=first.to_account_id,
                    to_account_id=first.from_account_id,
                )
            case _:
                return replace(
                    first,
                    from_account_id=other.from_account_id,
                    to_account_id=other.to_account_id,
                )

    def flawed(self, request: Request, fault: dict[str, Any], app_id: str | None) -> Request:
        account = self.model.accounts.get(request.from_account_id or "")
        values = dict(fault)
        if values.get("metadata") == "too large":
            values["metadata"] = json.dumps({"k": "x" * 65536})
        for name in ("from_account_id", "to_account_id"):
            match values.get(name):
                case "the same":
                    values[name] = request.from_account_id
                case "other app":
                    values[name] = next(
                        a.id for a in self.model.accounts.values() if a.app_id != app_id
                    )
                case "other currency":
                    values[name] = next(
                        (
                            a.id
                            for a in self.books(app_id)
                            if account is None or a.currency != account.currency
                        ),
                        UNKNOWN_ACCOUNT,
                    )
        return replace(request, **values)

    def requests(
        self, batch: list[Draft], app_id: str | None, faults: Flaws, *, with_details: bool = True
    ) -> list[Request]:
        made: list[Request] = []
        for source, target, amount, details, identity in batch:
            draft = (
                (source, target, amount, details, identity)
                if with_details
                else (source, target, amount, {}, "")
            )
            made.append(self.request(draft, app_id, made))
        for place, fault in faults:
            if made and (with_details or not fault.keys() & {"event_at", "metadata", "id"}):
                request = made[place % len(made)]
                made[place % len(made)] = self.flawed(request, fault, app_id)
        return made

    # One transfer

    @rule(draft=drafts, app_id=st.sampled_from(APPS))
    def create_transfer(self, draft: Draft, app_id: str) -> None:
        request = self.request(draft, app_id, [])
        arguments = single_arguments(request, app_id, False)
        self.transfer([request], SINGLE, arguments, app_id=app_id, single=True)

    @rule(
        draft=drafts,
        fault=st.sampled_from(FAULTS),
        app_id=apps,
        allow_future=st.sampled_from((False, True, None)),
    )
    def create_faulty_transfer(
        self, draft: Draft, fault: dict[str, Any], app_id: str | None, allow_future: bool | None
    ) -> None:
        request = self.flawed(self.request(draft, app_id, []), fault, app_id)
        self.transfer(
            [request],
            SINGLE,
            single_arguments(request, app_id, allow_future),
            app_id=app_id,
            allow_future=bool(allow_future),
            single=True,
        )

    @rule(
        place=small,
        change=st.sampled_from((*[""] * 5, *CHANGES)),
        draft=drafts,
        other_app=st.sampled_from((False, False, False, True)),
    )
    def repeat_transfer(self, place: int, change: str, draft: Draft, other_app: bool) -> None:
        records = list(self.model.records.values())
        if not records:
            return
        record = records[-1 - place % len(records)]
        app_id = record.transfer.app_id
        request = self.repeated(record)
        if other_app:
            # An id is taken for all apps.
            app_id = APPS[app_id == ""]
            request = replace(self.request(draft, app_id, []), id=request.id)
        elif change:
            request = self.changed(request, change, self.request(draft, app_id, []))
        arguments = single_arguments(request, app_id, False)
        self.transfer([request], SINGLE, arguments, app_id=app_id, single=True)

    @rule(draft=drafts, event_at=st.sampled_from((TOMORROW, NEXT_WEEK, Time.of(NOW))))
    def create_transfer_with_details(self, draft: Draft, event_at: Time) -> None:
        request = self.request(draft, "", [])
        request = replace(request, event_at=event_at, metadata='{"k": [1, {"l": null}]}')
        arguments = single_arguments(request, "", True)
        self.transfer([request], SINGLE, arguments, app_id="", allow_future=True, single=True)

    # Many transfers

    @rule(batch=batches, app_id=st.sampled_from(APPS), group_id=st.sampled_from(GROUPS))
    def create_transfers_in_bulk(
        self, batch: list[Draft], app_id: str, group_id: str | None
    ) -> None:
        requests = self.requests(batch, app_id, [])
        arguments = bulk_arguments(requests, app_id, group_id, False)
        self.transfer(requests, BULK, arguments, app_id=app_id, group_id=group_id)

    @rule(batch=batches, app_id=apps, group_id=groups, faults=faulty, allow_future=st.booleans())
    def create_faulty_transfers_in_bulk(
        self,
        batch: list[Draft],
        app_id: str | None,
        group_id: str | None,
        faults: Flaws,
        allow_future: bool,
    ) -> None:
        requests = self.requests(batch, app_id, faults)
        self.transfer(
            requests,
            BULK,
            bulk_arguments(requests, app_id, group_id, allow_future),
            app_id=app_id,
            group_id=group_id,
            allow_future=allow_future,
        )

    # Conditions, outcomes and previews

    @rule(
        asked=st.lists(st.tuples(fresh_drafts, asks), min_size=1, max_size=4),
        app_id=st.sampled_from(APPS),
    )
    def create_transfer_under_conditions(self, asked: list[tuple[Draft, Ask]], app_id: str) -> None:
        for draft, ask in asked:
            self.transfer_under_conditions(self.request(draft, app_id, []), ask, app_id)

    @rule(
        batch=st.lists(fresh_drafts, min_size=1, max_size=4),
        asked=st.lists(right_asks, min_size=4, max_size=4),
        spoilt=st.tuples(st.integers(0, 3), wrong_asks),
        app_id=st.sampled_from(APPS),
        group_id=st.sampled_from(GROUPS),
    )
    def create_transfers_under_conditions(
        self,
        batch: list[Draft],
        asked: list[Ask],
        spoilt: tuple[int, Ask],
        app_id: str,
        group_id: str | None,
    ) -> None:
        requests = self.requests(batch, app_id, [])
        self.transfers_under_conditions(requests, asked, app_id, group_id)
        asked = [*asked]
        asked[spoilt[0] % len(batch)] = spoilt[1]
        requests = self.requests(batch, app_id, [])
        self.transfers_under_conditions(requests, asked, app_id, group_id)

    @rule(
        batch=st.lists(st.tuples(fresh_drafts, asks), min_size=2, max_size=8),
        app_id=st.sampled_from(APPS),
        group_id=st.sampled_from(GROUPS),
        way=st.sampled_from(("make", "make", "both", "both", "preview")),
    )
    def create_most_of_a_batch(
        self, batch: list[tuple[Draft, Ask]], app_id: str, group_id: str | None, way: str
    ) -> None:
        requests = self.requests([draft for draft, _ in batch], app_id, [])
        asked = [ask for _, ask in batch]
        self.foresee_and_make(requests, asked, app_id, group_id, allow_future=False, way=way)

    @rule(
        batch=st.lists(drafts, max_size=8),
        asked=st.lists(asks, min_size=8, max_size=8),
        app_id=st.one_of(st.sampled_from(APPS), apps),
        group_id=groups,
        faults=flaws,
        allow_future=st.booleans(),
        way=st.sampled_from(("make", "make", "preview", "both")),
    )
    def create_what_can_be(
        self,
        batch: list[Draft],
        asked: list[Ask],
        app_id: str | None,
        group_id: str | None,
        faults: Flaws,
        allow_future: bool,
        way: str,
    ) -> None:
        requests = self.requests(batch, app_id, faults)
        self.foresee_and_make(requests, asked, app_id, group_id, allow_future=allow_future, way=way)

    @rule(batch=st.lists(drafts, min_size=1, max_size=6), faults=flaws)
    def create_transfers_of_rows(self, batch: list[Draft], faults: Flaws) -> None:
        requests = self.requests(batch, "", faults, with_details=False)
        rows = ", ".join(["(%s, %s, %s)"] * len(requests))
        query = f"select * from pgledger_create_transfers({rows})"
        self.transfer(requests, query, row_arguments(requests), app_id="")

    @rule(
        batch=st.lists(drafts, max_size=6),
        app_id=apps,
        group_id=groups,
        details=st.sampled_from((*DETAILS, *DETAILS, {"event_at": NEXT_WEEK}, {"metadata": "[]"})),
        faults=flaws,
        allow_future=st.booleans(),
    )
    def create_transfers_of_an_array(
        self,
        batch: list[Draft],
        app_id: str | None,
        group_id: str | None,
        details: dict[str, Any],
        faults: Flaws,
        allow_future: bool,
    ) -> None:
        requests = [
            replace(request, **details)
            for request in self.requests(batch, app_id, faults, with_details=False)
        ]
        event_at = details.get("event_at")
        query = ARRAY.format(", ".join(["row(%s, %s, %s)"] * len(requests)))
        self.transfer(
            requests,
            query,
            [
                *row_arguments(requests),
                event_at and event_at.text,
                details.get("metadata"),
                app_id,
                group_id,
                allow_future,
            ],
            app_id=app_id,
            group_id=group_id,
            allow_future=allow_future,
        )

    @rule(
        batch=st.lists(drafts, min_size=2, max_size=3),
        array=st.integers(0, 5),
        flaw=st.sampled_from(
            ("null", "short", "flat", "huge", "array: null", "array: table", "array: null element")
        ),
        app_id=apps,
        faults=flaws,
    )
    def create_transfers_of_misshapen_arrays(
        self, batch: list[Draft], array: int, flaw: str, app_id: str | None, faults: Flaws
    ) -> None:
        if flaw.startswith("array: "):
            self.create_transfers_of_a_misshapen_array(flaw.removeprefix("array: "), app_id)
            return
        requests = self.requests(batch, app_id, faults)
        arguments = bulk_arguments(requests, app_id, None, False)
        elements = arguments[array] or [None] * len(requests)
        query = BULK
        error: type[PgledgerError] = InvalidBatch
        if flaw == "null" and array < 3:
            arguments[array] = None
        elif flaw == "huge":
            error = BatchTooLarge
            query = BULK.replace("%s::", "array_fill(null::text, array[100001])::")
            arguments = arguments[6:]
        elif flaw == "flat":
            arguments[array] = [elements]
        else:
            arguments[array] = elements[:1]
        self.call(Refusal(error), query, arguments)

    def create_transfers_of_a_misshapen_array(self, flaw: str, app_id: str | None) -> None:
        row = f"row('{UNKNOWN_ACCOUNT}', 'x', 1)::pgledger_transfer_request"
        array = {
            "null": "null::pgledger_transfer_request[]",
            "table": f"array[array[{row}], array[{row}]]",
            "null element": "array[null]::pgledger_transfer_request[]",
        }[flaw]
        expected: object = Refusal(InvalidBatch)
        if flaw == "null element":
            expected = self.model.plan_transfers([Request(None, None, None)], app_id=app_id)
        self.call(
            expected,
            f"select * from pgledger_create_transfers_from_rows({array}, app_id => %s)",
            [app_id],
        )

    # Accounts

    @rule(
        name=st.sampled_from(
            (*("n", "name " * 51, "ä\u200b") * 5, None, "", "\u200b \t", "n" * 256)
        ),
        currency=st.sampled_from((*CURRENCIES * 6, "¤" * 32, None, "", "US D", "USD\n", "x" * 33)),
        limits=st.one_of(
            *[st.sampled_from(tuple(LIMITS.values())), limits_of_both] * 2,
            st.sampled_from(WRONG_LIMITS),
        ),
        metadata=st.sampled_from((None, None, "{}", '{"k": 1}', "[]")),
        own_id=st.sampled_from(
            (*("", "", "new", "again", "again", "changed", "other limit", "x"), UNKNOWN_TRANSFER)
        ),
        app_id=apps,
        tenant_id=st.sampled_from((*("", "t1", "t2") * 4, "t 1", None)),
        place=small,
        kind=kinds,
        again=st.booleans(),
    )
    def create_account(
        self,
        name: str | None,
        currency: str | None,
        limits: Limits,
        metadata: str | None,
        own_id: str,
        app_id: str | None,
        tenant_id: str | None,
        place: int,
        kind: str,
        again: bool,
    ) -> None:
        opening = Opening(
            name, currency, *limits[:2], metadata, own_id or None, app_id, tenant_id, *limits[2:]
        )
        if own_id == "new":
            self.chosen += 1
            opening = replace(opening, id=chosen_id("pgla", self.chosen))
        elif own_id in {"again", "changed", "other limit"}:
            accounts = list(self.model.created.values())
            account = accounts[-1 - place % len(accounts)]
            opening = Opening(
                account.name,
                account.currency,
                account.allow_negative_balance,
                account.allow_positive_balance,
                None if account.metadata is None else json.dumps(account.metadata),
                account.id,
                account.app_id,
                account.tenant_id,
                None if account.min_balance is None else str(account.min_balance),
                None if account.max_balance is None else str(account.max_balance),
            )
            if own_id == "changed":
                opening = replace(opening, tenant_id="someone-else")
            elif own_id == "other limit":
                opening = replace(opening, allow_negative_balance=True, min_balance="-77")
        self.open(opening, kind)
        if again:
            self.use_again(0, "last")

    def open(self, opening: Opening, kind: str) -> None:
        app_id = opening.app_id
        key = self.key_for(kind, app_id)
        asked = account_asked(opening)
        expected: Refusal | Use | Account | None = self.model.opening_fault(opening)
        expected = expected or self.used(key, app_id, "pgledger_create_account", asked)
        expected = expected or self.model.plan_account(opening)
        arguments = account_arguments(opening, key)
        rows = self.call(expected, OPEN, arguments, key=key)
        if rows is None:
            return
        if isinstance(expected, Use):
            self.take_replay(expected, rows)
            return
        (answer,) = [account_of(row) for row in rows]
        sent = (OPEN, arguments)
        self.remember(key, app_id, "pgledger_create_account", asked, sent, answer.id)
        if isinstance(expected, Account):
            assert answer == expected
        else:
            self.model.open_account(opening, answer)
        self.is_sound = True

    @rule(
        currency=st.sampled_from((*CURRENCIES * 4, "", "US D")),
        scale=st.sampled_from((None, None, 2, 2, 0, 18, 19, -1)),
        app_id=apps,
    )
    def set_decimal_places(self, currency: str, scale: int | None, app_id: str | None) -> None:
        expected = self.model.plan_scale(currency, scale, app_id)
        rows = self.call(expected, SCALE, [currency, scale, app_id])
        if rows is not None:
            assert rows == [(app_id, currency, scale)]
            self.model.set_scale(currency, scale, app_id or "")
            self.is_sound = True

    @rule(app_id=apps)
    def use_iso_currencies(self, app_id: str | None) -> None:
        expected = self.model.plan_iso_scales(app_id)
        rows = self.call(expected, "select pgledger_use_iso_currencies(%s)", [app_id])
        if rows is not None:
            assert rows == [(expected,)]
            for currency, scale in ISO_SCALES.items():
                self.model.set_scale(currency, scale, app_id or "")
            self.model.iso_apps.add(app_id or "")
            self.is_sound = True

    # Periods

    @rule(app_id=apps, until=untils, close=st.booleans())
    def close_or_reopen_period(
        self, app_id: str | None, until: datetime | None, close: bool
    ) -> None:
        expected = self.model.plan_period(until, app_id, close=close)
        rows = self.call(
            expected, CLOSE_PERIOD if close else REOPEN_PERIOD, [app_id, until, "as told"]
        )
        if rows is not None:
            assert rows == [(*expected, app_id)]
            self.model.set_period(expected[0], app_id or "")

    # Reading

    def account_id(self, place: int, wrong: str | None) -> str | None:
        accounts = list(self.model.accounts)
        return accounts[place % len(accounts)] if wrong == "right" else wrong

    @rule(
        place=st.integers(0, 31),
        wrong=st.sampled_from((*["right"] * 6, None, UNKNOWN_ACCOUNT, UNKNOWN_TRANSFER)),
        app_id=st.one_of(st.just("own"), st.just("own"), apps),
    )
    def get_account(self, place: int, wrong: str | None, app_id: str | None) -> None:
        account_id = self.account_id(place, wrong)
        if app_id == "own":
            app_id = self.model.accounts[account_id or ""].app_id if wrong == "right" else ""
        expected = self.model.find_account(account_id, app_id)
        self.read(
            expected if isinstance(expected, Refusal) else [expected],
            "select * from pgledger_get_account(%s, %s)",
            [account_id, app_id],
            Account,
        )

    @rule(
        place=st.integers(0, 255),
        wrong=st.sampled_from((*["right"] * 6, None, UNKNOWN_ACCOUNT, UNKNOWN_TRANSFER)),
        app_id=st.one_of(st.just("own"), st.just("own"), apps),
    )
    def get_transfer(self, place: int, wrong: str | None, app_id: str | None) -> None:
        transfers = list(self.model.records) or [UNKNOWN_TRANSFER]
        transfer_id = transfers[place % len(transfers)] if wrong == "right" else wrong
        if app_id == "own":
            record = self.model.records.get(transfer_id or "")
            app_id = record.transfer.app_id if record else ""
        expected = self.model.find_transfer(transfer_id, app_id)
        self.read(
            expected if isinstance(expected, Refusal) else [expected],
            "select * from pgledger_get_transfer(%s, %s)",
            [transfer_id, app_id],
            Transfer,
        )

    @rule(
        place=st.integers(0, 31),
        wrong=st.sampled_from((*["right"] * 9, None, UNKNOWN_ACCOUNT)),
        page_size=st.sampled_from((*(3, 1, 2, 5, 7, 10000) * 4, None, 0, -1, 10001)),
        newest_first=st.sampled_from((*(True, False) * 8, None)),
        after_version=st.sampled_from(
            (*(None, 0, 1, 2, 3, 5, 8, 13, 2**63 - 1) * 2, None, -1, -(2**63))
        ),
        other_app=st.sampled_from((*[False] * 9, True)),
    )
    def account_entries(
        self,
        place: int,
        wrong: str | None,
        page_size: int | None,
        newest_first: bool | None,
        after_version: int | None,
        other_app: bool,
    ) -> None:
        account_id = self.account_id(place, wrong)
        account = self.model.accounts.get(account_id or "")
        app_id = APPS[(account is not None and account.app_id == "shop") ^ other_app]
        expected = self.model.entries(
            account_id,
            page_size=page_size,
            newest_first=newest_first,
            after_version=after_version,
            app_id=app_id,
        )
        rows = self.call(
            expected,
            "select * from pgledger_account_entries(%s, %s, %s, %s, %s)",
            [account_id, page_size, newest_first, after_version, app_id],
        )
        if rows is not None:
            assert [replace(Entry(*row), id="") for row in rows] == expected
            entry_ids = [row[0] for row in rows]
            assert all(ids.is_valid(entry_id, "pgle") for entry_id in entry_ids)
            assert entry_ids == sorted(set(entry_ids), reverse=bool(newest_first))
            self.is_sound = True

    @rule(
        place=st.integers(0, 31),
        wrong=st.sampled_from((*["right"] * 9, None, UNKNOWN_ACCOUNT)),
        moment=st.one_of(
            st.integers(0, 255),
            st.integers(0, 255),
            st.sampled_from(("infinity", "-infinity", None)),
        ),
        offset=st.integers(-1, 1),
        axis=st.sampled_from(("recorded", "event")),
    )
    def balance_at(
        self, place: int, wrong: str | None, moment: int | str | None, offset: int, axis: str
    ) -> None:
        account_id = self.account_id(place, wrong)
        account = self.model.accounts.get(account_id or "")
        app_id = account.app_id if account else ""
        at: datetime | None
        if isinstance(moment, int):
            times = [NOW]
            for record in self.model.records.values():
                times += [record.transfer.created_at, record.transfer.event_at]
            at = times[moment % len(times)]
            # The first moment that a request may name is the first one that there is in Python.
            at += timedelta(microseconds=max(offset, 0) if at == FIRST_MOMENT else offset)
            text: str | None = at.isoformat()
        else:
            text = moment
            at = {
                "infinity": datetime.max.replace(tzinfo=UTC),
                "-infinity": FIRST_MOMENT,
                None: None,
            }[moment]
        expected = self.model.balance_at(account_id, at, app_id, axis)
        if moment == "-infinity" and not isinstance(expected, Refusal):
            expected = Decimal(0)
        self.read(
            expected if isinstance(expected, Refusal) else [expected],
            "select pgledger_balance_at(%s, %s::timestamptz, %s, %s)",
            [account_id, text, axis, app_id],
            Decimal,
        )

    @rule(
        place=st.integers(0, 31),
        view=st.sampled_from(("v1", "view")),
        group_id=st.sampled_from(GROUPS),
    )
    def read_views(self, place: int, view: str, group_id: str | None) -> None:
        account_id = self.account_id(place, "right") or ""
        account = self.model.accounts[account_id]
        query = (
            f"select * from pgledger_entries_{view} where account_id = %s order by account_version"
        )
        self.is_sound = False
        rows = self.conn.execute(query.encode(), [account_id]).fetchall()
        assert [replace(Entry(*row), id="") for row in rows] == [
            self.model.entry(account, version) for version in range(1, account.version + 1)
        ]
        self.read(
            [account],
            f"select * from pgledger_accounts_{view} where id = %s",
            [account_id],
            Account,
        )

        transfers = [
            record.transfer
            for record in self.model.records.values()
            if record.transfer.app_id == account.app_id and record.transfer.group_id == group_id
        ]
        self.read(
            sorted(transfers, key=lambda transfer: transfer.id),
            f"select * from pgledger_transfers_{view}"
            " where app_id = %s and group_id is not distinct from %s order by id",
            [account.app_id, group_id],
            Transfer,
        )

    # Changing accounts

    def change(self, change: Change, query: str, arguments: list[Any]) -> None:
        plan = self.model.plan_change(change)
        rows = self.call(plan, f"select * from {query}", arguments)
        if rows is None:
            return
        assert isinstance(plan, Changed)
        (answer,) = [account_of(row) for row in rows]
        after = plan.account
        if plan.sweep is not None:
            after = self.take_sweep(*plan.sweep, after)
        self.model.take_change(change, after, answer)
        self.is_sound = True

    def take_sweep(self, request: Request, plan: Plan, closed: Account) -> Account:
        """Takes in the transfer that has emptied an account; returns the account after it."""
        rows = self.conn.execute(
            b"select transfer.* from pgledger_account_entries(%(account)s, 1, app_id => %(app)s)"
            b" as entry cross join lateral pgledger_get_transfer(entry.transfer_id, %(app)s)"
            b" as transfer",
            {"account": closed.id, "app": closed.app_id},
        ).fetchall()
        made = [replace(transfer_of(row), replayed=False) for row in rows]
        self.model.post(plan, made, app_id=closed.app_id, group_id=None)
        assert [(one.from_account_id, one.to_account_id) for one in made] == [
            (request.from_account_id, request.to_account_id)
        ]
        return replace(self.model.accounts[closed.id], status="closed")

    def changed_account(
        self, which: tuple[int, str | None], app_id: str | None, *statuses: str
    ) -> tuple[str | None, str | None]:
        """Returns an account's id, of those in a status if there are any, and an app."""
        place, wrong = which
        accounts = list(self.model.accounts.values())
        accounts = [one for one in accounts if one.status in statuses] or accounts
        account = accounts[place % len(accounts)]
        account_id = account.id if wrong == "right" else wrong
        return account_id, account.app_id if app_id == "own" else app_id

    def sweep_target(self, account_id: str | None, which: tuple[int, str | None]) -> str | None:
        """Returns an account's id, most often of the same app and currency as the other."""
        place, wrong = which
        account = self.model.accounts.get(account_id or "")
        mates = [
            one.id
            for one in self.model.accounts.values()
            if account is None
            or place == 0
            or ((one.app_id, one.currency) == (account.app_id, account.currency) and one != account)
        ]
        return mates[place % len(mates)] if mates and wrong == "right" else wrong

    @rule(
        which=changed_places,
        app_id=changed_apps,
        name=st.sampled_from((*(None, "n", "another", "name " * 51) * 3, "", "n" * 256, "\u200b")),
        metadata=st.sampled_from((*(None, "{}", '{"k": 1}', '{"k": 1.0}') * 3, "[]")),
        reason=reasons,
    )
    def update_account(
        self,
        which: tuple[int, str | None],
        app_id: str | None,
        name: str | None,
        metadata: str | None,
        reason: str | None,
    ) -> None:
        account_id, app_id = self.changed_account(which, app_id)
        values: dict[str, Any] = {} if name is None else {"name": name}
        if metadata is not None:
            values["metadata"] = json.loads(metadata)
        fault = (None if name is None else name_fault(name)) or metadata_fault(metadata)
        self.change(
            Change("update", account_id, app_id, reason, fault, values),
            "pgledger_update_account(%s, %s, %s::jsonb, %s, %s)",
            [account_id, name, metadata, reason, app_id],
        )

    @rule(
        which=changed_places,
        app_id=changed_apps,
        lower=st.sampled_from((*(None, None, "-20", "-3.5", "0", "2") * 5, "-1e30", "NaN", "77")),
        upper=st.sampled_from((*(None, None, "40", "8.0", "3", "-1") * 5, "Infinity", "1e-19")),
        reason=reasons,
        allow_existing=st.sampled_from((*(False, True) * 8, None)),
    )
    def set_limits(
        self,
        which: tuple[int, str | None],
        app_id: str | None,
        lower: str | None,
        upper: str | None,
        reason: str | None,
        allow_existing: bool | None,
    ) -> None:
        account_id, app_id = self.changed_account(which, app_id)
        limits = decimal_of(lower), decimal_of(upper)
        fault = new_limits_fault(*limits) or reason_fault(reason)
        if fault is None and allow_existing is None:
            fault = NullArgument
        values = dict(zip(("min_balance", "max_balance"), limits, strict=True))
        self.change(
            Change(
                *("set_limits", account_id, app_id, reason, fault, values),
                allow_existing=bool(allow_existing),
            ),
            "pgledger_set_limits(%s, %s::numeric, %s::numeric, %s, %s, %s)",
            [account_id, lower, upper, reason, allow_existing, app_id],
        )

    @rule(
        what=st.sampled_from(("freeze", "unfreeze", "unfreeze")),
        which=changed_places,
        app_id=changed_apps,
        direction=st.sampled_from((*("out", "in", "both") * 6, None, "sideways")),
        reason=reasons,
    )
    def freeze_or_unfreeze_account(
        self,
        what: str,
        which: tuple[int, str | None],
        app_id: str | None,
        direction: str | None,
        reason: str | None,
    ) -> None:
        status = ("frozen_out", "frozen_in", "frozen_both") if what == "unfreeze" else ("open",)
        account_id, app_id = self.changed_account(which, app_id, *status)
        sides = {"out": {"out"}, "in": {"in"}, "both": {"out", "in"}}.get(direction or "")
        fault = None if sides else NullArgument if direction is None else InvalidArgument
        values = {"sides": frozenset(sides or ())}
        self.change(
            Change(what, account_id, app_id, reason, fault, values),
            f"pgledger_{what}_account(%s, %s, %s, %s)",
            [account_id, direction, reason, app_id],
        )

    @rule(
        which=changed_places,
        app_id=changed_apps,
        reason=reasons,
        sweep_to=st.one_of(st.none(), changed_places, changed_places),
    )
    def close_account(
        self,
        which: tuple[int, str | None],
        app_id: str | None,
        reason: str | None,
        sweep_to: tuple[int, str | None] | None,
    ) -> None:
        account_id, app_id = self.changed_account(which, app_id)
        target = None if sweep_to is None else self.sweep_target(account_id, sweep_to)
        if target == "right":
            target = account_id
        fault = None if target is None else id_fault(target, "pgla")
        if fault is None and target is not None and target == account_id:
            fault = SameAccount
        self.change(
            Change("close", account_id, app_id, reason, fault, sweep_to=target),
            "pgledger_close_account(%s, %s, %s, %s)",
            [account_id, reason, target, app_id],
        )

    @rule(which=changed_places, app_id=changed_apps, reason=reasons)
    def reopen_account(
        self, which: tuple[int, str | None], app_id: str | None, reason: str | None
    ) -> None:
        account_id, app_id = self.changed_account(which, app_id, "closed")
        self.change(
            Change("reopen", account_id, app_id, reason),
            "pgledger_reopen_account(%s, %s, %s)",
            [account_id, reason, app_id],
        )

    # Transactions and savepoints

    @precondition(lambda self: len(self.kept) < 4)
    @rule()
    def begin_or_set_savepoint(self) -> None:
        self.conn.execute(f"savepoint s{len(self.kept)}".encode() if self.kept else b"begin")
        self.kept.append(self.model.copy())

    @precondition(lambda self: self.kept)
    @rule()
    def commit_or_release(self) -> None:
        self.kept.pop()
        self.conn.execute(f"release savepoint s{len(self.kept)}" if self.kept else "commit")

    @precondition(lambda self: self.kept)
    @rule()
    def roll_back(self) -> None:
        self.model = self.kept.pop()
        name = f"s{len(self.kept)}"
        self.conn.execute(
            f"rollback to savepoint {name}; release savepoint {name}" if self.kept else "rollback"
        )

    # What holds between steps, and at the end

    @invariant()
    def transaction_is_as_the_model_has_it(self) -> None:
        self.steps += 1
        assert self.conn.info.transaction_status == (
            TransactionStatus.INTRANS if self.kept else TransactionStatus.IDLE
        )

    def teardown(self) -> None:
        if not self.is_sound:
            # The failure that was found says more than what follows from it.
            self.conn.execute("rollback")
            return
        if self.kept:
            self.conn.execute("commit" if len(self.kept) % 2 else "rollback")
            self.model = self.model if len(self.kept) % 2 else self.kept[0]
        assert_books_match(self.conn, self.model)


def account_of(row: Sequence[Any]) -> Account:
    """Returns an account out of a view's row, or a function's, which also tells of its call."""
    return Account(*row[:19], *(row[19:] or (None,)))


def transfer_of(row: Sequence[Any]) -> Transfer:
    """Returns a transfer out of a view's row, or a function's, which also tells of its call."""
    return Transfer(*row[:19], *(row[19:] or (None,)))


def assert_verified(conn: psycopg.Connection[Any]) -> None:
    """Asserts that the ledger finds its own books in order, and that it looks at something."""
    checks = conn.execute("select * from pgledger_verify()").fetchall()
    assert len(checks) == 49
    assert [check for check in checks if check[2] != 0] == []


def assert_books_match(conn: psycopg.Connection[Any], model: Model) -> None:
    """Asserts that the ledger holds what the model holds, and that its invariants hold."""
    assert_verified(conn)
    if isinstance(model, KeyedModel):
        model.count_holds()
        assert_holds_match(conn, model)
    if isinstance(model, ReversedModel):
        assert_reversals_match(conn, model)
    if isinstance(model, KeyedModel):
        assert_keys_match(conn, model)
    rows = conn.execute("select * from pgledger_accounts_v1 order by id").fetchall()
    assert [account_of(row) for row in rows] == sorted(model.accounts.values(), key=lambda a: a.id)
    rows = conn.execute(
        "select app_id, code, amount_scale from pgledger_currencies_v1 where code = any(%s)",
        [list(ISO_SCALES)],
    ).fetchall()
    assert {(app_id, code): scale for app_id, code, scale in rows} == model.scales
    rows = conn.execute("select * from pgledger_transfers_v1 order by id").fetchall()
    assert [transfer_of(row) for row in rows] == sorted(
        (record.transfer for record in model.records.values()), key=lambda t: t.id
    )
    rows = conn.execute(
        "select * from pgledger_entries_v1 order by account_id, account_version"
    ).fetchall()
    assert [replace(Entry(*row), id="") for row in rows] == [
        model.entry(account, version)
        for account in sorted(model.accounts.values(), key=lambda a: a.id)
        for version in range(1, account.version + 1)
    ]
    assert len({row[0] for row in rows}) == len(rows) == 2 * len(model.records)
    found = conn.execute(HISTORY.encode()).fetchall()
    assert found == [
        (account_id, number, what, version, *before, *after, reason, conn.info.user, "none")
        for account_id, history in sorted(model.history.items())
        for number, (what, version, before, after, reason) in enumerate(history, 1)
    ]
    for app_id in APPS:
        for currency in {account.currency for account in model.accounts.values()}:
            balances = [
                account.balance
                for account in model.accounts.values()
                if (account.app_id, account.currency) == (app_id, currency)
            ]
            assert sum_of(balances) == 0


def assert_all_was_done(done: Counter[tuple[str, str]]) -> None:
    """Asserts that what can end well and badly did both."""
    expected = {(what, end) for what, ends in ENDS.items() for end in ends}
    assert expected - done.keys() == set()


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_random_histories_end_as_the_model_has_them(
    connect: Connect, set_clock: SetClock, part: int
) -> None:
    conn = connect(autocommit=True)
    runs: list[Bookkeeping] = []

    def begin() -> Bookkeeping:
        runs.append(Bookkeeping(conn))
        return runs[-1]

    # Hypothesis may end a run early, so runs are counted by what they did.
    set_clock(conn, CLOCK)
    while (missing := STEPS_PER_PART - sum(run.steps for run in runs)) > 0:
        run_state_machine_as_test(
            # Each call of it and each part would otherwise try the same.
            seed(seed_of("histories", part, len(runs)))(begin),  # type: ignore[arg-type]
            settings=settings(
                max_examples=-(-missing // STEPS_PER_RUN),
                stateful_step_count=STEPS_PER_RUN,
                # Explaining a failure runs it hundreds of times more, after shrinking has.
                phases=set(Phase) - {Phase.explain},
            ),
        )
    done = sum((run.done for run in runs), Counter[tuple[str, str]]())
    if STEPS_PER_PART >= STEPS_THAT_DO_ALL:
        assert_all_was_done(done)


def test_the_model_takes_the_largest_amount_there_and_back(conn: psycopg.Connection[Any]) -> None:
    conn.autocommit = True
    machine = Bookkeeping(conn)
    accounts = [
        account.id
        for account in machine.books("")
        if account.currency == "USD" and account.min_balance is None and account.max_balance is None
    ]
    # An amount that Python's own operators would round.
    largest = HUGE_AMOUNTS[-1]
    for source, target in (accounts[:2], accounts[1::-1]):
        request = Request(source, target, largest)
        arguments = single_arguments(request, "", False)
        machine.transfer([request], SINGLE, arguments, app_id="", single=True)
    assert [leg.amount for leg in machine.model.legs[accounts[0]][-2:]] == [
        Decimal(f"-{largest}"),
        Decimal(largest),
    ]
    assert_books_match(conn, machine.model)


# One at a time and many at once


TILLS = itertools.count()


class Till:
    """One of several identical sets of accounts, on which the same requests are made."""

    def __init__(self, conn: psycopg.Connection[Any], name: str) -> None:
        self.conn = conn
        self.name = name
        # What stands for each id in answers, so that those of two sets can be compared.
        self.labels: dict[str, str] = {}
        self.account_ids: list[str] = []
        for place, opening in enumerate(OPENINGS[:5]):
            row = conn.execute(
                f"select id from ({OPEN}) as account".encode(), account_arguments(opening)
            ).fetchone()
            assert row is not None
            self.account_ids.append(row[0])
            self.labels[row[0]] = f"account {place}"
        self.number = next(TILLS)
        # The one that may not hold anything is frozen, too, and one takes whole cents only.
        conn.execute(b"select pgledger_freeze_account(%s, 'in')", [self.account_ids[3]])
        conn.execute(
            "update pgledger.accounts set amount_scale = 2 where id = %s", [self.account_ids[4]]
        )
        held = b"select pgledger_create_hold(%s, %s, %s)"
        conn.execute(held, [self.account_ids[4], self.account_ids[0], Decimal("1.5")])
        conn.execute(held, [self.account_ids[0], self.account_ids[4], 2])
        self.post(b"select from pgledger_create_transfer(%s, %s, 50)", (0, 1), (2, 0))

    def post(self, query: bytes, *pairs: tuple[int, int]) -> None:
        for pair in pairs:
            self.conn.execute(query, [self.account_ids[place] for place in pair])

    def request(self, draft: Draft, fault: dict[str, Any], number: int) -> Request:
        source, target, amount, details, identity = draft
        from_account_id = self.account_ids[source % 5]
        to_account_id = self.account_ids[target % 5]
        if source % 5 == target % 5:
            to_account_id = self.account_ids[(target + 1) % 5]
        request = Request(from_account_id, to_account_id, amount, **details)
        if identity:
            # The earlier id of few, so that requests repeat one another, most of them changed.
            place = number if identity == "new" else target % (number + 1)
            transfer_id = chosen_id("pglt", f"{self.number} {place}")
            self.labels[transfer_id] = f"transfer {place}"
            request = replace(request, id=transfer_id)
        values = dict(fault)
        if values.get("to_account_id") in {"the same", "other app", "other currency"}:
            values["to_account_id"] = from_account_id
        if values.get("metadata") == "too large":
            values["metadata"] = json.dumps({"k": "x" * 65536})
        return replace(request, **values)

    def outcome(self, query: str, arguments: list[Any]) -> list[Any] | str:
        """Returns the rows that a call answers, or the name of its error, without a trace."""
        try:
            with self.conn.transaction():
                rows = self.conn.execute(query.encode(), arguments).fetchall()
        except PgledgerError as error:
            return type(error).__name__
        return [self.comparable(transfer_of(row)) for row in rows]

    def comparable(self, transfer: Transfer) -> list[Any]:
        generated = self.labels.setdefault(transfer.id, "generated")
        return [
            generated,
            self.labels[transfer.from_account_id],
            self.labels[transfer.to_account_id],
            "created_at" if transfer.event_at == transfer.created_at else transfer.event_at,
            *(
                # With their decimal places, which equality of decimals overlooks.
                str(value) if isinstance(value, Decimal) else value
                for value in (
                    transfer.amount,
                    transfer.metadata,
                    transfer.currency,
                    transfer.from_account_name,
                    transfer.to_account_name,
                    transfer.from_account_balance,
                    transfer.to_account_balance,
                    transfer.from_account_version,
                    transfer.to_account_version,
                    transfer.group_id,
                    transfer.app_id,
                    transfer.from_tenant_id,
                    transfer.to_tenant_id,
                )
            ),
        ]

    def state(self) -> list[Any]:
        return self.conn.execute(
            b"select name, balance::text, version from pgledger_accounts_view"
            b" where id = any(%s) order by id",
            [self.account_ids],
        ).fetchall()


plain: st.SearchStrategy[dict[str, Any]] = st.just({})
paired = st.tuples(drafts, st.one_of(*[plain] * 5, st.sampled_from(FAULTS)))


def test_one_at_a_time_and_many_at_once_are_equal(conn: psycopg.Connection[Any]) -> None:
    # Only the amount with too many decimal places loses those that do not count.
    @example(given_drafts=[((0, 1, amount, {}, ""), {}) for amount in ("1.50", AMOUNTS[-2])])
    @settings(max_examples=EXAMPLES_OF_BOTH_PATHS)
    @given(given_drafts=st.lists(paired, min_size=1, max_size=12))
    def both_paths_agree(given_drafts: list[tuple[Draft, dict[str, Any]]]) -> None:
        singles, ones, batch = (Till(conn, name) for name in ("singles", "ones", "batch"))
        by_till = {
            till: [till.request(draft, fault, n) for n, (draft, fault) in enumerate(given_drafts)]
            for till in (singles, ones, batch)
        }

        at_once = batch.outcome(BULK, bulk_arguments(by_till[batch], "", None, False))
        answers = []
        for single, one in zip(by_till[singles], by_till[ones], strict=True):
            answer = singles.outcome(SINGLE, single_arguments(single, "", False))
            assert ones.outcome(BULK, bulk_arguments([one], "", None, False)) == answer
            answers.append(answer)

        assert singles.state() == ones.state()
        if isinstance(at_once, str):
            # Errors of several requests are found in another order, but it is one of them. Or
            # it is an id twice, where one at a time the first was refused and left its id free.
            refusals = [answer for answer in answers if isinstance(answer, str)]
            chosen = [request.id for request in by_till[batch] if request.id is not None]
            if at_once == "IdempotencyConflict" and len(set(chosen)) < len(chosen):
                assert refusals
            else:
                assert at_once in refusals
        else:
            assert [[row] for row in at_once] == answers
            assert batch.state() == singles.state()
        conn.commit()

    both_paths_agree()
    # No account has decimal places that its currency does not have.
    conn.execute("update pgledger.accounts set amount_scale = null")
    assert_verified(conn)
