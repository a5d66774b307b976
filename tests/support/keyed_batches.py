"""Keys in batches, in the random histories: holds, postings, and what becomes of each by itself.

A request of a batch asks for the same as a single call, and its key is one of all keys: so the
single call may repeat it, and it may repeat a single call.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from pgledger import Hold, HoldOutcome, PgledgerError, Transfer, TransferOutcome
from pgledger.errors import IdempotencyConflict
from support.conditioned import MADE
from support.held import GROUPS, POST, SPANS, Held, Making, amounts, small
from support.keyed_rules import HOLD, KEYED_HOLD, KEYED_SINGLE, KeyRules
from support.keys import TRANSFER, Use, transfer_asked
from support.model import Posting, Record, Refusal, Request, decimal_of

POSTING = "pgledger_post_hold"
MAKE_MANY = (
    "select * from pgledger_create_holds_bulk(%s::text[], %s::text[], %s::numeric[],"
    " %s::timestamptz[], app_id => %s, group_id => %s, idempotency_keys => %s::text[])"
)
MAKE_WHAT_CAN_BE = MAKE_MANY.replace("holds_bulk", "holds_outcomes")
MOVE_WHAT_CAN_BE = (
    "select * from pgledger_create_transfers_outcomes(%s::text[], %s::text[], %s::numeric[],"
    " app_id => %s, group_id => %s, idempotency_keys => %s::text[])"
)
POST_MANY = (
    "select * from pgledger_post_holds_bulk(%s::text[], %s::numeric[], %s::boolean[], app_id => %s,"
    " idempotency_keys => %s::text[])"
)
SHOWN = "select * from pgledger_holds_v1 where id = %s"

# Which key a request has: none, a new one, that of one before it or of an earlier call with what
# was asked for then, or such a key with something else.
keyed_drafts = st.lists(
    st.tuples(
        small, small, amounts, st.sampled_from(("", "new", "new", "twice", "again", "other"))
    ),
    min_size=1,
    max_size=6,
)
Drafts = list[tuple[int, int, str, str]]


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request with its key, and what it asks for, by value."""

    key: str | None
    making: Making
    asked: tuple[Any, ...]

    @property
    def request(self) -> Request:
        return self.making.request


