"""Idempotency keys in the random histories: repeated with the same and with other requests."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from pgledger import Hold, Transfer
from pgledger.errors import (
    IdempotencyConflict,
    InvalidArgument,
    InvalidTime,
    NullArgument,
)
from support.conditioned import CONDITIONS, Ask, conditions_of, right_asks
from support.held import GROUPS, SPANS, STEP, Making, amounts, small
from support.keys import TRANSFER, KeyUser, Use, transfer_asked
from support.model import Refusal, Request, request_fault, scope_fault
from support.wide import WideModel

HOLD = "pgledger_create_hold"
KEYED_BULK = (
    "select * from pgledger_create_transfers_bulk(%s::text[], %s::text[], %s::numeric[],"
    f" app_id => %s, require_from_versions => {CONDITIONS.format('[]', 's')}, group_id => %s,"
    " idempotency_keys => %s::text[])"
)
KEYED_SINGLE = (
    "select * from pgledger_create_transfer(%s, %s, %s::numeric, app_id => %s,"
    f" require_from_version => {CONDITIONS.format('', '')}, idempotency_key => %s)"
)
KEYED_HOLD = (
    "select * from pgledger_create_hold(%s, %s, %s::numeric, %s::timestamptz, %s::interval,"
    " app_id => %s, group_id => %s, idempotency_key => %s)"
)
PURGE = "select pgledger_purge_idempotency_keys(%s::timestamptz, %s, %s, %s)"
KNOWN = "select app_id, idempotency_key, function_name, result_id from pgledger.idempotency_keys"


class KeyedModel(WideModel):
    """A model that knows idempotency keys, too."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: dict[tuple[str, str], Use] = {}
        # What keys were used for that have been purged, and not used again.
        self.purged: dict[tuple[str, str], Use] = {}

    def copy(self) -> "KeyedModel":
        other = KeyedModel()
        vars(other).update(vars(super().copy()))
        other.keys = dict(self.keys)
        other.purged = dict(self.purged)
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

    def plan_purge(
        self,
        before: datetime | str | None,
        max_keys: int | None,
        app_id: str | None,
        *,
        allow_recent: bool,
    ) -> Refusal | list[tuple[str, str]]:
        """Returns the keys of which a purge takes as many as it may, or its error."""
        fault = scope_fault(app_id)
        if fault is not None:
            pass
        elif before is None:
            fault = NullArgument
        elif isinstance(before, str) or (
            before > self.now - timedelta(days=7) and not allow_recent
        ):
            fault = InvalidTime
        elif max_keys is None or not 1 <= max_keys <= 1_000_000:
            fault = InvalidArgument
        if fault is not None:
            return Refusal(fault)
        assert isinstance(before, datetime)
        return [place for place, use in self.keys.items() if place[0] == app_id and use.at < before]


drafts = st.tuples(
    *(small, small, amounts),
    st.sampled_from(("", "new", "new", "again", "again", "other", "purged")),
)
Draft = tuple[int, int, str, str]
Asked = list[tuple[Request, str | None]]


