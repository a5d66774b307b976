"""Holds in the random histories: rules of the machine, and what the model makes of them.

The machine's clock is the true one and a span that only grows, kept in a setting of the session: so
it goes back with a transaction or savepoint, as the model does. Holds expire in the middle between
two of its steps, so that the few seconds that a history takes decide nothing.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from pgledger import Account, Hold, Transfer, ids
from pgledger.errors import (
    BalanceOutOfRange,
    HoldAmountExceeded,
    HoldEnded,
    HoldExpired,
    HoldNotFound,
    IdempotencyConflict,
    InsufficientFunds,
    InvalidAmount,
    InvalidTime,
    PgledgerError,
    PositiveBalanceNotAllowed,
)
from support.exact import minus, plus, sum_of
from support.keys import KeyUser, Use, kinds
from support.model import (
    BOUND,
    Change,
    Model,
    Posting,
    Record,
    Refusal,
    Request,
    decimal_of,
    decoded,
    places_of,
)

CLOCK = (
    "clock_timestamp()"
    " + coalesce(nullif(current_setting('pgledger_test.ahead', true), ''), '0')::interval"
)
AHEAD = "select set_config('pgledger_test.ahead', %s, false)"
STEP = timedelta(minutes=10)
# The clock stays within the day of which the histories' event times know.
FURTHEST = timedelta(days=2)
SPANS = (None, *(STEP / 2 + steps * STEP for steps in (0, 0, 1, 4)))

UNKNOWN_HOLD = "pglh_01JTVST7XAES5BXHWZN4KR4VEZ"
GROUPS = (None, None, "order-7")

MAKE = (
    "select * from pgledger_create_hold(%s, %s, %s::numeric, %s::timestamptz, %s::interval,"
    " %s::timestamptz, %s::jsonb, %s, %s, %s)"
)
POST = (
    "select * from pgledger_post_hold(%s, %s::numeric, %s, id => %s, app_id => %s,"
    " idempotency_key => %s)"
)
VOID = "select * from pgledger_void_hold(%s, %s, %s)"
EXTEND = "select * from pgledger_extend_hold(%s, %s, %s, %s)"


@dataclass(frozen=True, slots=True)
class Making:
    """A request for a hold, as it was sent."""

    request: Request
    app_id: str
    expires_at: datetime | None
    expires_in: timedelta | None
    group_id: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """A hold as the database has it, but for an expiry that nobody has to have written."""

    hold: Hold
    making: Making
    # Of each posting: its transfer, the amount that was asked for, and whether it was final.
    postings: tuple[tuple[str, str | None, bool], ...] = ()

    @property
    def rest(self) -> Decimal:
        return minus(self.hold.amount, self.hold.posted_amount)

    def at(self, now: datetime) -> Hold:
        hold = self.hold
        if hold.status == "pending" and hold.expires_at is not None and hold.expires_at <= now:
            return replace(hold, status="expired", ended_at=hold.expires_at)
        return hold


class HeldModel(Model):
    """A model that knows holds, too."""

    def __init__(self) -> None:
        super().__init__()
        self.holds: dict[str, Held] = {}
        self.ahead = timedelta(0)

    def copy(self) -> "HeldModel":
        other = HeldModel()
        vars(other).update(vars(super().copy()))
        other.holds = dict(self.holds)
        other.ahead = self.ahead
        return other

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def count_holds(self) -> None:
        """Brings what accounts hold to what is pending by now."""
        pending = [held for held in self.holds.values() if held.at(self.now).status == "pending"]
        for account in list(self.accounts.values()):
            held_out = sum_of([h.rest for h in pending if h.hold.from_account_id == account.id])
            held_in = sum_of([h.rest for h in pending if h.hold.to_account_id == account.id])
            if (held_out, held_in) != (account.held_out, account.held_in):
                self.change_account(account, held_out=held_out, held_in=held_in)

    def take_change(self, change: Change, account: Account, answer: Account) -> None:
        super().take_change(change, account, answer)
        # Holds show the names of today.
        for held in [*self.holds.values()]:
            hold = held.hold
            if hold.from_account_id == account.id:
                hold = replace(hold, from_account_name=account.name)
            if hold.to_account_id == account.id:
                hold = replace(hold, to_account_name=account.name)
            self.holds[hold.id] = replace(held, hold=hold)

    def _fits(self, currency: str, scale: int, app_id: str | None) -> bool:
        return super()._fits(currency, scale, app_id) and all(
            places_of(held.rest) <= scale
            for held in self.holds.values()
            if held.at(self.now).status == "pending"
            and (held.hold.app_id, held.hold.currency) == (app_id, currency)
        )

    def plan_hold(self, making: Making) -> Refusal | Held | None:
        request = making.request
        if fault := self.accounts_fault(request, making.app_id):
            return Refusal(fault)
        held = self.holds.get(request.id or "")
        if held is not None:
            return held if self._makes_again(making, held) else Refusal(IdempotencyConflict)
        if making.expires_at is not None and making.expires_at <= self.now:
            return Refusal(InvalidTime)
        if fault := self.place_fault(request):
            return Refusal(fault)
        fault = self._room_fault(
            self.accounts[request.from_account_id or ""],
            self.accounts[request.to_account_id or ""],
            Decimal(request.amount or 0),
        )
        return Refusal(fault) if fault else None

    @staticmethod
    def _makes_again(making: Making, held: Held) -> bool:
        def asked(one: Making, created_at: datetime) -> tuple[Any, ...]:
            request = one.request
            expires_at = created_at + one.expires_in if one.expires_in else one.expires_at
            return (
                one.app_id,
                one.group_id,
                request.from_account_id,
                request.to_account_id,
                Decimal(request.amount or 0),
                request.event_at.at if request.event_at else None,
                decoded(request.metadata),
                expires_at,
            )

        created_at = held.hold.created_at
        return asked(making, created_at) == asked(held.making, created_at)

    @staticmethod
    def _room_fault(
        source: Account, target: Account, amount: Decimal
    ) -> type[PgledgerError] | None:
        left = minus(minus(source.balance, source.held_out), amount)
        if source.min_balance is not None and left < source.min_balance:
            return InsufficientFunds
        if left <= -BOUND:
            return BalanceOutOfRange
        filled = plus(plus(target.balance, target.held_in), amount)
        if target.max_balance is not None and filled > target.max_balance:
            return PositiveBalanceNotAllowed
        return BalanceOutOfRange if filled >= BOUND else None

    def state_fault(self, held: Held) -> type[PgledgerError] | None:
        match held.at(self.now).status:
            case "posted" | "voided":
                return HoldEnded
            case "expired":
                return HoldExpired
            case _:
                return None

    def plan_posting(
        self, held: Held, amount: str | None, transfer_id: str | None, *, final: bool
    ) -> Refusal | Record | Posting:
        if transfer_id in self.records:
            for known, first_amount, first_final in held.postings:
                if known == transfer_id:
                    record = self.records[known]
                    same = (amount, final) == (first_amount, first_final)
                    return record if same else Refusal(IdempotencyConflict)
            return Refusal(IdempotencyConflict)
        if fault := self.state_fault(held):
            return Refusal(fault)
        if amount is not None and Decimal(amount) > held.rest:
            return Refusal(HoldAmountExceeded)
        source = self.accounts[held.hold.from_account_id]
        target = self.accounts[held.hold.to_account_id]
        moved = held.rest if amount is None else Decimal(amount)
        if amount is not None and any(
            account.amount_scale is not None and places_of(moved) > account.amount_scale
            for account in (source, target)
        ):
            return Refusal(InvalidAmount)
        from_balance, to_balance = minus(source.balance, moved), plus(target.balance, moved)
        if from_balance <= -BOUND or to_balance >= BOUND:
            return Refusal(BalanceOutOfRange)
        request = Request(source.id, target.id, f"{moved:f}", id=transfer_id)
        return Posting(request, from_balance, to_balance)

    def post_hold(
        self,
        held: Held,
        posting: Posting,
        answer: Transfer,
        asked: tuple[str | None, bool],
    ) -> None:
        assert answer.origin_id == held.hold.id
        self.post(
            [posting],
            [replace(answer, origin_id=None)],
            app_id=held.hold.app_id,
            group_id=held.hold.group_id,
        )
        self.records[answer.id] = Record(answer, None)
        moved = Decimal(posting.request.amount or 0)
        ends = asked[1] or moved == held.rest
        hold = replace(held.hold, posted_amount=plus(held.hold.posted_amount, moved))
        if ends:
            hold = replace(hold, status="posted", ended_at=answer.created_at)
        self.holds[hold.id] = replace(
            held, hold=hold, postings=(*held.postings, (answer.id, *asked))
        )


small = st.integers(0, 15)
amounts = st.sampled_from(("1", "2", "0.5", "1.50", "10", "12.34", "0.01", "7", "100", "9e29"))
changes = st.sampled_from(("", "", "", "amount", "expiry", "group"))


class HoldRules(KeyUser):
    """What the machine does with holds."""

    conn: Any
    request: Any
    call: Any

    def set_ahead(self, ahead: timedelta) -> None:
        self.model.ahead = ahead
        self.conn.execute(AHEAD.encode(), [f"{ahead.total_seconds()} seconds"])

    def some_hold(self, place: int) -> Held:
        holds = list(self.model.holds.values())
        held: Held = holds[-1 - place % len(holds)]
        return held

    def settle(self) -> None:
        self.model.count_holds()
        self.is_sound = True

    @rule(
        draft=st.tuples(small, small, amounts),
        app_id=st.sampled_from(("", "", "", "shop")),
        span=st.sampled_from(SPANS),
        as_length=st.booleans(),
        own_id=st.booleans(),
        group_id=st.sampled_from(GROUPS),
    )
    def make_hold(
        self,
        draft: tuple[int, int, str],
        app_id: str,
        span: timedelta | None,
        as_length: bool,
        own_id: bool,
        group_id: str | None,
    ) -> None:
        request = self.request((*draft, {"metadata": '{"n": 1}'} if own_id else {}, ""), app_id, [])
        if own_id:
            self.chosen += 1
            request = replace(request, id=ids.generate("pglh"))
        expires_at = self.model.now + span if span and not as_length else None
        self.make(Making(request, app_id, expires_at, span if as_length else None, group_id))

    @precondition(lambda self: any(h.making.request.id for h in self.model.holds.values()))
    @rule(place=small, change=changes)
    def make_a_hold_again(self, place: int, change: str) -> None:
        own = [held for held in self.model.holds.values() if held.making.request.id]
        making = own[-1 - place % len(own)].making
        match change:
            case "amount":
                making = replace(making, request=replace(making.request, amount="3"))
            case "expiry":
                making = replace(making, expires_at=None, expires_in=timedelta(days=3))
            case "group":
                making = replace(making, group_id="order-8")
            case _:
                pass
        self.make(making)

    def make(self, making: Making) -> None:
        request = making.request
        expected = self.model.plan_hold(making)
        rows = self.call(
            expected,
            MAKE,
            [
                request.from_account_id,
                request.to_account_id,
                request.amount,
                making.expires_at,
                making.expires_in,
                request.event_at.text if request.event_at else None,
                request.metadata,
                request.id,
                making.app_id,
                making.group_id,
            ],
        )
        if rows is None:
            return
        (answer,) = [Hold(*row) for row in rows]
        if isinstance(expected, Held):
            assert answer == expected.at(self.model.now)
            assert answer.replayed is True
            self.is_sound = True
            return
        self.take_hold(answer, making)

    def take_hold(self, answer: Hold, making: Making) -> None:
        """Takes in a hold that was made, and checks the answer."""
        request = making.request
        source = self.model.accounts[request.from_account_id]
        target = self.model.accounts[request.to_account_id]
        assert abs(answer.created_at - self.model.now) < timedelta(minutes=1)
        assert ids.is_valid(answer.id, "pglh")
        assert answer == Hold(
            id=request.id or answer.id,
            from_account_id=source.id,
            to_account_id=target.id,
            amount=Decimal(request.amount or 0),
            posted_amount=Decimal(0),
            status="pending",
            created_at=answer.created_at,
            event_at=answer.created_at,
            expires_at=(
                answer.created_at + making.expires_in if making.expires_in else making.expires_at
            ),
            ended_at=None,
            metadata=decoded(request.metadata),
            currency=source.currency,
            from_account_name=source.name,
            to_account_name=target.name,
            group_id=making.group_id,
            app_id=making.app_id,
            from_tenant_id=source.tenant_id,
            to_tenant_id=target.tenant_id,
            replayed=False,
        )
        assert answer.id not in self.model.holds
        self.model.holds[answer.id] = Held(answer, making)
        self.settle()

    @precondition(lambda self: self.model.holds)
    @rule(
        place=small,
        amount=st.sampled_from((None, None, "0.5", "1", "the rest", "too much")),
        final=st.booleans(),
        identity=st.sampled_from(("", "", "new", "again", "another's")),
        kind=kinds,
    )
    def post_hold(
        self, place: int, amount: str | None, final: bool, identity: str, kind: str
    ) -> None:
        self.post(place, amount, final=final, identity=identity, kind=kind)

    def post(
        self, place: int, amount: str | None, *, final: bool, identity: str, kind: str = ""
    ) -> None:
        held = self.some_hold(place)
        if amount == "the rest":
            amount = f"{held.rest:f}" if held.rest else "1"
        elif amount == "too much":
            amount = f"{plus(held.rest, Decimal(1)):f}"
            if Decimal(amount) >= BOUND:
                amount = None
        transfer_id = None
        if identity == "new":
            transfer_id = ids.generate("pglt")
        elif identity == "again" and held.postings:
            transfer_id, amount, final = held.postings[place % len(held.postings)]
        elif identity == "another's" and self.model.records:
            transfer_id = next(iter(self.model.records))
        app_id = held.hold.app_id
        key = self.key_for(kind, app_id)
        asked = (held.hold.id, decimal_of(amount), final, transfer_id)
        expected = self.used(key, app_id, "pgledger_post_hold", asked)
        if expected is None:
            expected = self.model.plan_posting(held, amount, transfer_id, final=final)
        arguments = [held.hold.id, amount, final, transfer_id, app_id, key]
        rows = self.call(expected, POST, arguments, key=key)
        if rows is None:
            return
        if isinstance(expected, Use):
            self.take_replay(expected, rows)
            return
        (answer,) = [Transfer(*row) for row in rows]
        self.remember(key, app_id, "pgledger_post_hold", asked, (POST, arguments), answer.id)
        if isinstance(expected, Record):
            assert replace(answer, replayed=False) == replace(expected.transfer, replayed=False)
            assert answer.replayed is True
            self.is_sound = True
            return
        self.model.post_hold(held, expected, answer, (amount, final))
        self.settle()

    @precondition(lambda self: self.model.holds)
    @rule(
        place=small,
        other_app=st.sampled_from((False, False, False, True)),
        kind=kinds,
        again=st.booleans(),
    )
    def void_hold(self, place: int, other_app: bool, kind: str, again: bool) -> None:
        self.void(place, other_app=other_app, kind=kind)
        if again:
            self.use_again(0, "last")

    def void(self, place: int, *, other_app: bool, kind: str = "") -> None:
        held = self.some_hold(place)
        again = held.hold.status == "voided"
        app_id = held.hold.app_id
        fault = self.model.state_fault(held)
        if other_app:
            app_id, fault, again = ("shop" if app_id == "" else ""), HoldNotFound, False
        key = self.key_for(kind, app_id)
        asked = (held.hold.id,)
        expected = None if other_app else self.used(key, app_id, "pgledger_void_hold", asked)
        if expected is None and fault and not again:
            expected = Refusal(fault)
        arguments = [held.hold.id, app_id, key]
        rows = self.call(expected, VOID, arguments, key=key)
        if rows is None:
            return
        if isinstance(expected, Use):
            self.take_replay(expected, rows)
            return
        self.remember(key, app_id, "pgledger_void_hold", asked, (VOID, arguments), held.hold.id)
        (answer,) = [Hold(*row) for row in rows]
        assert answer.replayed is again
        ended_at = held.hold.ended_at if again else answer.ended_at
        assert ended_at is not None
        assert ended_at >= answer.created_at
        hold = replace(held.hold, status="voided", ended_at=ended_at)
        assert answer == hold
        self.model.holds[hold.id] = replace(held, hold=hold)
        self.settle()

    @precondition(lambda self: self.model.holds)
    @rule(place=small, span=st.sampled_from((*SPANS, timedelta(days=-1))), kind=kinds)
    def extend_hold(self, place: int, span: timedelta | None, kind: str) -> None:
        self.extend(place, span, kind)

    def extend(self, place: int, span: timedelta | None, kind: str = "") -> None:
        held = self.some_hold(place)
        fault = self.model.state_fault(held)
        expires_at = None if span is None else self.model.now + span
        if fault is None and expires_at is not None and expires_at <= self.model.now:
            fault = InvalidTime
        app_id = held.hold.app_id
        key = self.key_for(kind, app_id)
        asked = (held.hold.id, expires_at)
        expected = self.used(key, app_id, "pgledger_extend_hold", asked)
        if expected is None and fault:
            expected = Refusal(fault)
        arguments = [held.hold.id, expires_at, app_id, key]
        rows = self.call(expected, EXTEND, arguments, key=key)
        if rows is None:
            return
        if isinstance(expected, Use):
            self.take_replay(expected, rows)
            return
        self.remember(key, app_id, "pgledger_extend_hold", asked, (EXTEND, arguments), held.hold.id)
        (answer,) = [Hold(*row) for row in rows]
        hold = replace(held.hold, expires_at=expires_at)
        assert answer == hold
        assert answer.replayed is (expires_at == held.hold.expires_at)
        self.model.holds[hold.id] = replace(held, hold=hold)
        self.settle()

    @rule(
        source=small,
        amount=amounts,
        acts=st.lists(
            st.sampled_from(
                ("part", "part", "post", "void", "extend", "wait", "again", "key again")
            ),
            min_size=1,
            max_size=5,
        ),
        kind=kinds,
        span=st.sampled_from(SPANS),
    )
    def live_through_a_hold(
        self, source: int, amount: str, acts: list[str], span: timedelta | None, kind: str
    ) -> None:
        before = len(self.model.holds)
        own = [a for a in self.model.accounts.values() if a.app_id == "" and a.status == "open"]
        free = [a for a in own if a.min_balance is None and a.max_balance is None]
        if not free:
            return
        source_account = free[source % len(free)]
        mates = [a for a in free if a.currency == source_account.currency and a != source_account]
        if not mates:
            return
        request = Request(source_account.id, mates[source % len(mates)].id, amount)
        self.make(Making(request, "", None, span, None))
        if len(self.model.holds) == before:
            return
        for act in acts:
            match act:
                case "part":
                    identity = "" if kind else "new"
                    self.post(0, "0.01", final=False, identity=identity, kind=kind)
                case "post":
                    self.post(0, None, final=True, identity="", kind=kind)
                case "key again":
                    self.use_again(0, "last")
                case "again":
                    self.post(0, "0.01", final=False, identity="again")
                case "void":
                    self.void(0, other_app=False, kind=kind)
                case "extend":
                    self.extend(0, span, kind)
                case _:
                    self.wait(1)

    @rule(app_id=st.sampled_from(("", "shop")), count=st.sampled_from((1, 3, 1000)))
    def expire_holds(self, app_id: str, count: int) -> None:
        due = [
            held
            for held in self.model.holds.values()
            if held.hold.app_id == app_id and held.at(self.model.now).status == "expired"
        ]
        rows = self.call(None, "select pgledger_expire_holds(%s, %s)", [count, app_id])
        assert rows is not None
        # Others may have written some of them before.
        assert rows[0][0] <= min(count, len(due))
        self.settle()

    @rule(steps=st.sampled_from((1, 1, 2, 6)))
    def let_time_pass(self, steps: int) -> None:
        self.wait(steps)

    def wait(self, steps: int) -> None:
        ahead = self.model.ahead + steps * STEP
        if ahead <= FURTHEST:
            self.set_ahead(ahead)
            self.settle()

    @rule(place=small, unknown=st.sampled_from((False, False, False, True)))
    def get_hold(self, place: int, unknown: bool) -> None:
        if not self.model.holds or unknown:
            self.call(Refusal(HoldNotFound), "select * from pgledger_get_hold(%s)", [UNKNOWN_HOLD])
            return
        held = self.some_hold(place)
        rows = self.call(
            None, "select * from pgledger_get_hold(%s, %s)", [held.hold.id, held.hold.app_id]
        )
        assert [Hold(*row) for row in rows] == [held.at(self.model.now)]
        self.is_sound = True


def assert_holds_match(conn: Any, model: HeldModel) -> None:
    """Asserts that the ledger holds what the model holds, as it is shown by now."""
    rows = conn.execute("select * from pgledger_holds_v1 order by id").fetchall()
    assert [Hold(*(*row, None)) for row in rows] == sorted(
        (held.at(model.now) for held in model.holds.values()), key=lambda hold: hold.id
    )