class KeyedBatchRules(KeyRules):
    """What the machine does with keys in batches."""

    some_hold: Any
    settle: Any

    def keyed(
        self,
        batch: Drafts,
        function: str,
        app_id: str,
        group_id: str | None,
        expires_at: datetime | None,
    ) -> list[Keyed]:
        """Returns requests for transfers or for holds, with their keys."""
        made: list[Keyed] = []
        for source, target, amount, kind in batch:
            request = self.request((source, target, amount, {}, ""), app_id, [])
            key = self.key_for("" if kind in ("twice", "again") else kind, app_id)
            before = [one for one in made if one.key]
            known = [
                (one, use.asked)
                for (app, one), use in self.model.keys.items()
                if (app, use.function) == (app_id, function)
                and self.can_be_asked_again(function, use.asked, group_id)
            ]
            making = Making(request, app_id, expires_at, None, group_id)
            if kind == "again" and known:
                key, asked = known[-1 - source % len(known)]
                again = Request(asked[0], asked[1], f"{asked[2]:f}")
                expires_at_then = asked[3] if function == HOLD else None
                making = replace(making, request=again, expires_at=expires_at_then)
            if kind == "twice" and before:
                made.append(before[source % len(before)])
                continue
            made.append(Keyed(key, making, self.asked_for(function, making)))
        return made

    @staticmethod
    def can_be_asked_again(function: str, asked: tuple[Any, ...], group_id: str | None) -> bool:
        """Whether a batch of that group can ask for the same."""
        if function == HOLD:
            return asked[4:] == (None, group_id)
        return asked[3:] == (None, None, None, group_id, None, None, None, None)

    @staticmethod
    def asked_for(function: str, making: Making) -> tuple[Any, ...]:
        asked = transfer_asked(making.request, making.group_id)
        if function == TRANSFER:
            return asked
        return (*asked[:3], making.expires_at, making.expires_in, making.group_id)

    @staticmethod
    def columns(requests: Sequence[Keyed]) -> list[list[Any]]:
        return [
            [one.request.from_account_id for one in requests],
            [one.request.to_account_id for one in requests],
            [one.request.amount for one in requests],
        ]

    def keep(self, function: str, one: Keyed, result_id: str) -> None:
        """Takes in what a new key was used for, with the single call that asks for the same."""
        request, making = one.request, one.making
        ends = (request.from_account_id, request.to_account_id, request.amount)
        sent: tuple[str, tuple[Any, ...]]
        if function == TRANSFER:
            sent = (KEYED_SINGLE, (*ends, making.app_id, None, None, None, None, one.key))
        else:
            times = (making.expires_at, making.expires_in)
            sent = (KEYED_HOLD, (*ends, *times, making.app_id, making.group_id, one.key))
        known = request if function == TRANSFER else None
        self.remember(
            *(one.key, making.app_id, function, one.asked, sent, result_id),
            request=known,
            group_id=making.group_id if known else None,
        )

    # Each by itself

    @rule(
        batch=keyed_drafts,
        app_id=st.sampled_from(("", "", "", "shop")),
        span=st.sampled_from(SPANS),
        group_id=st.sampled_from(GROUPS),
    )
    def make_holds_each_by_itself(
        self, batch: Drafts, app_id: str, span: timedelta | None, group_id: str | None
    ) -> None:
        expires_at = None if span is None else self.model.now + span
        requests = self.keyed(batch, HOLD, app_id, group_id, expires_at)
        keys = [one.key for one in requests]
        sent = [
            *self.columns(requests),
            [one.making.expires_at for one in requests],
            app_id,
            group_id,
            keys,
        ]
        rows = self.call(None, MAKE_WHAT_CAN_BE, sent)
        assert rows is not None
        for place, (one, row) in enumerate(zip(requests, rows, strict=True), 1):
            outcome = HoldOutcome(*row)
            assert outcome.request_index == place
            self.take_hold_outcome(one, outcome)
        self.settle()

    def take_hold_outcome(self, one: Keyed, outcome: HoldOutcome) -> None:
        """Asserts what became of a request, and takes it in."""
        app_id = one.making.app_id
        expected: Any = self.model.early_fault([one.request], app_id)
        expected = expected or self.used(one.key, app_id, HOLD, one.asked)
        expected = expected or self.model.plan_hold(one.making)
        self.count("a hold by itself", expected)
        if isinstance(expected, Refusal):
            assert self.failure(outcome) == expected.error
            return
        (row,) = self.conn.execute(SHOWN.encode(), [outcome.id]).fetchall()
        shown = Hold(*[*row, None])
        assert outcome == HoldOutcome(
            outcome.request_index,
            "replayed" if isinstance(expected, Use) else "made",
            *(shown.id, None, None, None, None, None, shown.created_at, shown.expires_at),
            *(shown.ended_at, shown.posted_amount, shown.status),
        )
        if isinstance(expected, Use):
            assert shown == self.model.holds[expected.result_id].at(self.model.now)
            return
        self.take_hold(replace(shown, replayed=False), one.making)
        self.keep(HOLD, one, shown.id)

    @rule(
        batch=keyed_drafts,
        app_id=st.sampled_from(("", "", "", "shop")),
        group_id=st.sampled_from(GROUPS),
    )
    def move_each_by_itself(self, batch: Drafts, app_id: str, group_id: str | None) -> None:
        requests = self.keyed(batch, TRANSFER, app_id, group_id, None)
        keys = [one.key for one in requests]
        rows = self.call(None, MOVE_WHAT_CAN_BE, [*self.columns(requests), app_id, group_id, keys])
        assert rows is not None
        for place, (one, row) in enumerate(zip(requests, rows, strict=True), 1):
            outcome = TransferOutcome(*row)
            assert outcome.request_index == place
            self.take_transfer_outcome(one, outcome)
        self.is_sound = True

    def take_transfer_outcome(self, one: Keyed, outcome: TransferOutcome) -> None:
        app_id, group_id = one.making.app_id, one.making.group_id
        expected: Any = self.model.early_fault([one.request], app_id)
        expected = expected or self.used(one.key, app_id, TRANSFER, one.asked)
        expected = expected or self.model.plan_transfers(
            [one.request], app_id=app_id, group_id=group_id
        )
        self.count("a transfer under its key by itself", expected)
        if isinstance(expected, Refusal):
            assert self.failure(outcome) == expected.error
            return
        (row,) = self.conn.execute(MADE.encode(), [[outcome.id]]).fetchall()
        is_replay = isinstance(expected, Use)
        answer = Transfer(*[*row, is_replay])
        assert (outcome.status, outcome.created_at, outcome.error) == (
            "replayed" if is_replay else "posted",
            answer.created_at,
            None,
        )
        assert (outcome.from_account_balance, outcome.to_account_version) == (
            answer.from_account_balance,
            answer.to_account_version,
        )
        if isinstance(expected, Use):
            assert answer == self.model.records[expected.result_id].transfer
            return
        self.model.post(expected, [answer], app_id=app_id, group_id=group_id)
        self.keep(TRANSFER, one, answer.id)

    @staticmethod
    def failure(outcome: HoldOutcome | TransferOutcome) -> type[PgledgerError]:
        """Returns the error that an outcome tells of."""
        assert outcome.status == "failed"
        assert (outcome.id, outcome.created_at) == (None, None)
        assert outcome.reason
        (error,) = [
            one
            for one in PgledgerError.__subclasses__()
            if (one.sqlstate, one.__name__) == (outcome.error, outcome.error_name)
        ]
        return error

    # All or nothing

    @rule(
        batch=keyed_drafts,
        app_id=st.sampled_from(("", "", "", "shop")),
        span=st.sampled_from(SPANS),
        group_id=st.sampled_from(GROUPS),
    )
    def make_holds_under_keys(
        self, batch: Drafts, app_id: str, span: timedelta | None, group_id: str | None
    ) -> None:
        expires_at = None if span is None else self.model.now + span
        requests = self.keyed(batch, HOLD, app_id, group_id, expires_at)
        answered = self.expect_holds(requests, app_id)
        expected: Any = answered
        new: list[int] = []
        if not isinstance(answered, Refusal):
            new = [place for place, item in enumerate(answered) if item is None]
            plan = self.model.plan_holds([requests[place].making for place in new])
            if isinstance(plan, Refusal) and plan.index is not None:
                expected = replace(plan, index=new[plan.index - 1] + 1)
        keys = [one.key for one in requests]
        sent = [
            *self.columns(requests),
            [one.making.expires_at for one in requests],
            app_id,
            group_id,
            keys,
        ]
        rows = self.call(expected, MAKE_MANY, sent, key="some")
        if rows is None:
            return
        assert not isinstance(answered, Refusal)
        answers = [Hold(*row) for row in rows]
        for place, (one, answer) in enumerate(zip(requests, answers, strict=True)):
            item = answered[place]
            assert answer.replayed is (place not in new)
            if isinstance(item, int):
                assert replace(answer, replayed=False) == answers[item]
            elif isinstance(item, Use):
                assert answer == self.model.holds[item.result_id].at(self.model.now)
            else:
                self.take_hold(answer, one.making)
                self.keep(HOLD, one, answer.id)
        self.settle()

    def expect_holds(self, requests: list[Keyed], app_id: str) -> Refusal | list[Use | int | None]:
        """Returns of each request which use or which request before it repeats, if any."""
        early = self.model.early_fault([one.request for one in requests], app_id)
        if isinstance(early, Refusal):
            return early
        answered: list[Use | int | None] = []
        firsts: dict[str, int] = {}
        for place, one in enumerate(requests):
            use = self.used(one.key, app_id, HOLD, one.asked)
            if isinstance(use, Refusal):
                return replace(use, index=place + 1)
            first = firsts.setdefault(one.key, place) if one.key else place
            if use is None and first < place and requests[first].asked != one.asked:
                return Refusal(IdempotencyConflict, place + 1)
            answered.append(use or (first if first < place else None))
        return answered

    @precondition(lambda self: self.model.holds)
    @rule(
        batch=st.lists(
            st.tuples(
                small,
                st.one_of(st.none(), amounts),
                st.booleans(),
                st.sampled_from(("", "new", "new", "twice", "again", "other")),
            ),
            min_size=1,
            max_size=5,
        )
    )
    def post_holds_under_keys(self, batch: list[tuple[int, str | None, bool, str]]) -> None:
        app_id = self.some_hold(batch[0][0]).hold.app_id
        requests = self.postings(batch, app_id)
        expected, steps = self.expect_postings(requests, app_id)
        columns = [[one[place] for one in requests] for place in range(4)]
        rows = self.call(expected, POST_MANY, [*columns[:3], app_id, columns[3]], key="some")
        if rows is None:
            return
        for (hold_id, amount, final, key), step, row in zip(requests, steps, rows, strict=True):
            answer = Transfer(*row)
            if isinstance(step, Posting):
                held = self.model.holds[hold_id]
                # What is left of the hold is known by now.
                posting = self.model.plan_posting(held, amount, None, final=final)
                self.model.post_hold(held, posting, answer, (amount, final))
                self.model.count_holds()
                sent = (POST, [hold_id, amount, final, None, app_id, key])
                asked = (hold_id, decimal_of(amount), final, None)
                self.remember(key, app_id, POSTING, asked, sent, answer.id)
                continue
            use = self.model.keys[app_id, key]
            assert answer == replace(self.model.records[use.result_id].transfer, replayed=True)
        self.settle()

    def postings(
        self, batch: list[tuple[int, str | None, bool, str]], app_id: str
    ) -> list[tuple[str, str | None, bool, str | None]]:
        """Returns requests for postings: of which hold, how much, whether finally, and a key."""
        requests: list[tuple[str, str | None, bool, str | None]] = []
        for place, amount, final, kind in batch:
            held: Held = self.some_hold(place)
            if held.hold.app_id != app_id:
                continue
            before = [one for one in requests if one[3]]
            known = [
                (key, use)
                for (app, key), use in self.model.keys.items()
                if (app, use.function) == (app_id, POSTING) and use.asked[3] is None
            ]
            if kind == "twice" and before:
                requests.append(before[place % len(before)])
            elif kind == "again" and known:
                key, use = known[-1 - place % len(known)]
                hold_id, again, was_final, _ = use.asked
                requests.append((hold_id, None if again is None else f"{again:f}", was_final, key))
            else:
                key = self.key_for("" if kind in ("twice", "again") else kind, app_id)
                requests.append((held.hold.id, amount, final, key))
        return requests

    def expect_postings(
        self, requests: list[tuple[str, str | None, bool, str | None]], app_id: str
    ) -> tuple[Refusal | None, list[Use | Posting]]:
        """Returns what refuses a batch, or what each request comes to, after those before it."""
        trial = self.model.copy()
        steps: list[Use | Posting] = []
        for index, (hold_id, amount, final, key) in enumerate(requests, 1):
            asked = (hold_id, decimal_of(amount), final, None)
            use = trial.keys.get((app_id, key))
            if use is not None:
                if (use.function, use.asked) != (POSTING, asked):
                    return Refusal(IdempotencyConflict, index), []
                steps.append(use)
                continue
            step = trial.plan_posting(trial.holds[hold_id], amount, None, final=final)
            if isinstance(step, Refusal):
                return Refusal(step.error, index), []
            assert not isinstance(step, Record)
            trial.foresee(hold_id, step, (amount, final))
            if key is not None:
                trial.keys[app_id, key] = Use(POSTING, asked, POST, (), trial.now, None)
            steps.append(step)
        return None, steps
