"""Reversals in the random histories: rules of the machine, and what the model makes of them."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from pgledger import Transfer, ids
from pgledger.errors import (
    BalanceOutOfRange,
    IdempotencyConflict,
    NullArgument,
    PgledgerError,
    ReversalExceeded,
    TransferNotFound,
    TransferReversed,
)
from support.exact import minus, plus, sum_of
from support.held import HeldModel
from support.keys import KeyUser, Use, kinds
from support.model import (
    BOUND,
    Posting,
    Record,
    Refusal,
    Request,
    Time,
    amount_fault,
    decimal_of,
    decoded,
    id_fault,
    metadata_fault,
    reason_fault,
    scope_fault,
)

WITHIN = (
    "select * from pgledger_reverse_transfer(transfer_id => %s, amount => %s::numeric,"
    " event_at => %s::timestamptz, metadata => %s::jsonb, id => %s, app_id => %s,"
    " idempotency_key => %s)"
)
OVER = (
    "select * from pgledger_reverse_transfer_over_limits(transfer_id => %s, amount => %s::numeric,"
    " event_at => %s::timestamptz, metadata => %s::jsonb, id => %s, app_id => %s,"
    " idempotency_key => %s, reason => %s)"
)
UNKNOWN = "pglt_01JTVST7XAES5BXHWZN4KR4VEZ"


@dataclass(frozen=True, slots=True)
class Reversing:
    """A request for a reversal, as it was sent."""

    transfer_id: str | None
    amount: str | None
    app_id: str
    event_at: Time | None = None
    metadata: str | None = None
    id: str | None = None
    over_limits: bool = False
    reason: str | None = None

    def arguments(self, key: str | None) -> list[Any]:
        event_at = self.event_at.text if self.event_at else None
        arguments = [self.transfer_id, self.amount, event_at, self.metadata, self.id, self.app_id]
        return [*arguments, key, self.reason] if self.over_limits else [*arguments, key]

    @property
    def asked(self) -> tuple[Any, ...]:
        """What a key's second call has to have in common with the first."""
        return (*self.details, self.id, decimal_of(self.amount))

    @property
    def details(self) -> tuple[Any, ...]:
        """What a repeat has to have in common with the first call, besides its amount."""
        event_at = self.event_at.at if self.event_at else None
        return (
            *(self.transfer_id, self.app_id, event_at, decoded(self.metadata)),
            *(self.over_limits, self.reason),
        )


class ReversedModel(HeldModel):
    """A model that knows reversals, too."""

    def __init__(self) -> None:
        super().__init__()
        # How each reversal was asked for, and whether it took all that was left.
        self.reversings: dict[str, tuple[Reversing, bool]] = {}

    def copy(self) -> "ReversedModel":
        other = ReversedModel()
        vars(other).update(vars(super().copy()))
        other.reversings = dict(self.reversings)
        return other

    def reversed_amount(self, transfer_id: str) -> Decimal:
        return sum_of(
            [
                record.transfer.amount
                for record in self.records.values()
                if record.transfer.origin_id == transfer_id
            ]
        )

    @staticmethod
    def _reversing_fault(reversing: Reversing) -> type[PgledgerError] | None:
        fault = scope_fault(reversing.app_id) or id_fault(reversing.transfer_id, "pglt")
        if fault is None and reversing.over_limits:
            reason = reversing.reason
            fault = NullArgument if reason is None else reason_fault(reason)
        if fault is None and reversing.amount is not None:
            fault = amount_fault(reversing.amount)
        fault = fault or metadata_fault(reversing.metadata)
        return fault or (None if reversing.id is None else id_fault(reversing.id, "pglt"))

    def plan_reversal(
        self, reversing: Reversing, used: Refusal | Use | None = None
    ) -> Refusal | Use | Record | Posting:
        if fault := self._reversing_fault(reversing):
            return Refusal(fault)
        record = self.records.get(reversing.transfer_id or "")
        if record is None or record.transfer.app_id != reversing.app_id:
            return Refusal(TransferNotFound)
        if used is not None:
            return used
        if reversing.id in self.records:
            return self._repeated(reversing)
        transfer = record.transfer
        left = minus(transfer.amount, self.reversed_amount(transfer.id))
        amount = left if reversing.amount is None else Decimal(reversing.amount)
        if left == 0:
            return Refusal(TransferReversed)
        if amount > left:
            return Refusal(ReversalExceeded)
        request = Request(
            transfer.to_account_id,
            transfer.from_account_id,
            f"{amount:f}",
            reversing.event_at,
            reversing.metadata,
            reversing.id,
        )
        if fault := self.place_fault(request):
            return Refusal(fault)
        if reversing.over_limits:
            source = self.accounts[transfer.to_account_id]
            target = self.accounts[transfer.from_account_id]
            from_balance, to_balance = minus(source.balance, amount), plus(target.balance, amount)
            if from_balance <= -BOUND or to_balance >= BOUND:
                return Refusal(BalanceOutOfRange)
            return Posting(request, from_balance, to_balance)
        plan = self._balances([request], [None])
        if isinstance(plan, Refusal):
            return Refusal(plan.error)
        (posting,) = plan
        assert isinstance(posting, Posting)
        return posting

    def _repeated(self, reversing: Reversing) -> Refusal | Record:
        record = self.records[reversing.id or ""]
        first, took_the_rest = self.reversings.get(reversing.id or "", (None, False))
        same_amount = (
            took_the_rest
            if reversing.amount is None
            else Decimal(reversing.amount) == record.transfer.amount
        )
        if first is None or first.details != reversing.details or not same_amount:
            return Refusal(IdempotencyConflict)
        return record

    def reverse(self, reversing: Reversing, posting: Posting, answer: Transfer) -> None:
        transfer = self.records[reversing.transfer_id or ""].transfer
        assert answer.origin_id == transfer.id
        self.post(
            [posting],
            [replace(answer, origin_id=None)],
            app_id=reversing.app_id,
            group_id=transfer.group_id,
        )
        event_at = reversing.event_at.at if reversing.event_at else None
        self.records[answer.id] = Record(answer, event_at)
        rest = minus(transfer.amount, self.reversed_amount(transfer.id))
        assert rest >= 0
        self.reversings[answer.id] = (reversing, rest == 0)


