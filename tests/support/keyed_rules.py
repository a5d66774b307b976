"""Idempotency keys in the random histories: repeated with the same and with other requests."""

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from pgledger import Hold, Transfer
from pgledger.errors import IdempotencyConflict
from support.held import GROUPS, Making, amounts, small
from support.model import Refusal, Request, request_fault
from support.wide import WideModel

KEYED_BULK = (
    "select * from pgledger_create_transfers_bulk(%s::text[], %s::text[], %s::numeric[],"
    " app_id => %s, group_id => %s, idempotency_keys => %s::text[])"
)
KEYED_SINGLE = (
    "select * from pgledger_create_transfer(%s, %s, %s::numeric, app_id => %s,"
    " idempotency_key => %s)"
)
KEYED_HOLD = (
    "select * from pgledger_create_hold(%s, %s, %s::numeric, app_id => %s, group_id => %s,"
    " idempotency_key => %s)"
)


@dataclass(frozen=True, slots=True)
class Use:
    """What a key was used for, and what came of it."""

    is_hold: bool
    request: Request
    group_id: str | None
    result_id: str = ""


class KeyedModel(WideModel):
    """A model that knows idempotency keys, too."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: dict[tuple[str, str], Use] = {}

    def copy(self) -> "KeyedModel":
        other = KeyedModel()
        vars(other).update(vars(super().copy()))
        other.keys = dict(self.keys)
        return other

    def early_fault(self, requests: list[Request], app_id: str) -> Refusal | None:
        """Returns what comes before keys are looked at."""
        for index, request in enumerate(requests, 1):
            if fault := request_fault(request, allow_future_event_at=False):
                return Refusal(fault, index)
        for index, request in enumerate(requests, 1):
            if fault := self.accounts_fault(request, app_id):
                return Refusal(fault, index)
        return None

    def repeats(self, use: Use, earlier: Use) -> bool:
        return (
            use.is_hold == earlier.is_hold
            and use.group_id == earlier.group_id
            and self._same(use.request, earlier.request)
        )


kinds = st.sampled_from(("", "new", "new", "again", "again", "other"))
drafts = st.tuples(small, small, amounts, kinds)
Draft = tuple[int, int, str, str]
Asked = list[tuple[Use, str | None]]


class KeyRules:
    """What the machine does with keys."""

    conn: Any
    model: Any
    chosen: int
    is_sound: bool
    request: Any
    call: Any
    take_hold: Any

    def ask(
        self, draft: Draft, app_id: str, group_id: str | None, made: Asked, *, is_hold: bool
    ) -> tuple[Use, str | None]:
        source, target, amount, kind = draft
        use = Use(is_hold, self.request((source, target, amount, {}, ""), app_id, []), group_id)
        known = [(use, key) for (app, key), use in self.model.keys.items() if app == app_id]
        known += [(use, key) for use, key in made if key]
        if kind == "":
            return use, None
        if kind == "new" or not known:
            self.chosen += 1
            return use, f"evt {self.chosen}"
        first, key = known[-1 - source % len(known)]
        if kind == "other":
            return use, key
        # The same by value, in other words; or, of another function, another request.
        again = first.request.amount
        words = f"{again}0" if "." in again else again
        return replace(first, is_hold=is_hold, request=replace(first.request, amount=words)), key

    def expect(self, asked: Asked, app_id: str) -> Refusal | dict[int, Use]:
        """Returns which of the requests are repeats, and of what; or why none is looked at."""
        fault = self.model.early_fault([use.request for use, _ in asked], app_id)
        if fault is not None:
            return fault
        repeated: dict[int, Use] = {}
        first_places: dict[str, int] = {}
        for place, (use, key) in enumerate(asked):
            if key is None:
                continue
            first_place = first_places.setdefault(key, place)
            earlier = self.model.keys.get((app_id, key)) or asked[first_place][0]
            if not self.model.repeats(use, earlier):
                return Refusal(IdempotencyConflict, place + 1)
            if earlier.result_id or first_place < place:
                repeated[place] = earlier
        return repeated

    @rule(
        batch=st.lists(drafts, min_size=1, max_size=5),
        app_id=st.sampled_from(("", "", "", "shop")),
        group_id=st.sampled_from(GROUPS),
        single=st.booleans(),
    )
    def create_transfers_under_keys(
        self, batch: list[Draft], app_id: str, group_id: str | None, single: bool
    ) -> None:
        if single:
            batch, group_id = batch[:1], None
        asked: Asked = []
        for draft in batch:
            asked.append(self.ask(draft, app_id, group_id, asked, is_hold=False))
        # A batch has one group.
        asked = [(replace(use, group_id=group_id, result_id=""), key) for use, key in asked]
        expected = self.expect(asked, app_id)
        new: list[int] = []
        plan: Any = expected
        if not isinstance(expected, Refusal):
            new = [place for place in range(len(asked)) if place not in expected]
            plan = self.model.plan_transfers(
                [asked[place][0].request for place in new], app_id=app_id, group_id=group_id
            )
            if isinstance(plan, Refusal) and plan.index is not None:
                plan = replace(plan, index=new[plan.index - 1] + 1)
        if single and isinstance(plan, Refusal):
            plan = replace(plan, index=None)
        requests = [use.request for use, _ in asked]
        arrays = [
            [request.from_account_id for request in requests],
            [request.to_account_id for request in requests],
            [request.amount for request in requests],
        ]
        keys = [key for _, key in asked]
        rows = (
            self.call(plan, KEYED_SINGLE, [*(a[0] for a in arrays), app_id, keys[0]])
            if single
            else self.call(plan, KEYED_BULK, [*arrays, app_id, group_id, keys])
        )
        if rows is None:
            return
        assert not isinstance(expected, Refusal)
        answers = [Transfer(*row) for row in rows]
        self.model.post(plan, [answers[place] for place in new], app_id=app_id, group_id=group_id)
        for place, (use, key) in enumerate(asked):
            if place in expected:
                earlier = self.model.keys[app_id, key]
                assert answers[place].replayed is True
                assert answers[place] == self.model.records[earlier.result_id].transfer
            elif key is not None:
                self.model.keys[app_id, key] = replace(use, result_id=answers[place].id)
        self.is_sound = True

    @rule(
        draft=drafts,
        app_id=st.sampled_from(("", "", "", "shop")),
        group_id=st.sampled_from(GROUPS),
    )
    def make_a_hold_under_a_key(self, draft: Draft, app_id: str, group_id: str | None) -> None:
        use, key = self.ask(draft, app_id, group_id, [], is_hold=True)
        use = replace(use, result_id="")
        making = Making(use.request, app_id, None, None, use.group_id)
        expected = self.expect([(use, key)], app_id)
        if isinstance(expected, Refusal):
            expected = replace(expected, index=None)
        elif not expected:
            expected = self.model.plan_hold(making)
        request = use.request
        rows = self.call(
            expected,
            KEYED_HOLD,
            [
                *(request.from_account_id, request.to_account_id, request.amount),
                *(app_id, use.group_id, key),
            ],
        )
        if rows is None:
            return
        (answer,) = [Hold(*row) for row in rows]
        if expected:
            known = self.model.holds[self.model.keys[app_id, key].result_id]
            assert answer.replayed is True
            assert answer == known.at(self.model.now)
            self.is_sound = True
            return
        self.take_hold(answer, making)
        if key is not None:
            self.model.keys[app_id, key] = replace(use, result_id=answer.id)