class KeyRules(KeyUser):
    """What the machine does with keys."""

    conn: Any
    request: Any
    call: Any
    count: Any
    take_hold: Any
    under_conditions: Any

    def ask(self, draft: Draft, ask: Ask, app_id: str, made: Asked) -> tuple[Request, str | None]:
        """Returns a request for a transfer, and a key for it."""
        source, target, amount, kind = draft
        (request,) = self.under_conditions(
            [self.request((source, target, amount, {}, ""), app_id, [])], [ask]
        )
        uses: dict[tuple[str, str], Use] = (
            self.model.purged if kind == "purged" else self.model.keys
        )
        known: Asked = [
            (use.request or request, key)
            for (app, key), use in uses.items()
            if app == app_id and (use.request is not None or kind == "other")
        ]
        if kind != "purged":
            known += [(one, key) for one, key in made if key]
        if kind == "":
            return request, None
        if kind == "new" or not known:
            self.chosen += 1
            return request, f"evt {self.chosen}"
        first, key = known[-1 - source % len(known)]
        if kind == "other":
            return request, key
        # The same by value, in other words.
        again = first.amount or ""
        return replace(first, amount=f"{again}0" if "." in again else again), key

    def expect(
        self, asked: Asked, app_id: str, group_id: str | None
    ) -> Refusal | dict[int, str | None]:
        """Returns which requests are repeats, and of which transfer if it is an earlier call's."""
        requests = [request for request, _ in asked]
        fault: Refusal | None = self.model.early_fault(requests, app_id)
        if fault is not None:
            return fault
        repeated: dict[int, str | None] = {}
        first_places: dict[str, int] = {}
        for place, (request, key) in enumerate(asked):
            if key is None:
                continue
            first_place = first_places.setdefault(key, place)
            values = transfer_asked(request, group_id)
            use = self.used(key, app_id, TRANSFER, values)
            if isinstance(use, Refusal):
                return replace(use, index=place + 1)
            if use is not None:
                repeated[place] = use.result_id
            elif first_place < place:
                if transfer_asked(asked[first_place][0], group_id) != values:
                    return Refusal(IdempotencyConflict, place + 1)
                repeated[place] = None
        return repeated

    @rule(
        batch=st.lists(drafts, min_size=1, max_size=5),
        asks=st.lists(
            st.one_of(*[st.just((None, None, None, None))] * 2, right_asks), min_size=5, max_size=5
        ),
        app_id=st.sampled_from(("", "", "", "shop")),
        group_id=st.sampled_from(GROUPS),
        single=st.booleans(),
    )
    def create_transfers_under_keys(
        self, batch: list[Draft], asks: list[Ask], app_id: str, group_id: str | None, single: bool
    ) -> None:
        self.transfer_under_keys(batch, asks, app_id, group_id, single=single)

    def transfer_under_keys(
        self,
        batch: list[Draft],
        asks: list[Ask],
        app_id: str,
        group_id: str | None,
        *,
        single: bool,
    ) -> None:
        if single:
            batch, group_id = batch[:1], None
        asked: Asked = []
        for draft, ask in zip(batch, asks, strict=False):
            asked.append(self.ask(draft, ask, app_id, asked))
        expected = self.expect(asked, app_id, group_id)
        new: list[int] = []
        plan: Any = expected
        if not isinstance(expected, Refusal):
            new = [place for place in range(len(asked)) if place not in expected]
            plan = self.model.plan_transfers(
                [asked[place][0] for place in new], app_id=app_id, group_id=group_id
            )
            if isinstance(plan, Refusal) and plan.index is not None:
                plan = replace(plan, index=new[plan.index - 1] + 1)
        if single and isinstance(plan, Refusal):
            plan = replace(plan, index=None)
        requests = [request for request, _ in asked]
        arrays = [
            [request.from_account_id for request in requests],
            [request.to_account_id for request in requests],
            [request.amount for request in requests],
        ]
        conditions = conditions_of(requests)
        keys = [key for _, key in asked]
        if single:
            sent: tuple[Any, ...] = (
                *(array[0] for array in arrays),
                *(app_id, *(array[0] for array in conditions), keys[0]),
            )
        else:
            sent = (*arrays, app_id, *conditions, group_id, keys)
        rows = self.call(plan, KEYED_SINGLE if single else KEYED_BULK, [*sent], key="some")
        if rows is None:
            return
        assert not isinstance(expected, Refusal)
        answers = [Transfer(*row) for row in rows]
        self.model.post(plan, [answers[place] for place in new], app_id=app_id, group_id=group_id)
        for place, (request, key) in enumerate(asked):
            if place in expected:
                earlier = expected[place] or self.model.keys[app_id, key].result_id
                assert answers[place].replayed is True
                assert answers[place] == self.model.records[earlier].transfer
                self.count("a transfer under its key", self.model.keys[app_id, key])
                continue
            if self.model.purged.pop((app_id, key), None):
                self.count("a transfer under a purged key", None)
            alone = (*(array[place] for array in arrays), app_id)
            alone = (*alone, *(array[place] for array in conditions), key)
            self.remember(
                *(key, app_id, TRANSFER, transfer_asked(request, group_id)),
                *((KEYED_SINGLE, alone), answers[place].id),
                request=request,
                group_id=group_id,
            )
        self.is_sound = True

    @rule(
        draft=st.tuples(small, small, amounts),
        kind=st.sampled_from(("new", "new", "other")),
        app_id=st.sampled_from(("", "", "", "shop")),
        span=st.sampled_from(SPANS),
        as_length=st.booleans(),
        group_id=st.sampled_from(GROUPS),
    )
    def make_a_hold_under_a_key(
        self,
        draft: tuple[int, int, str],
        kind: str,
        app_id: str,
        span: timedelta | None,
        as_length: bool,
        group_id: str | None,
    ) -> None:
        request = self.request((*draft, {}, ""), app_id, [])
        expires_at = self.model.now + span if span and not as_length else None
        making = Making(request, app_id, expires_at, span if as_length else None, group_id)
        key = self.key_for(kind, app_id)
        asked = (
            *transfer_asked(request, group_id)[:3],
            *(making.expires_at, making.expires_in, group_id),
        )
        expected: Any = self.model.early_fault([request], app_id)
        if expected is not None:
            expected = replace(expected, index=None)
        expected = expected or self.used(key, app_id, HOLD, asked) or self.model.plan_hold(making)
        arguments = [
            *(request.from_account_id, request.to_account_id, request.amount),
            *(making.expires_at, making.expires_in, app_id, group_id, key),
        ]
        rows = self.call(expected, KEYED_HOLD, arguments, key=key)
        if rows is None:
            return
        if isinstance(expected, Use):
            self.take_replay(expected, rows)
            return
        (answer,) = [Hold(*row) for row in rows]
        self.take_hold(answer, making)
        self.remember(key, app_id, HOLD, asked, (KEYED_HOLD, arguments), answer.id)

    @precondition(lambda self: self.model.keys)
    @rule(
        uses=st.lists(
            st.tuples(st.integers(0, 255), st.sampled_from(("same", "reworded", "other"))),
            min_size=3,
            max_size=8,
        )
    )
    def use_keys_again(self, uses: list[tuple[int, str]]) -> None:
        for place, way in uses:
            self.use_again(place, way)

    @rule(
        draft=st.tuples(small, small, amounts),
        app_id=st.sampled_from(("", "", "shop")),
        acts=st.lists(
            st.sampled_from(("new", "again", "other", "purge", "purged")), min_size=1, max_size=5
        ),
    )
    def live_through_a_key(self, draft: tuple[int, int, str], app_id: str, acts: list[str]) -> None:
        nothing: Ask = (None, None, None, None)
        self.transfer_under_keys([(*draft, "new")], [nothing], app_id, None, single=True)
        for act in acts:
            if act == "purge":
                self.purge(self.model.now + STEP / 2, 10000, app_id, allow_recent=True)
            kind = "purged" if act == "purge" else act
            self.transfer_under_keys([(0, *draft[1:], kind)], [nothing], app_id, None, single=True)

    @rule(
        steps=st.sampled_from((*(-1, 0, 0, 1, 2, 5) * 2, "infinity", None)),
        max_keys=st.sampled_from((*(1, 2, 3, 10000) * 3, 0, 1_000_001, None)),
        allow_recent=st.sampled_from((True, True, True, True, False)),
        app_id=st.sampled_from((*("", "shop") * 5, None, "a b")),
        long_ago=st.sampled_from((*[False] * 7, True)),
    )
    def purge_keys(
        self,
        steps: int | str | None,
        max_keys: int | None,
        allow_recent: bool,
        app_id: str | None,
        long_ago: bool,
    ) -> None:
        # In the middle between two steps of the clock.
        before: Any = steps
        if isinstance(steps, int):
            before = self.model.now - steps * STEP - STEP / 2
            before -= timedelta(days=8) if long_ago else timedelta(0)
        self.purge(before, max_keys, app_id, allow_recent=allow_recent)

    def purge(
        self, before: Any, max_keys: int | None, app_id: str | None, *, allow_recent: bool
    ) -> None:
        old = self.model.plan_purge(before, max_keys, app_id, allow_recent=allow_recent)
        rows = self.call(old, PURGE, [before, max_keys, allow_recent, app_id])
        if rows is None:
            return
        known = {(row[0], row[1]) for row in self.conn.execute(KNOWN).fetchall()}
        gone = [place for place in self.model.keys if place not in known]
        # Which ones it takes, if it may not take all, is its own affair.
        assert set(gone) <= set(old)
        assert rows == [(len(gone),)]
        assert len(gone) == min(len(old), max_keys or 0)
        for place in gone:
            self.model.purged[place] = self.model.keys.pop(place)
            self.count("a purged key", None)
        self.is_sound = True


def assert_keys_match(conn: Any, model: KeyedModel) -> None:
    """Asserts that the ledger knows the keys that the model knows, and what came of them."""
    rows = conn.execute(f"{KNOWN} order by app_id, idempotency_key").fetchall()
    assert rows == [
        (*place, use.function, use.result_id) for place, use in sorted(model.keys.items())
    ]
