"""Transfers that are sent together: each caller gets what a single call would have answered.

Here they are tasks, whose turns a test can order. What threads do is in ``test_batcher_threads``,
and what happens when connections are lost in ``test_batcher_outages``.
"""

import asyncio
import datetime as dt
import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import product
from typing import Any

import psycopg
import pytest
from psycopg.types.range import Range

from pgledger import (
    AsyncTransferBatcher,
    BatcherClosed,
    BatcherFull,
    Ledger,
    PostedTransfer,
    TransferBatcher,
    TransferUnsettled,
    errors,
    ids,
)
from support.pools import AsyncPool

UTC = dt.UTC
AT_ONCE = dt.timedelta(0)
SOON = dt.timedelta(seconds=0.05)
DEADLINE_SECONDS = 60.0


class Gate(AsyncPool):
    """A pool that lends when the test says so, and counts what was sent in each call."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn)
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.asked = asyncio.Event()

    async def let_in(self) -> None:
        """Lets the calls in that wait, and nobody after them; returns when the next one asks."""
        self.asked.clear()
        self.is_open.set()
        self.is_open.clear()  # who waited is awake already
        await self.asked.wait()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
        self.asked.set()
        await self.is_open.wait()
        async with super().connection() as conn:
            yield conn


@pytest.fixture
def ledger(conn: psycopg.Connection[Any]) -> Ledger:
    conn.autocommit = True
    return Ledger(conn)


@pytest.fixture
def hot(ledger: Ledger) -> str:
    return ledger.create_account("hot", "USD").id


@pytest.fixture
def other(ledger: Ledger) -> str:
    return ledger.create_account("other", "USD").id


@pytest.fixture
def purse(ledger: Ledger) -> str:
    return ledger.create_account("purse", "USD", min_balance=0).id


@pytest.fixture
def gate(ledger_dsn: str) -> Gate:
    return Gate(ledger_dsn)


async def hold_up(gate: Gate, batcher: AsyncTransferBatcher, *request: Any) -> asyncio.Task[Any]:
    """Lets a caller come whose call goes on until the gate opens; the next ones wait for it."""
    gate.is_open.clear()
    gate.asked.clear()
    first = asyncio.create_task(batcher.create_transfer(*request))
    await gate.asked.wait()
    return first


async def wait_until(batcher: AsyncTransferBatcher, waiting: int) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while batcher.waiting != waiting:  # noqa: ASYNC110 -- it has no event for that
            await asyncio.sleep(0)


async def together(gate: Gate, batcher: AsyncTransferBatcher, first: Any, calls: Any) -> list[Any]:
    """Sends calls that come while another one goes on; returns what they return or raise."""
    held = await hold_up(gate, batcher, *first)
    tasks = [asyncio.ensure_future(call) for call in calls]
    await wait_until(batcher, len(tasks))
    gate.is_open.set()
    await held
    return await asyncio.gather(*tasks, return_exceptions=True)


# What is sent


async def test_a_lone_request_is_a_single_call_at_once(ledger, hot, other, gate: Gate):
    async with AsyncTransferBatcher(gate) as batcher:
        posted = await batcher.create_transfer(hot, other, Decimal("1.50"))
        assert [task.get_name() for task in asyncio.all_tasks()].count("pgledger batcher") == 0
    transfer = ledger.get_transfer(posted.id)
    assert transfer.amount == Decimal("1.5")
    assert posted == PostedTransfer(
        transfer.id, transfer.created_at, Decimal("-1.5"), Decimal("1.5"), 1, 1, replayed=False
    )
    assert gate.loans == 1


async def test_what_comes_meanwhile_goes_out_together(ledger, hot, other, gate: Gate):
    async with AsyncTransferBatcher(gate) as batcher:
        answers = await together(
            gate,
            batcher,
            (other, hot, 1),
            [batcher.create_transfer(other, hot, number) for number in range(1, 51)],
        )
        assert gate.loans == 2
        assert [posted.to_account_version for posted in answers] == list(range(2, 52))
        assert [posted.to_account_balance for posted in answers] == [
            1 + sum(range(1, number + 1)) for number in range(1, 51)
        ]
        for number, posted in enumerate(answers, 1):
            assert ledger.get_transfer(posted.id).amount == number
            assert not posted.replayed
        # Afterwards nobody waits, and who is alone is served at once again.
        await batcher.create_transfer(other, hot, 1)
    assert gate.loans == 3
    assert ledger.get_account(hot).version == 52


async def test_a_batch_is_no_larger_than_may_be(ledger, hot, other, gate: Gate):
    async with AsyncTransferBatcher(gate, batch_size=4) as batcher:
        answers = await together(
            gate,
            batcher,
            (other, hot, 1),
            [batcher.create_transfer(other, hot, 1) for _ in range(10)],
        )
    assert [posted.to_account_version for posted in answers] == list(range(2, 12))
    assert gate.loans == 1 + 3


async def test_order_is_kept(ledger, hot, other, gate: Gate):
    """Each request is refused unless exactly those before it have been made."""
    async with AsyncTransferBatcher(gate, batch_size=7, max_waiting=5) as batcher:
        held = await hold_up(gate, batcher, other, hot, 1)
        tasks = [
            asyncio.create_task(batcher.create_transfer(other, hot, 1, require_to_version=number))
            for number in range(1, 101)
        ]
        await wait_until(batcher, 100)
        gate.is_open.set()
        await held
        answers = await asyncio.gather(*tasks)
    assert [posted.to_account_version for posted in answers] == list(range(2, 102))


async def test_apps_and_groups_go_out_apart_and_in_order(ledger, hot, other, gate: Gate):
    one, two = (ledger.create_account(name, "USD", app_id="b").id for name in ("one", "two"))
    async with AsyncTransferBatcher(gate) as batcher:
        answers = await together(
            gate,
            batcher,
            (other, hot, 1),
            [
                batcher.create_transfer(other, hot, 1, require_to_version=1),
                batcher.create_transfer(one, two, 1, app_id="b"),
                batcher.create_transfer(other, hot, 1, group_id="g", require_to_version=2),
                batcher.create_transfer(one, two, 1, app_id="b", require_to_version=1),
                batcher.create_transfer(other, hot, 1, group_id="g", require_to_version=3),
                batcher.create_transfer(other, hot, 1, require_to_version=4),
            ],
        )
    groups = [
        ledger.get_transfer(posted.id, app_id="b" if place in (1, 3) else "").group_id
        for place, posted in enumerate(answers)
    ]
    assert groups == [None, None, "g", None, "g", None]
    assert gate.loans == 1 + 4


async def test_a_lone_request_may_have_a_group(ledger, hot, other, gate: Gate):
    async with AsyncTransferBatcher(gate) as batcher:
        posted = await batcher.create_transfer(hot, other, 1, group_id="order-7")
    assert ledger.get_transfer(posted.id).group_id == "order-7"


EVENT_AT = dt.datetime(2025, 3, 4, 5, 6, 7, 8, tzinfo=UTC)
EVERYTHING: dict[str, Any] = {
    "event_at": EVENT_AT,
    "metadata": {"order": 7, "note": 'a "quoted" \\ text, {with} NULL'},
    "allow_future_event_at": True,
    "require_from_version": 0,
    "require_to_version": 0,
    "require_from_balance": Range(Decimal(-10), Decimal(0)),
    "require_to_balance": Range(Decimal(0), None, "(]"),
    "idempotency_key": "evt_1",
}


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "together"])
async def test_everything_that_is_given_is_stored(ledger, hot, other, gate: Gate, alone):
    own = ids.generate("pglt")
    one, two = (ledger.create_account(name, "USD").id for name in ("one", "two"))
    async with AsyncTransferBatcher(gate) as batcher:
        for replayed in (False, True):
            call = batcher.create_transfer(one, two, Decimal("0.25"), id=own, **EVERYTHING)
            if alone:
                posted = await call
            else:
                more = batcher.create_transfer(other, hot, 1, allow_future_event_at=True)
                posted, _ = await together(gate, batcher, (other, hot, 1), [call, more])
            assert posted.id == own
            assert posted.replayed is replayed
            assert (posted.from_account_version, posted.to_account_version) == (1, 1)
    transfer = ledger.get_transfer(own)
    assert (transfer.event_at, transfer.metadata) == (EVENT_AT, EVERYTHING["metadata"])
    assert (transfer.amount, transfer.from_account_id, transfer.to_account_id) == (
        Decimal("0.25"),
        one,
        two,
    )
    assert posted.created_at == transfer.created_at


async def test_a_key_alone_makes_a_request_repeatable(ledger, hot, other, gate: Gate):
    async with AsyncTransferBatcher(gate) as batcher:
        first = await batcher.create_transfer(hot, other, 1, idempotency_key="k")
        again = await batcher.create_transfer(hot, other, 1, idempotency_key="k")
        batched = await together(
            gate,
            batcher,
            (other, hot, 1),
            [
                batcher.create_transfer(hot, other, 1, idempotency_key="k"),
                batcher.create_transfer(hot, other, 1, idempotency_key="m"),
                batcher.create_transfer(hot, other, 1, idempotency_key="m"),
            ],
        )
    assert [first.replayed, again.replayed] == [False, True]
    assert [posted.replayed for posted in batched] == [True, False, True]
    assert first.id == again.id == batched[0].id
    assert batched[1].id == batched[2].id


# Requests that are refused

TAKEN = ids.generate("pglt")
ABSENT = ids.generate("pgla")
FUTURE = dt.datetime(2999, 1, 1, tzinfo=UTC)
NAIVE = FUTURE.replace(tzinfo=None)

BAD: dict[str, tuple[type[Exception], tuple[Any, ...], dict[str, Any]]] = {
    "funds": (errors.InsufficientFunds, ("purse", "hot", 1), {}),
    "account": (errors.AccountNotFound, (ABSENT, "hot", 1), {}),
    "same account": (errors.SameAccount, ("hot", "hot", 1), {}),
    "malformed id": (errors.InvalidId, ("nonsense", "hot", 1), {}),
    "null": (errors.NullArgument, (None, "hot", 1), {}),
    "amount": (errors.InvalidAmount, ("other", "hot", -1), {}),
    "version": (errors.VersionMismatch, ("other", "hot", 1), {"require_to_version": 99}),
    "balance": (
        errors.BalanceConditionFailed,
        ("other", "hot", 1),
        {"require_to_balance": Range(Decimal(10**6), None)},
    ),
    "id": (errors.IdempotencyConflict, ("other", "hot", 77), {"id": TAKEN}),
    "key": (errors.IdempotencyConflict, ("other", "hot", 77), {"idempotency_key": "taken"}),
    "future": (errors.EventAtInFuture, ("other", "hot", 1), {"event_at": FUTURE}),
    "metadata": (errors.InvalidMetadata, ("other", "hot", 1), {"metadata": {"a": "x" * 70_000}}),
    "digits": (psycopg.DataError, ("other", "hot", Decimal("1e200000")), {}),
    "zero character": (psycopg.DataError, ("other", "hot", 1), {"idempotency_key": "a\0b"}),
    "half a character": (UnicodeEncodeError, ("other", "hot", 1), {"idempotency_key": "\ud800"}),
    "zero in metadata": (psycopg.DataError, ("other", "hot", 1), {"metadata": {"a": "\0"}}),
}


@pytest.mark.parametrize("fault", BAD)
async def test_a_bad_request_fails_alone_with_the_error_of_a_single_call(
    ledger, hot, other, purse, gate: Gate, fault
):
    kind, places, options = BAD[fault]
    names = {"hot": hot, "other": other, "purse": purse}
    request = tuple(names.get(place, place) for place in places)
    ledger.create_transfer(other, hot, 1, id=TAKEN)
    ledger.create_transfer(other, hot, 1, idempotency_key="taken")
    with pytest.raises(kind) as single:
        ledger.create_transfer(*request, **options)

    async with AsyncTransferBatcher(gate) as batcher:
        with pytest.raises(kind) as alone:
            await batcher.create_transfer(*request, **options)
        assert fault == "future" or str(alone.value) == str(single.value)
        answers = await together(
            gate,
            batcher,
            (other, hot, 1),
            [
                batcher.create_transfer(other, hot, 1),
                batcher.create_transfer(*request, **options),
                batcher.create_transfer(other, hot, 1),
                batcher.create_transfer(*request, **options),
                batcher.create_transfer(other, hot, 1),
            ],
        )
    assert answers[1] is not answers[3]
    told: list[Any] = [alone.value, answers[1], answers[3]]
    for error in told:
        assert type(error) is type(single.value)
        if isinstance(single.value, psycopg.Error) and isinstance(error, psycopg.Error):
            assert error.sqlstate == single.value.sqlstate
            assert error.diag.message_hint == single.value.diag.message_hint
            # Those about what is found, or about the time, tell it.
            if fault not in {"version", "balance", "future"}:
                assert str(error) == str(single.value)
                assert error.diag.message_primary == single.value.diag.message_primary
    # The two before, one to hold the others up, and the good ones.
    assert [answers[place].to_account_version for place in (0, 2, 4)] == [4, 5, 6]


@pytest.mark.parametrize(
    ("arguments", "options", "kind", "message"),
    [
        (("a", "b", 1.5), {}, TypeError, "amount must be a Decimal or an int"),
        ((1, "b", 1), {}, TypeError, "must be str, not int 1"),
        (("a", "b", 1), {"id": 7}, TypeError, "must be str, not int 7"),
        (("a", "b", 1), {"app_id": b"x"}, TypeError, "must be str, not bytes"),
        (("a", "b", 1), {"group_id": 5}, TypeError, "must be str, not int 5"),
        (("a", "b", 1), {"idempotency_key": 5}, TypeError, "must be str, not int 5"),
        (("a", "b", 1), {"event_at": NAIVE}, ValueError, "no time zone"),
        (("a", "b", 1), {"metadata": []}, TypeError, "metadata must be a mapping"),
        (("a", "b", 1), {"require_to_version": "1"}, TypeError, "must be an int"),
        (("a", "b", 1), {"require_to_balance": (1, 2)}, TypeError, "must be a psycopg"),
        (("a", "b", 1), {"allow_future_event_at": 1}, TypeError, "must be True or False"),
        (("a", "b", 1), {"timeout": 5}, TypeError, "timeout must be a timedelta"),
        (("a", "b", 1), {"timeout": -SOON}, ValueError, "timeout must not be negative"),
    ],
)
async def test_wrong_types_are_refused_before_anything_is_sent(
    gate: Gate, arguments, options, kind, message
):
    async with AsyncTransferBatcher(gate) as batcher:
        with pytest.raises(kind, match=message):
            await batcher.create_transfer(*arguments, **options)
    assert gate.loans == 0


@pytest.mark.parametrize("batcher", [TransferBatcher, AsyncTransferBatcher])
@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"batch_size": 0}, ValueError, "batch_size must be from 1 to 100000, not 0"),
        ({"batch_size": 100_001}, ValueError, "batch_size"),
        ({"batch_size": True}, TypeError, "batch_size must be an int"),
        ({"max_waiting": 0}, ValueError, "max_waiting must be at least 1, not 0"),
        ({"retry_for": 5}, TypeError, "retry_for must be a timedelta"),
        ({"retry_for": None}, TypeError, "retry_for must be a timedelta"),
        ({"retry_for": -SOON}, ValueError, "retry_for must not be negative"),
    ],
)
def test_wrong_options_are_refused(gate: Gate, batcher, options, kind, message):
    with pytest.raises(kind, match=message):
        batcher(gate, **options)
    with pytest.raises(TypeError, match="pool must have a method connection"):
        batcher(object())


async def test_a_schema_can_be_named(ledger, hot, other, gate: Gate):
    async with AsyncTransferBatcher(gate, schema="public") as batcher:
        answers = await together(
            gate, batcher, (hot, other, 1), [batcher.create_transfer(hot, other, 1)] * 1
        )
        assert answers[0].from_account_version == 2
    async with AsyncTransferBatcher(gate, schema='no%"where') as batcher:
        with pytest.raises(psycopg.errors.InvalidSchemaName):
            await batcher.create_transfer(hot, other, 1)


# When there is no room


async def test_who_finds_no_room_waits_for_it(ledger, hot, other, gate: Gate):
    async with AsyncTransferBatcher(gate, max_waiting=2) as batcher:
        answers = await together(
            gate,
            batcher,
            (other, hot, 1),
            [batcher.create_transfer(other, hot, 1) for _ in range(7)],
        )
    assert [posted.to_account_version for posted in answers] == list(range(2, 9))
    assert gate.loans == 1 + 4


async def test_who_does_not_wait_for_room_is_refused_and_nothing_is_sent(
    ledger, hot, other, gate: Gate
):
    async with AsyncTransferBatcher(gate, max_waiting=2) as batcher:
        held = await hold_up(gate, batcher, other, hot, 1)
        tasks = [
            asyncio.create_task(batcher.create_transfer(other, hot, 1, timeout=AT_ONCE))
            for _ in range(2)
        ]
        await wait_until(batcher, 2)
        for timeout in (AT_ONCE, SOON):
            with pytest.raises(BatcherFull, match="2 transfers wait, and no room came in time"):
                await batcher.create_transfer(other, hot, 1, timeout=timeout)
        patient = asyncio.create_task(
            batcher.create_transfer(other, hot, 1, timeout=dt.timedelta(minutes=5))
        )
        await wait_until(batcher, 3)
        gate.is_open.set()
        await asyncio.gather(held, *tasks, patient)
    assert ledger.get_account(hot).version == 4


async def test_who_has_room_waits_for_the_answer_however_long(ledger, hot, other, gate: Gate):
    async with AsyncTransferBatcher(gate) as batcher:
        held = await hold_up(gate, batcher, other, hot, 1)
        waiting = asyncio.create_task(batcher.create_transfer(other, hot, 1, timeout=SOON))
        await asyncio.sleep(0.15)
        assert not waiting.done()
        gate.is_open.set()
        assert (await waiting).to_account_version == 2
        await held


# When callers do not wait


async def test_a_cancelled_caller_whose_request_waits_is_not_served(ledger, hot, other, gate: Gate):
    async with AsyncTransferBatcher(gate, max_waiting=2) as batcher:
        held = await hold_up(gate, batcher, other, hot, 1)
        tasks = [asyncio.create_task(batcher.create_transfer(other, hot, 1)) for _ in range(4)]
        await wait_until(batcher, 4)
        for place in (0, 3):
            tasks[place].cancel()
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await tasks[place]
            assert cancelled.value.__notes__ == ["the transfer was not sent"]
        gate.is_open.set()
        await held
        versions = [(await tasks[place]).to_account_version for place in (1, 2)]
    assert versions == [2, 3]
    assert ledger.get_account(hot).version == 3


@pytest.mark.parametrize("max_waiting", [1, 2, 3])
@pytest.mark.parametrize("is_sending", [False, True])
async def test_whoever_leaves_makes_room_and_nobody_is_forgotten(
    ledger, hot, other, gate: Gate, max_waiting: int, is_sending: bool
):
    """Any of four leave, whether they wait inside or outside; the others keep their order."""
    for leaving in product((False, True), repeat=4):
        before = ledger.get_account(hot).version
        async with AsyncTransferBatcher(gate, max_waiting=max_waiting, batch_size=1) as batcher:
            held = [await hold_up(gate, batcher, other, hot, 1)]
            if is_sending:
                # The next one's call goes on as the worker's, not as a caller's.
                held.append(asyncio.create_task(batcher.create_transfer(other, hot, 1)))
                await wait_until(batcher, 1)
                await gate.let_in()
                await wait_until(batcher, 0)
            tasks = []
            for place in range(4):
                tasks.append(asyncio.create_task(batcher.create_transfer(other, hot, 1)))
                await wait_until(batcher, place + 1)
            for task, is_leaving in zip(tasks, leaving, strict=True):
                if is_leaving:
                    task.cancel()
            await wait_until(batcher, leaving.count(False))
            late = asyncio.create_task(
                batcher.create_transfer(other, hot, 1, timeout=dt.timedelta(minutes=5))
            )
            await wait_until(batcher, leaving.count(False) + 1)
            gate.is_open.set()
            stay = [task for task, leaves in zip(tasks, leaving, strict=True) if not leaves]
            async with asyncio.timeout(DEADLINE_SECONDS):
                answers = await asyncio.gather(*held, *stay, late)
        versions = [posted.to_account_version for posted in answers]
        assert versions == list(range(before + 1, before + 1 + len(answers)))
        assert batcher.waiting == 0


async def test_a_cancelled_caller_whose_request_is_being_sent_disturbs_nobody(
    ledger, hot, other, gate: Gate
):
    async with AsyncTransferBatcher(gate) as batcher:
        first = await hold_up(gate, batcher, other, hot, 1)
        tasks = [asyncio.create_task(batcher.create_transfer(other, hot, 1)) for _ in range(3)]
        await wait_until(batcher, 3)
        await gate.let_in()
        await wait_until(batcher, 0)
        tasks[1].cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await tasks[1]
        (note,) = cancelled.value.__notes__
        assert "nobody knows whether transfer pglt_" in note
        gate.is_open.set()
        assert [(await tasks[place]).to_account_version for place in (0, 2)] == [2, 4]
        await first


async def test_a_cancelled_caller_who_sends_for_himself_lets_the_others_go_on(
    ledger, hot, other, gate: Gate
):
    async with AsyncTransferBatcher(gate) as batcher:
        first = await hold_up(gate, batcher, other, hot, 1)
        tasks = [asyncio.create_task(batcher.create_transfer(other, hot, 1)) for _ in range(3)]
        await wait_until(batcher, 3)
        first.cancel()
        gate.is_open.set()
        with pytest.raises(asyncio.CancelledError):
            await first
        answers = await asyncio.gather(*tasks)
        assert [posted.to_account_version for posted in answers] == [1, 2, 3]
        assert (await batcher.create_transfer(other, hot, 1)).to_account_version == 4


async def test_a_call_that_is_cut_off_by_a_timeout_names_its_id(ledger, hot, other, gate: Gate):
    """The session waits for a lock; what is cancelled there is rolled back."""
    with psycopg.connect(gate.dsn) as session:
        Ledger(session).create_transfer(other, hot, 1)
        async with AsyncTransferBatcher(gate) as batcher:
            own = ids.generate("pglt")
            with pytest.raises(TimeoutError) as late:
                async with asyncio.timeout(0.2):
                    await batcher.create_transfer(other, hot, 1, id=own)
            assert late.value.__cause__ is not None
            (note,) = late.value.__cause__.__notes__
            assert own in note
            session.rollback()
            assert not (await batcher.create_transfer(other, hot, 1, id=own)).replayed
    assert ledger.get_account(hot).version == 1


# Closing


async def test_closing_sends_what_waits(ledger, hot, other, gate: Gate):
    batcher = AsyncTransferBatcher(gate, max_waiting=2)
    held = await hold_up(gate, batcher, other, hot, 1)
    tasks = [asyncio.create_task(batcher.create_transfer(other, hot, 1)) for _ in range(6)]
    await wait_until(batcher, 6)
    closing = [asyncio.create_task(batcher.close()) for _ in range(2)]
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in closing)
    with pytest.raises(BatcherClosed, match="was closed; this transfer was not sent"):
        await batcher.create_transfer(other, hot, 1)
    gate.is_open.set()
    assert await asyncio.gather(*closing) == [True, True]
    assert all(task.done() for task in (held, *tasks))
    assert ledger.get_account(hot).version == 7
    assert await batcher.close()
    assert [task for task in asyncio.all_tasks() if task.get_name() == "pgledger batcher"] == []


async def test_closing_does_not_wait_for_ever(ledger, hot, other, gate: Gate):
    batcher = AsyncTransferBatcher(gate, max_waiting=2, batch_size=2)
    first = await hold_up(gate, batcher, other, hot, 1)
    tasks = [asyncio.create_task(batcher.create_transfer(other, hot, 1)) for _ in range(5)]
    await wait_until(batcher, 5)
    await gate.let_in()
    await first
    await wait_until(batcher, 3)
    assert not await batcher.close(SOON)
    answers: list[Any] = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers] == [TransferUnsettled] * 2 + [BatcherClosed] * 3
    assert "this transfer was not sent" in str(answers[-1])
    assert answers[0].id != answers[1].id
    assert answers[0].id in str(answers[0])
    assert batcher.waiting == 0
    assert [task for task in asyncio.all_tasks() if task.get_name() == "pgledger batcher"] == []
    assert ledger.get_account(hot).version == 1


async def test_a_batcher_that_was_never_used_closes(gate: Gate):
    async with AsyncTransferBatcher(gate):
        pass
    assert gate.loans == 0


# Misuse


async def test_a_worker_that_somebody_cancelled_keeps_nobody_waiting(
    ledger, hot, other, gate: Gate
):
    async with AsyncTransferBatcher(gate, batch_size=2) as batcher:
        first = await hold_up(gate, batcher, other, hot, 1)
        tasks = [asyncio.create_task(batcher.create_transfer(other, hot, 1)) for _ in range(3)]
        await wait_until(batcher, 3)
        await gate.let_in()
        await first
        await wait_until(batcher, 1)
        (worker,) = (task for task in asyncio.all_tasks() if task.get_name() == "pgledger batcher")
        worker.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(answer) for answer in answers] == [
            TransferUnsettled,
            TransferUnsettled,
            BatcherClosed,
        ]
        gate.is_open.set()
        again = await together(
            gate,
            batcher,
            (other, hot, 1),
            [batcher.create_transfer(other, hot, 1) for _ in range(2)],
        )
    assert [posted.to_account_version for posted in again] == [3, 4]


def test_a_batcher_belongs_to_one_event_loop(ledger, hot, other, ledger_dsn: str):
    batcher = AsyncTransferBatcher(AsyncPool(ledger_dsn))

    async def use() -> PostedTransfer:
        return await batcher.create_transfer(other, hot, 1)

    asyncio.run(use())
    with pytest.raises(RuntimeError, match="the batcher belongs to another event loop"):
        asyncio.run(use())
    assert ledger.get_account(hot).version == 1


async def test_a_pool_of_the_other_kind_is_found_out(ledger, hot, other, ledger_dsn: str):
    with psycopg.connect(ledger_dsn) as conn:

        class Wrong:
            def connection(self) -> Any:
                return conn

        async with AsyncTransferBatcher(Wrong()) as batcher:  # type: ignore[arg-type]
            with pytest.raises(TypeError):
                await batcher.create_transfer(other, hot, 1)


def test_transfers_are_documented_as_single_ones_are():
    doc = inspect.getdoc(TransferBatcher.create_transfer) or ""
    for name in inspect.signature(TransferBatcher.create_transfer).parameters:
        assert name == "self" or f"\n    {name}: " in doc