small = st.integers(0, 15)
parts = st.sampled_from(
    (*(None, None, "0.01", "0.5", "1", "half", "half", "the rest", "too much") * 2, "0", "NaN")
)
reasons = st.sampled_from((*("chargeback", "r" * 1000) * 4, None, "", "\u200b"))
identities = st.sampled_from((*[""] * 5, "new", "new", "again", "again", "changed", "another's"))


class ReversalRules(KeyUser):
    """What the machine does with reversals."""

    conn: Any
    call: Any
    transfer: Any

    def some_transfer(self, place: int, *, reversal: bool = False) -> Transfer | None:
        records = [
            record
            for record in self.model.records.values()
            if not reversal or record.transfer.id in self.model.reversings
        ]
        if not records:
            return None
        transfer: Transfer = records[-1 - place % len(records)].transfer
        return transfer

    def part(self, transfer: Transfer, amount: str | None) -> str | None:
        left = minus(transfer.amount, self.model.reversed_amount(transfer.id))
        match amount:
            case "half":
                return f"{left / 2:f}" if 0 < left < 10**6 else "1"
            case "the rest":
                return f"{left:f}" if left else "1"
            case "too much":
                more = plus(left, Decimal("0.01"))
                return f"{more:f}" if more < BOUND else None
            case _:
                return amount

    @precondition(lambda self: self.model.records)
    @rule(
        place=small,
        of_a_reversal=st.booleans(),
        amount=parts,
        identity=identities,
        over_limits=st.sampled_from((False, False, True)),
        reason=reasons,
        metadata=st.sampled_from((None, None, '{"why": 1}', "[]")),
        other_app=st.sampled_from((*[False] * 9, True)),
        kind=kinds,
    )
    def reverse_transfer(
        self,
        place: int,
        of_a_reversal: bool,
        amount: str | None,
        identity: str,
        over_limits: bool,
        reason: str | None,
        metadata: str | None,
        other_app: bool,
        kind: str,
    ) -> None:
        transfer = self.some_transfer(place, reversal=of_a_reversal)
        if transfer is None:
            return
        app_id = transfer.app_id
        if other_app:
            app_id = "shop" if app_id == "" else ""
        reversing = Reversing(
            transfer.id,
            self.part(transfer, amount),
            app_id,
            metadata=metadata,
            over_limits=over_limits,
            reason=reason if over_limits else None,
        )
        self.reverse(self.identified(reversing, identity, place), kind)

    def identified(self, reversing: Reversing, identity: str, place: int) -> Reversing:
        made: list[tuple[str, tuple[Reversing, bool]]] = list(self.model.reversings.items())
        if identity == "new":
            return replace(reversing, id=ids.generate("pglt"))
        if identity == "another's":
            return replace(reversing, id=next(iter(self.model.records)))
        if identity in {"again", "changed"} and made:
            own, (first, _) = made[-1 - place % len(made)]
            if identity == "changed":
                return replace(reversing, id=own)
            recorded = self.model.records[own].transfer.amount
            # What was left open may be named, and the other way round.
            amount = (first.amount, f"{recorded:f}", None)[place % 3]
            return replace(first, id=own, amount=amount)
        return reversing

    def reverse(self, reversing: Reversing, kind: str = "") -> Transfer | None:
        key = self.key_for(kind, reversing.app_id)
        query = OVER if reversing.over_limits else WITHIN
        function = query.removeprefix("select * from ").partition("(")[0]
        used = self.used(key, reversing.app_id, function, reversing.asked)
        expected = self.model.plan_reversal(reversing, used)
        arguments = reversing.arguments(key)
        rows = self.call(expected, query, arguments, key=key)
        if rows is None:
            return None
        if isinstance(expected, Use):
            self.take_replay(expected, rows)
            return None
        (answer,) = [Transfer(*row) for row in rows]
        if isinstance(expected, Record):
            assert replace(answer, replayed=False) == replace(expected.transfer, replayed=False)
            assert answer.replayed is True
        else:
            self.model.reverse(reversing, expected, answer)
        sent = (query, arguments)
        self.remember(key, reversing.app_id, function, reversing.asked, sent, answer.id)
        self.is_sound = True
        return answer

    @precondition(lambda self: self.model.records)
    @rule(
        place=small,
        acts=st.lists(
            st.sampled_from(
                ("half", "0.01", "the rest", "too much", "again", "back", "over", "key again")
            ),
            min_size=2,
            max_size=5,
        ),
        kind=kinds,
    )
    def use_a_transfer_up(self, place: int, acts: list[str], kind: str) -> None:
        transfer = self.some_transfer(place)
        assert transfer is not None
        last: Reversing | None = None
        for act in acts:
            if act == "again":
                if last is not None:
                    self.reverse(last)
                continue
            if act == "key again":
                self.use_again(0, "last")
                continue
            if act == "back" and last is not None and last.id in self.model.records:
                # A reversal is a transfer, which can be reversed.
                self.reverse(Reversing(last.id, None, transfer.app_id))
                continue
            over = act == "over"
            last = Reversing(
                transfer.id,
                None if over else self.part(transfer, act if act != "back" else "half"),
                transfer.app_id,
                id=ids.generate("pglt"),
                over_limits=over,
                reason="used up" if over else None,
            )
            self.reverse(last, kind)

    @rule(place=small, spent=st.sampled_from(("0.5", "3", "7.25")), over=st.booleans())
    def refund_what_was_spent(self, place: int, spent: str, over: bool) -> None:
        own = [
            account
            for account in self.model.accounts.values()
            if account.app_id == "" and account.currency == "USD" and account.status == "open"
        ]
        bounded = [account for account in own if account.min_balance is not None]
        free = [account for account in own if account.min_balance is account.max_balance is None]
        if not bounded or not free:
            return
        shop, bank = bounded[place % len(bounded)], free[place % len(free)]
        self.pay(bank.id, shop.id, "8")
        payment = self.some_transfer(0)
        if payment is None or payment.to_account_id != shop.id:
            return
        # All that it may spend, so that the refund is too much for it.
        left = self.model.accounts[shop.id].available_balance
        if 0 < left < BOUND:
            self.pay(shop.id, bank.id, f"{left:f}")
        self.reverse(Reversing(payment.id, spent, ""))
        if over:
            self.reverse(Reversing(payment.id, spent, "", over_limits=True, reason="it was spent"))

    def pay(self, from_account_id: str, to_account_id: str, amount: str) -> None:
        self.transfer(
            [Request(from_account_id, to_account_id, amount)],
            "select * from pgledger_create_transfer(%s, %s, %s::numeric)",
            [from_account_id, to_account_id, amount],
            app_id="",
            single=True,
        )

    @rule(place=small, unknown=st.sampled_from((False, False, False, True)))
    def ask_what_was_reversed(self, place: int, unknown: bool) -> None:
        transfer = self.some_transfer(place)
        query = "select pgledger_reversed_amount(%s, %s)"
        if transfer is None or unknown:
            self.call(Refusal(TransferNotFound), query, [UNKNOWN, ""])
            return
        rows = self.call(None, query, [transfer.id, transfer.app_id])
        assert rows == [(self.model.reversed_amount(transfer.id),)]
        self.is_sound = True


def assert_reversals_match(conn: Any, model: ReversedModel) -> None:
    """Asserts that the ledger knows of each transfer what was reversed, and what over limits."""
    rows = conn.execute(
        "select id, pgledger_reversed_amount(id, app_id) from pgledger_transfers_v1"
    ).fetchall()
    assert dict(rows) == {name: model.reversed_amount(name) for name in model.records}
    rows = conn.execute(
        "select reversal_id, allowed_at, allowed_by, allowed_as, reason"
        " from pgledger.reversals_over_limits order by reversal_id"
    ).fetchall()
    assert rows == [
        (own, model.records[own].transfer.created_at, conn.info.user, "none", reversing.reason)
        for own, (reversing, _) in sorted(model.reversings.items())
        if reversing.over_limits
    ]
