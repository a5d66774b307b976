"""More of what random histories do: many holds in one call, sweeps, and accounts by their names."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from pgledger import Account, Hold, Transfer, ids
from pgledger.errors import (
    AccountAmbiguous,
    AccountNotFound,
    IdempotencyConflict,
)
from support.exact import minus, plus
from support.held import SPANS, Held, HoldRules, Making
from support.keys import TRANSFER_BY_NAME, Use, account_asked, kinds
from support.model import Opening, Posting, Record, Refusal, Request, decimal_of
from support.reversed import ReversalRules, ReversedModel

MAKE_MANY = (
    "select * from pgledger_create_holds_bulk(%s::text[], %s::text[], %s::numeric[],"
    " %s::timestamptz[], ids => %s::text[], app_id => %s, group_id => %s)"
)
POST_MANY = (
    "select * from pgledger_post_holds_bulk(%s::text[], %s::numeric[], %s::boolean[],"
    " ids => %s::text[], app_id => %s)"
)
SWEEP = (
    "select * from pgledger_sweep(%s, %s, %s::numeric, %s::numeric, app_id => %s,"
    " idempotency_key => %s)"
)
ENSURE = (
    "select * from pgledger_ensure_account(%s, %s, app_id => %s, tenant_id => %s,"
    " idempotency_key => %s)"
)
FIND = "select * from pgledger_find_account(%s, %s, %s, %s)"
BY_NAME = (
    "select * from pgledger_create_transfer_by_name(%s, %s, %s::numeric, %s, app_id => %s,"
    " from_tenant_id => %s, to_tenant_id => %s, idempotency_key => %s)"
)

small = st.integers(0, 15)
amounts = st.sampled_from(("1", "2", "0.5", "1.50", "10", "12.34", "0.01", "7", "100"))
PATHS = ("users.1.usd", "users.2.usd", "assets.bank", "n")


class WideModel(ReversedModel):
    """A model that knows which names lead to which accounts, too."""

    def __init__(self) -> None:
        super().__init__()
        # By app, tenant, currency and name: what pgledger_ensure_account has given out.
        self.names: dict[tuple[str, str, str, str], str] = {}

    def copy(self) -> "WideModel":
        other = WideModel()
        vars(other).update(vars(super().copy()))
        other.names = dict(self.names)
        return other

    def take_change(self, change: Any, account: Account, answer: Account) -> None:
        before = self.accounts[account.id].name
        super().take_change(change, account, answer)
        if before == account.name:
            return
        # The new name leads to the account, unless it leads to another one already.
        key = (account.app_id, account.tenant_id, account.currency)
        if self.names.get((*key, before)) == account.id:
            del self.names[*key, before]
            self.names.setdefault((*key, account.name), account.id)

    def named(self, app_id: str, tenant_id: str, currency: str, name: str) -> list[Account]:
        """Returns the accounts of a name."""
        return [
            account
            for account in self.accounts.values()
            if (account.app_id, account.tenant_id, account.currency, account.name)
            == (app_id, tenant_id, currency, name)
        ]

    def plan_name(self, *key: str) -> Refusal | Account:
        found = self.named(*key)
        if len(found) == 1:
            return found[0]
        return Refusal(AccountAmbiguous if found else AccountNotFound)

    def plan_holds(self, makings: list[Making]) -> Refusal | list[Held | int | None]:
        """Returns what a batch does, for each request: a hold, an earlier request, or a new one."""
        for index, making in enumerate(makings, 1):
            if fault := self.accounts_fault(making.request, making.app_id):
                return Refusal(fault, index)
        plan: list[Held | int | None] = []
        firsts: dict[str, int] = {}
        for place, making in enumerate(makings):
            own = making.request.id
            held = self.holds.get(own or "")
            first = firsts.setdefault(own, place) if own else place
            if held is not None and not self._makes_again(making, held):
                return Refusal(IdempotencyConflict, place + 1)
            if first < place and self._asked(makings[first]) != self._asked(making):
                return Refusal(IdempotencyConflict, place + 1)
            plan.append(held if held is not None else first if first < place else None)
        new = [
            (index, making.request)
            for index, (making, answer) in enumerate(zip(makings, plan, strict=True), 1)
            if answer is None
        ]
        for check in (self._status_fault, self._scale_fault, self._period_fault):
            for index, request in new:
                if fault := check(request):
                    return Refusal(fault, index)
        accounts = dict(self.accounts)
        for index, request in new:
            source = accounts[request.from_account_id or ""]
            target = accounts[request.to_account_id or ""]
            amount = Decimal(request.amount or 0)
            if fault := self._room_fault(source, target, amount):
                return Refusal(fault, index)
            accounts[source.id] = replace(source, held_out=plus(source.held_out, amount))
            accounts[target.id] = replace(target, held_in=plus(target.held_in, amount))
        return plan

    def foresee(self, hold_id: str, posting: Posting, asked: tuple[str | None, bool]) -> None:
        """Takes in a posting whose answer is still to come, in a model that is thrown away."""
        held = self.holds[hold_id]
        moved = Decimal(posting.request.amount or 0)
        own = posting.request.id or f"a new one after {len(held.postings)}"
        ends = asked[1] or moved == held.rest
        hold = replace(held.hold, posted_amount=plus(held.hold.posted_amount, moved))
        self.holds[hold_id] = replace(
            held,
            hold=replace(hold, status="posted" if ends else "pending"),
            postings=(*held.postings, (own, *asked)),
        )
        self.records[own] = next(iter(self.records.values()))
        for account_id, balance in (
            (hold.from_account_id, posting.from_balance),
            (hold.to_account_id, posting.to_balance),
        ):
            self.change_account(self.accounts[account_id], balance=balance)

    @staticmethod
    def _asked(making: Making) -> tuple[Any, ...]:
        request = making.request
        return (
            request.from_account_id,
            request.to_account_id,
            Decimal(request.amount or 0),
            making.expires_at,
        )


class WideRules(HoldRules, ReversalRules):
    """What the machine does beside single transfers and holds."""

    transfer: Any
    books: Any

    @rule(
        drafts=st.lists(
            st.tuples(small, small, amounts, st.sampled_from(("", "", "new", "again", "twice"))),
            min_size=1,
            max_size=6,
        ),
        app_id=st.sampled_from(("", "", "", "shop")),
        span=st.sampled_from(SPANS),
        group_id=st.sampled_from((None, "order-7")),
    )
    def make_many_holds(
        self,
        drafts: list[tuple[int, int, str, str]],
        app_id: str,
        span: timedelta | None,
        group_id: str | None,
    ) -> None:
        expires_at = None if span is None else self.model.now + span
        makings: list[Making] = []
        for source, target, amount, identity in drafts:
            request = self.request((source, target, amount, {}, ""), app_id, [])
            making = Making(request, app_id, expires_at, None, group_id)
            own = [h.making for h in self.model.holds.values() if h.making.request.id]
            own = [m for m in own if not m.request.metadata and m.expires_in is None]
            own = [m for m in own if (m.app_id, m.group_id) == (app_id, group_id)]
            if identity == "new":
                making = replace(making, request=replace(request, id=ids.generate("pglh")))
            elif identity == "twice" and makings:
                making = makings[source % len(makings)]
            elif identity == "again" and own:
                making = own[source % len(own)]
            makings.append(making)
        plan = self.model.plan_holds(makings)
        requests = [making.request for making in makings]
        rows = self.call(
            plan,
            MAKE_MANY,
            [
                [request.from_account_id for request in requests],
                [request.to_account_id for request in requests],
                [request.amount for request in requests],
                [making.expires_at for making in makings],
                [request.id for request in requests],
                app_id,
                group_id,
            ],
        )
        if rows is None:
            return
        # A request without an id, asked for twice, is two holds.
        answers = [Hold(*row) for row in rows]
        for making, item, answer in zip(makings, plan, answers, strict=True):
            assert answer.replayed is (item is not None)
            if isinstance(item, int):
                assert answer == answers[item]
            elif item is not None:
                assert replace(answer, replayed=None) == replace(
                    item.at(self.model.now), replayed=None
                )
            else:
                self.take_hold(answer, making)
        self.settle()

    @precondition(lambda self: self.model.holds)
    @rule(
        asked=st.lists(
            st.tuples(
                small,
                st.one_of(st.none(), amounts),
                st.booleans(),
                st.sampled_from(("", "", "new", "again")),
            ),
            min_size=1,
            max_size=5,
        )
    )
    def post_many_holds(self, asked: list[tuple[int, str | None, bool, str]]) -> None:
        app_id = self.some_hold(asked[0][0]).hold.app_id
        requests: list[tuple[str, str | None, bool, str | None]] = []
        for place, amount, final, identity in asked:
            held = self.some_hold(place)
            if held.hold.app_id != app_id:
                continue
            if identity == "again" and held.postings:
                first = held.postings[place % len(held.postings)]
                requests.append((held.hold.id, first[1], first[2], first[0]))
            else:
                own = ids.generate("pglt") if identity == "new" else None
                requests.append((held.hold.id, amount, final, own))
        # Each follows those before it, so they are planned on a model that goes on by itself.
        trial = self.model.copy()
        plan: list[Any] = []
        refusal: Refusal | None = None
        for index, (hold_id, amount, final, own) in enumerate(requests, 1):
            step = trial.plan_posting(trial.holds[hold_id], amount, own, final=final)
            if isinstance(step, Refusal):
                refusal = Refusal(step.error, index)
                break
            plan.append(step)
            if isinstance(step, Posting):
                trial.foresee(hold_id, step, (amount, final))
        rows = self.call(
            refusal or plan,
            POST_MANY,
            [
                [hold_id for hold_id, _, _, _ in requests],
                [amount for _, amount, _, _ in requests],
                [final for _, _, final, _ in requests],
                [own for _, _, _, own in requests],
                app_id,
            ],
        )
        if rows is None:
            return
        for (hold_id, amount, final, own), row in zip(requests, rows, strict=True):
            answer = Transfer(*row)
            held = self.model.holds[hold_id]
            step = self.model.plan_posting(held, amount, own, final=final)
            if isinstance(step, Record):
                assert replace(answer, replayed=False) == replace(step.transfer, replayed=False)
                assert answer.replayed is True
                continue
            assert isinstance(step, Posting)
            self.model.post_hold(held, step, answer, (amount, final))
            self.model.count_holds()
        self.settle()

    @rule(
        draft=st.tuples(small, small),
        app_id=st.sampled_from(("", "", "", "shop")),
        max_amount=st.sampled_from((None, "5", "0.25", "100")),
        keep=st.sampled_from(("0", "0", "3.5", "-20")),
        kind=kinds,
    )
    def sweep(
        self, draft: tuple[int, int], app_id: str, max_amount: str | None, keep: str, kind: str
    ) -> None:
        request = self.request((*draft, "1", {}, ""), app_id, [])
        key = self.key_for(kind, app_id)
        ends = (request.from_account_id, request.to_account_id)
        arguments = [*ends, max_amount, keep, app_id, key]
        asked = (*ends, decimal_of(max_amount), Decimal(keep))
        sent = (SWEEP, arguments)
        if fault := self.model.accounts_fault(request, app_id):
            self.call(Refusal(fault), SWEEP, arguments, key=key)
            return
        used = self.used(key, app_id, "pgledger_sweep", asked)
        if used is not None:
            rows = self.call(used, SWEEP, arguments, key=key)
            if isinstance(used, Use):
                self.take_replay(used, rows)
            return
        source = self.model.accounts[request.from_account_id]
        stays = max(
            Decimal(keep), Decimal(keep) if source.min_balance is None else source.min_balance
        )
        spare = minus(minus(source.balance, source.held_out), stays)
        amount = spare if max_amount is None else min(Decimal(max_amount), spare)
        if amount <= 0:
            assert self.call(None, SWEEP, arguments, key=key) == []
            self.remember(key, app_id, "pgledger_sweep", asked, sent, None)
            self.settle()
            return
        request = replace(request, amount=f"{amount:f}")
        made = self.transfer([request], SWEEP, arguments, app_id=app_id, single=True, key=key)
        for one in made or []:
            self.remember(key, app_id, "pgledger_sweep", asked, sent, one.id)

    @rule(
        name=st.sampled_from(PATHS),
        currency=st.sampled_from(("USD", "EUR")),
        app_id=st.sampled_from(("", "", "shop")),
        tenant_id=st.sampled_from(("", "", "t1")),
        kind=kinds,
        again=st.booleans(),
    )
    def ensure_account(
        self, name: str, currency: str, app_id: str, tenant_id: str, kind: str, again: bool
    ) -> None:
        self.ensure(name, currency, app_id, tenant_id, kind)
        if again:
            self.use_again(0, "last")

    def ensure(self, name: str, currency: str, app_id: str, tenant_id: str, kind: str) -> None:
        opening = Opening(name, currency, app_id=app_id, tenant_id=tenant_id)
        key = self.key_for(kind, app_id)
        arguments = [name, currency, app_id, tenant_id, key]
        asked = account_asked(opening)
        used = self.used(key, app_id, "pgledger_ensure_account", asked)
        if used is not None:
            rows = self.call(used, ENSURE, arguments, key=key)
            if isinstance(used, Use):
                self.take_replay(used, rows)
            return
        place = (app_id, tenant_id, currency, name)
        expected: Refusal | Account | None
        if place in self.model.names:
            expected = self.model.accounts[self.model.names[place]]
        else:
            found = self.model.plan_name(*place)
            there = isinstance(found, Account) or found.error is AccountAmbiguous
            expected = found if there else None
        if isinstance(expected, Account):
            made = self.model.created[expected.id]
            if (made.min_balance, made.max_balance, made.metadata) != (None, None, None):
                expected = Refusal(IdempotencyConflict)
        rows = self.call(expected, ENSURE, arguments, key=key)
        if rows is None:
            return
        answer = Account(*rows[0])
        if isinstance(expected, Account):
            assert answer == expected
            assert answer.replayed is True
        else:
            self.model.open_account(opening, answer)
        self.model.names[place] = answer.id
        sent = (ENSURE, arguments)
        self.remember(key, app_id, "pgledger_ensure_account", asked, sent, answer.id)
        self.settle()

    @rule(
        place=small,
        other=small,
        amount=amounts,
        known=st.sampled_from((True, True, True, False)),
        kind=kinds,
        again=st.booleans(),
    )
    def transfer_by_name(
        self, place: int, other: int, amount: str, known: bool, kind: str, again: bool
    ) -> None:
        self.pay_by_name(place, other, amount, known=known, kind=kind)
        if again:
            self.use_again(0, "last")

    def pay_by_name(self, place: int, other: int, amount: str, *, known: bool, kind: str) -> None:
        accounts = self.books("")
        source = accounts[place % len(accounts)]
        target = accounts[other % len(accounts)]
        name = target.name if known else "nobody"
        if (source.name, source.tenant_id) == (name, target.tenant_id):
            return
        found = [
            self.model.plan_name("", source.tenant_id, source.currency, source.name),
            self.model.plan_name("", target.tenant_id, source.currency, name),
        ]
        key = self.key_for(kind, "")
        ends = [source.name, name, amount, source.currency]
        arguments = [*ends, "", source.tenant_id, target.tenant_id, key]
        asked = (source.name, name, Decimal(amount), *arguments[3:7])
        used = self.used(key, "", TRANSFER_BY_NAME, asked)
        # A repeat needs no names; another request has to name accounts before its key matters.
        refusal = next((one for one in found if isinstance(one, Refusal)), used)
        if isinstance(used, Use) or refusal is not None:
            rows = self.call(
                used if isinstance(used, Use) else refusal, BY_NAME, arguments, key=key
            )
            if isinstance(used, Use):
                self.take_replay(used, rows)
            return
        ids_of = [one.id for one in found if isinstance(one, Account)]
        request = Request(ids_of[0], ids_of[1], amount)
        made = self.transfer([request], BY_NAME, arguments, app_id="", single=True, key=key)
        for made_one in made or []:
            sent = (BY_NAME, arguments)
            self.remember(key, "", TRANSFER_BY_NAME, asked, sent, made_one.id)

    @rule(
        place=small,
        unknown=st.sampled_from((False, False, False, True)),
    )
    def find_account(self, place: int, unknown: bool) -> None:
        accounts = list(self.model.accounts.values())
        account = accounts[place % len(accounts)]
        name = "nobody" if unknown else account.name
        expected = self.model.plan_name(account.app_id, account.tenant_id, account.currency, name)
        rows = self.call(
            expected, FIND, [name, account.currency, account.app_id, account.tenant_id]
        )
        if rows is not None:
            assert Account(*rows[0]) == expected
            self.is_sound = True

    @rule(
        prefix=st.sampled_from(("users", "users.1", "assets", "n")),
        app_id=st.sampled_from(("", "shop")),
    )
    def add_up_by_path(self, prefix: str, app_id: str) -> None:
        sums: dict[str, tuple[Decimal, Decimal, Decimal, int]] = {}
        for account in self.model.accounts.values():
            below = account.name == prefix or account.name.startswith(f"{prefix}.")
            if below and (account.app_id, account.tenant_id) == (app_id, ""):
                old = sums.get(account.currency, (Decimal(0), Decimal(0), Decimal(0), 0))
                sums[account.currency] = (
                    plus(old[0], account.balance),
                    plus(old[1], account.held_out),
                    plus(old[2], account.held_in),
                    old[3] + 1,
                )
        rows = self.call(
            None, "select * from pgledger_balances(%s, 1, app_id => %s)", [prefix, app_id]
        )
        assert rows is not None
        level = prefix.split(".", maxsplit=1)[0] if "." not in prefix else prefix
        assert [tuple(row) for row in rows] == [
            (level, currency, *sums[currency]) for currency in sorted(sums)
        ]
        self.is_sound = True
