"""Conditions, outcomes and previews in the random histories.

What a request requires is chosen by what its accounts will be when its turn comes, rightly and
wrongly, so that both ends are common.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from pgledger import PgledgerError, Transfer, TransferOutcome
from support.exact import minus, plus
from support.keys import KeyUser
from support.model import (
    Outcomes,
    Posting,
    Record,
    Refusal,
    Request,
    Span,
    States,
    amount_fault,
)

CONDITIONS = (
    "%s::bigint{0}, require_to_version{1} => %s::bigint{0},"
    " require_from_balance{1} => %s::text{0}::numrange{0},"
    " require_to_balance{1} => %s::text{0}::numrange{0}"
)
SINGLE = (
    "select * from pgledger_create_transfer(%s, %s, %s::numeric, %s::timestamptz, %s::jsonb, %s,"
    f" app_id => %s, require_from_version => {CONDITIONS.format('', '')})"
)
ARRAYS = (
    "(%s::text[], %s::text[], %s::numeric[], %s::timestamptz[], %s::jsonb[], %s::text[],"
    " app_id => %s, group_id => %s, allow_future_event_at => %s,"
    f" require_from_versions => {CONDITIONS.format('[]', 's')})"
)
BULK = f"select * from pgledger_create_transfers_bulk{ARRAYS}"
OUTCOMES = f"select * from pgledger_create_transfers_outcomes{ARRAYS}"
PREVIEW = f"select * from pgledger_preview_transfers{ARRAYS}"
MADE = (
    "select transfer.* from unnest(%s::text[]) with ordinality as given (id, place)"
    " inner join pgledger_transfers_v1 as transfer on given.id = transfer.id order by given.place"
)
FINGERPRINT = "select " + ", ".join(
    f"(select sum(hashtextextended(row::text, 0)) from pgledger.{table} as row)"
    for table in ("accounts", "transfers", "holds", "idempotency_keys")
)

# What of an outcome is filled in for each end.
NO_VALUES: Sequence[Any] = [0, "", *[None] * 11]
BLANK = TransferOutcome(*NO_VALUES)

VERSIONS = (None, None, "now")
SPANS = (None, None, "exact", "around", "above", "up to")
WRONG_VERSIONS = ("stale", "ahead", "ahead", "negative")
WRONG_SPANS = ("apart", "below", "far", "empty")
Ask = tuple[str | None, str | None, str | None, str | None]
right_asks = st.tuples(*[st.sampled_from(VERSIONS)] * 2, *[st.sampled_from(SPANS)] * 2)
# One that is wrong, which the others do not hide.
wrong_asks = st.one_of(
    st.tuples(st.sampled_from(WRONG_VERSIONS), st.none(), *[st.sampled_from(SPANS)] * 2),
    st.tuples(st.sampled_from(VERSIONS), st.sampled_from(WRONG_VERSIONS), st.none(), st.none()),
    st.tuples(st.sampled_from(VERSIONS), st.none(), st.sampled_from(WRONG_SPANS), st.none()),
    st.tuples(st.none(), st.none(), st.sampled_from(SPANS), st.sampled_from(WRONG_SPANS)),
)
asks = st.one_of(right_asks, wrong_asks)


def version_asked(kind: str | None, version: int) -> int | None:
    match kind:
        case "now":
            return version
        case "stale":
            return version - 1 if version else 7
        case "ahead":
            return version + 1
        case "negative":
            return -1
        case _:
            return None


def span_asked(kind: str | None, balance: Decimal) -> Span | None:
    """Returns a range that has a balance, or just has not."""
    text = f"{balance:f}"
    match kind:
        case "exact":
            return Span(text, text)
        case "around":
            one = Decimal(1)
            return Span(f"{minus(balance, one):f}", f"{plus(balance, one):f}", "[)")
        case "above":
            return Span(text, None, "[)")
        case "up to":
            return Span(None, text, "(]")
        case "apart":
            return Span(text, None, "()")
        case "below":
            return Span(None, text, "()")
        case "far":
            return Span("123456", "123457", "()")
        case "empty":
            return Span("1", "1.0", "[)")
        case _:
            return None


def conditions_of(requests: list[Request]) -> list[list[Any]]:
    """Returns what requests require, an array for each kind."""
    return [
        [request.require_from_version for request in requests],
        [request.require_to_version for request in requests],
        [one.require_from_balance and one.require_from_balance.text for one in requests],
        [one.require_to_balance and one.require_to_balance.text for one in requests],
    ]


def array_arguments(
    requests: list[Request], app_id: str | None, group_id: str | None, allow_future: bool
) -> list[Any]:
    arrays: list[list[Any]] = [
        [request.event_at.text if request.event_at else None for request in requests],
        [request.metadata for request in requests],
        [request.id for request in requests],
        *conditions_of(requests),
    ]
    # An array of nulls and no array are the same thing; callers send either.
    optional = [
        array if any(value is not None for value in array) or len(requests) % 2 else None
        for array in arrays
    ]
    return [
        [request.from_account_id for request in requests],
        [request.to_account_id for request in requests],
        [request.amount for request in requests],
        *optional[:3],
        *(app_id, group_id, allow_future),
        *optional[3:],
    ]


class ConditionRules(KeyUser):
    """What the machine does with conditions, and with batches whose requests fail by themselves."""

    conn: Any
    count: Any
    transfer: Any
    request: Any

    def under_conditions(self, requests: list[Request], asked: list[Ask]) -> list[Request]:
        """Returns the requests with conditions, each of what those before it will have done."""
        made: list[Request] = []
        states: States = {}
        accounts = self.model.accounts
        for request, ask in zip(requests, asked, strict=False):
            source = accounts.get(request.from_account_id)
            target = accounts.get(request.to_account_id)
            if source is None or target is None or amount_fault(request.amount):
                made.append(request)
                continue
            amount = Decimal(request.amount or 0)
            from_balance, from_version = states.get(source.id, (source.balance, source.version))
            to_balance, to_version = states.get(target.id, (target.balance, target.version))
            asking = replace(
                request,
                require_from_version=version_asked(ask[0], from_version),
                require_to_version=version_asked(ask[1], to_version),
                require_from_balance=span_asked(ask[2], minus(from_balance, amount)),
                require_to_balance=span_asked(ask[3], plus(to_balance, amount)),
            )
            if asking.id not in self.model.records and not self.model.place_fault(asking):
                self.model.step(asking, states)
            made.append(asking)
        return [*made, *requests[len(made) :]]

    def transfer_under_conditions(
        self, request: Request, ask: Ask, app_id: str
    ) -> list[Transfer] | None:
        (request,) = self.under_conditions([request], [ask])
        arguments = [
            *(request.from_account_id, request.to_account_id, request.amount),
            request.event_at.text if request.event_at else None,
            *(request.metadata, request.id, app_id),
            *(array[0] for array in conditions_of([request])),
        ]
        what = "a transfer that requires something" if any(ask) else ""
        made: list[Transfer] | None = self.transfer(
            [request], SINGLE, arguments, app_id=app_id, single=True, what=what
        )
        return made

    def transfers_under_conditions(
        self, requests: list[Request], asked: list[Ask], app_id: str, group_id: str | None
    ) -> None:
        requests = self.under_conditions(requests, asked)
        arguments = array_arguments(requests, app_id, group_id, False)
        what = "a batch that requires something" if any(map(any, asked)) else ""
        self.transfer(requests, BULK, arguments, app_id=app_id, group_id=group_id, what=what)

    def foresee_and_make(
        self,
        requests: list[Request],
        asked: list[Ask],
        app_id: str | None,
        group_id: str | None,
        *,
        allow_future: bool,
        way: str,
    ) -> None:
        """Previews what becomes of requests, or has it happen, or one after the other."""
        requests = self.under_conditions(requests, asked)
        arguments = array_arguments(requests, app_id, group_id, allow_future)
        plan = self.model.plan_outcomes(
            requests, app_id=app_id, group_id=group_id, allow_future_event_at=allow_future
        )
        if way != "make":
            self.preview(requests, plan, arguments)
        if way == "preview":
            return
        rows = self.call(plan, OUTCOMES, arguments)
        if rows is None:
            return
        outcomes = [TransferOutcome(*row) for row in rows]
        self.compare(requests, plan, outcomes)
        times = [one.created_at for one in outcomes if one.status == "posted"]
        assert times == sorted(times)  # type: ignore[type-var]
        kept = [place for place, item in enumerate(plan) if not isinstance(item, type)]
        known = [outcomes[place].id for place in kept]
        made: list[Transfer] = [
            Transfer(*[*row, not isinstance(plan[place], Posting)])
            for place, row in zip(kept, self.conn.execute(MADE, [known]).fetchall(), strict=True)
        ]
        self.model.post(
            [
                kept.index(item) if isinstance(item, int) else item
                for item in map(plan.__getitem__, kept)
            ],
            made,
            app_id=app_id,
            group_id=group_id,
        )
        for place, one in zip(kept, made, strict=True):
            assert outcomes[place].created_at == one.created_at
        self.is_sound = True

    def preview(
        self, requests: list[Request], plan: Refusal | Outcomes, arguments: list[Any]
    ) -> None:
        before = self.conn.execute(FINGERPRINT).fetchone()
        rows = self.call(plan, PREVIEW, arguments)
        if rows is not None:
            assert not isinstance(plan, Refusal)
            outcomes = [TransferOutcome(*row) for row in rows]
            self.compare(requests, plan, outcomes, is_preview=True)
        assert self.conn.execute(FINGERPRINT).fetchone() == before
        self.is_sound = True

    def compare(
        self,
        requests: list[Request],
        plan: Outcomes,
        outcomes: list[TransferOutcome],
        *,
        is_preview: bool = False,
    ) -> None:
        """Asserts that each request came to what the model says."""
        versions: dict[str, int] = {}
        expected: list[TransferOutcome] = []
        for place, (request, item, outcome) in enumerate(
            zip(requests, plan, outcomes, strict=True)
        ):
            if isinstance(item, int):
                known = replace(expected[item], status="replayed")
                if is_preview:
                    # That of a transfer which nobody will ever see.
                    known = replace(known, created_at=outcome.created_at)
            elif isinstance(item, Record):
                known = self.replayed_outcome(item.transfer)
            elif isinstance(item, Posting):
                ends = (request.from_account_id or "", request.to_account_id or "")
                for account_id in ends:
                    before = self.model.accounts[account_id].version
                    versions[account_id] = versions.get(account_id, before) + 1
                assert request.id is not None or (outcome.id is None) is is_preview
                assert (outcome.created_at is None) is is_preview
                known = replace(
                    BLANK,
                    status="posted",
                    id=request.id or outcome.id,
                    created_at=outcome.created_at,
                    from_account_balance=item.from_balance,
                    to_account_balance=item.to_balance,
                    from_account_version=versions[ends[0]],
                    to_account_version=versions[ends[1]],
                )
            else:
                known = self.failed_outcome(item, outcome)
            expected.append(replace(known, request_index=place + 1))
            what = "a previewed request" if is_preview else "a request by itself"
            self.count(what, Refusal(item) if isinstance(item, type) else item)
        assert outcomes == expected

    @staticmethod
    def replayed_outcome(transfer: Transfer) -> TransferOutcome:
        return replace(
            BLANK,
            status="replayed",
            id=transfer.id,
            created_at=transfer.created_at,
            from_account_balance=transfer.from_account_balance,
            to_account_balance=transfer.to_account_balance,
            from_account_version=transfer.from_account_version,
            to_account_version=transfer.to_account_version,
        )

    @staticmethod
    def failed_outcome(error: type[PgledgerError], outcome: TransferOutcome) -> TransferOutcome:
        # Words are other tests' business; the place is told beside them.
        assert outcome.reason
        assert not outcome.reason.startswith("request ")
        return replace(
            BLANK,
            status="failed",
            error=error.sqlstate,
            error_name=error.__name__,
            reason=outcome.reason,
            detail=outcome.detail,
            hint=outcome.hint,
        )
