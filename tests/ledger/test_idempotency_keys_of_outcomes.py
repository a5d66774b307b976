"""Keys where each request gets its own answer: what fails keeps none, and a preview takes none."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import IsolationLevel
from psycopg.errors import SerializationFailure

from pgledger import Ledger, TransferOutcome, TransferRequest, ids
from pgledger.errors import IdempotencyConflict, InvalidBatch
from support.at_once import PATIENCE, all_at_once
from support.database import Connect
from support.keyed import KEY, Books
from support.waiting import WaitUntilBlocked

Session = psycopg.Connection[Any]


@pytest.fixture
def ledger(connect: Connect) -> Books:
    return Books(connect(autocommit=True))


def pay(books: Books, amount: Any = 5, **given: Any) -> TransferRequest:
    return TransferRequest(books.wallet, books.shop, Decimal(amount), **given)


def statuses(outcomes: Sequence[TransferOutcome]) -> list[str]:
    return [one.error_name or one.status for one in outcomes]


def keys(books: Books) -> list[str]:
    return sorted(row[1] for row in books.known_keys())


def test_a_repeat_gets_the_first_transfer(ledger):
    requests = [pay(ledger, n, idempotency_key=f"k{n}") for n in (1, 2, 900, 3)]
    first = ledger.create_transfers_outcomes(requests, group_id="day-1")
    assert statuses(first) == ["posted", "posted", "InsufficientFunds", "posted"]
    assert [(row[2], row[3]) for row in ledger.known_keys()] == [
        ("pgledger_create_transfer", one.id) for one in first if one.id
    ]
    ledger.freeze_account(ledger.wallet, "both")
    again = ledger.create_transfers_outcomes(requests, group_id="day-1")
    assert statuses(again) == ["replayed", "replayed", "AccountFrozen", "replayed"]
    for one, other in zip(first, again, strict=True):
        if one.id:
            assert other == replace(one, status="replayed")
    assert statuses(ledger.create_transfers_outcomes(requests[:1])) == ["IdempotencyConflict"]
    assert ledger.faults() == []


def test_what_failed_keeps_no_key_and_is_made_by_the_next(ledger):
    lend = TransferRequest(ledger.bank, ledger.wallet, 50)
    outcomes = ledger.create_transfers_outcomes(
        [
            pay(ledger, 120, idempotency_key="a"),
            lend,
            pay(ledger, 120, idempotency_key="a"),
            pay(ledger, "120.0", idempotency_key="a"),
            pay(ledger, 121, idempotency_key="a"),
            pay(ledger, 120, idempotency_key="b"),
        ]
    )
    assert statuses(outcomes) == [
        "InsufficientFunds", "posted", "posted", "replayed", "IdempotencyConflict",
        "InsufficientFunds",
    ]  # fmt: skip
    assert outcomes[3] == replace(outcomes[2], request_index=4, status="replayed")
    assert outcomes[4].detail == "Compared with the first request, amount was 120 and is now 121."
    assert keys(ledger) == ["a"]
    # What failed in one call is free for another request in the next.
    assert statuses(ledger.create_transfers_outcomes([pay(ledger, 7, idempotency_key="b")])) == [
        "posted"
    ]
    assert ledger.faults() == []


def test_single_calls_batches_and_outcomes_repeat_one_another(ledger):
    own = ids.generate("pglt")
    single = ledger.create_transfer(ledger.wallet, ledger.shop, 1, idempotency_key="single")
    (bulk,) = ledger.create_transfers([pay(ledger, 2, idempotency_key="bulk")])
    ledger.create_transfer(ledger.wallet, ledger.shop, 3, id=own)
    requests = [
        pay(ledger, 1, idempotency_key="single"),
        pay(ledger, 2, idempotency_key="bulk"),
        pay(ledger, 3, id=own, idempotency_key="by id"),
        pay(ledger, 4, idempotency_key="outcome"),
        pay(ledger, 4, id=own, idempotency_key="other"),
    ]
    outcomes = ledger.create_transfers_outcomes(requests)
    assert statuses(outcomes) == [
        "replayed", "replayed", "replayed", "posted", "IdempotencyConflict",
    ]  # fmt: skip
    assert [one.id for one in outcomes[:3]] == [single.id, bulk.id, own]
    assert outcomes[0] == TransferOutcome(
        1, "replayed", single.id, None, None, None, single.created_at,
        single.from_account_balance, single.to_account_balance, single.from_account_version,
        single.to_account_version, None, None,
    )  # fmt: skip
    again = ledger.create_transfers(requests[:4])
    assert [(one.id, one.replayed) for one in again] == [(one.id, True) for one in outcomes[:4]]
    for place in (2, 3):
        request = requests[place]
        one = ledger.create_transfer(
            ledger.wallet, ledger.shop, request.amount, id=request.id,
            idempotency_key=request.idempotency_key,
        )  # fmt: skip
        assert (one.id, one.replayed) == (outcomes[place].id, True)
    assert keys(ledger) == ["bulk", "by id", "outcome", "single"]
    assert ledger.faults() == []


def test_another_function_is_another_request(ledger):
    ledger.create_hold(ledger.wallet, ledger.shop, 5, idempotency_key=KEY)
    first, second = ledger.create_transfers_outcomes(
        [pay(ledger, idempotency_key=KEY), pay(ledger)]
    )
    assert statuses([first, second]) == ["IdempotencyConflict", "posted"]
    assert (
        first.reason
        == "idempotency_key 'evt_1NxÄ ''quoted''' is already taken by a different request"
    )
    assert first.detail == (
        "Compared with the first request, function was "
        '"pgledger_create_hold" and is now "pgledger_create_transfer".'
    )


def test_a_key_that_no_key_can_be_fails_alone(ledger):
    outcomes = ledger.create_transfers_outcomes(
        [
            pay(ledger, idempotency_key=""),
            pay(ledger, 0, idempotency_key="x" * 256),
            pay(ledger, idempotency_key="x" * 256),
            pay(ledger, idempotency_key="x" * 255),
        ]
    )
    assert statuses(outcomes) == ["InvalidArgument", "InvalidAmount", "InvalidArgument", "posted"]
    assert keys(ledger) == ["x" * 255]
    for given in (["a", "b"], [], [["a"]]):
        for function in ("pgledger_create_transfers_outcomes", "pgledger_preview_transfers"):
            with pytest.raises(InvalidBatch, match="idempotency_keys"):
                ledger.conn.execute(
                    f"select {function}(array[%s], array[%s], array[1::numeric],"
                    " idempotency_keys => %s::text[])".encode(),
                    [ledger.wallet, ledger.shop, given],
                )


def test_a_preview_takes_no_key_and_says_what_would_happen(ledger):
    used = ledger.create_transfer(ledger.wallet, ledger.shop, 1, idempotency_key="used")
    requests = [
        pay(ledger, 1, idempotency_key="used"),
        pay(ledger, 2, idempotency_key="used"),
        pay(ledger, 3, idempotency_key="new"),
        pay(ledger, 3, idempotency_key="new"),
        pay(ledger, 900, idempotency_key="broke"),
        pay(ledger, 4, id=ids.generate("pglt"), idempotency_key="both"),
        pay(ledger, 3, idempotency_key="new"),
    ]
    before = ledger.state()
    preview = ledger.preview_transfers(requests)
    assert statuses(preview) == [
        "replayed", "IdempotencyConflict", "posted", "replayed", "InsufficientFunds", "posted",
        "replayed",
    ]  # fmt: skip
    assert (preview[0].id, preview[0].created_at) == (used.id, used.created_at)
    # What is not there yet has neither an id nor a time, also where it would be repeated.
    assert [one.id for one in preview[1:]] == [None] * 4 + [requests[5].id, None]
    assert [one.created_at for one in preview[1:]] == [None] * 6
    assert preview[3].to_account_balance == preview[2].to_account_balance == 4
    assert ledger.state() == before
    assert statuses(ledger.create_transfers_outcomes(requests)) == statuses(preview)
    assert statuses(ledger.preview_transfers(requests[2:4])) == ["replayed", "replayed"]
    assert ledger.faults() == []


def test_savepoints_free_the_keys(ledger):
    request = pay(ledger, idempotency_key=KEY)
    with ledger.conn.transaction():
        with ledger.conn.transaction(force_rollback=True):
            assert statuses(ledger.create_transfers_outcomes([request])) == ["posted"]
        assert statuses(ledger.create_transfers_outcomes([request])) == ["posted"]
        assert statuses(ledger.create_transfers_outcomes([request])) == ["replayed"]
    assert keys(ledger) == [KEY]
    assert ledger.faults() == []


# Many at once


def test_sixteen_batches_with_the_same_keys_have_one_effect(ledger, connect):
    requests = [pay(ledger, n, idempotency_key=f"k{n}") for n in (1, 2, 300, 3, 4)]

    def run(number: int) -> Callable[[Session], Any]:
        mine = requests if number % 2 else requests[::-1]
        return lambda session: Ledger(session).create_transfers_outcomes(mine)

    answers = all_at_once(connect, [run(number) for number in range(16)])
    found = Counter(status for each in answers for status in statuses(each))
    assert found == {"posted": 4, "replayed": 60, "InsufficientFunds": 16}
    assert len({one.id for each in answers for one in each if one.id}) == 4
    assert keys(ledger) == ["k1", "k2", "k3", "k4"]
    assert ledger.faults() == []


def test_batches_that_share_keys_on_other_accounts_never_deadlock(ledger, connect):
    shops = [
        [ledger.create_account(f"{n} {side}", "USD").id for side in ("from", "to")]
        for n in range(8)
    ]

    def run(number: int) -> Callable[[Session], Any]:
        source, target = shops[number]
        requests = [TransferRequest(source, target, 1, idempotency_key=f"k{n}") for n in range(10)]
        if number % 2:
            requests.reverse()
        return lambda session: Ledger(session).create_transfers_outcomes(requests)

    answers = all_at_once(connect, [run(number) for number in range(8)])
    assert sorted(Counter(statuses(each)).most_common() for each in answers) == [
        *[[("IdempotencyConflict", 10)]] * 7,
        [("posted", 10)],
    ]
    assert len(keys(ledger)) == 10
    assert sum(ledger.get_account(shop).balance for _, shop in shops) == 10
    assert ledger.faults() == []


def outcome(ledger: Ledger, request: TransferRequest) -> str:
    """Asks among others, and says what became of the request."""
    other = TransferRequest(request.from_account_id, request.to_account_id, 1)
    outcomes = ledger.create_transfers_outcomes(
        [replace(other, idempotency_key=f"a {other.to_account_id}"), request, other]
    )
    assert outcomes[0].status in ("posted", "replayed")
    assert outcomes[2].status == "posted"
    return statuses(outcomes)[1]


def single(ledger: Ledger, request: TransferRequest) -> str:
    made = ledger.create_transfer(
        request.from_account_id, request.to_account_id, request.amount,
        idempotency_key=request.idempotency_key,
    )  # fmt: skip
    return "replayed" if made.replayed else "posted"


def batch(ledger: Ledger, request: TransferRequest) -> str:
    (made,) = ledger.create_transfers([request])
    return "replayed" if made.replayed else "posted"


WAYS: dict[str, Callable[[Ledger, TransferRequest], str]] = {
    "outcome": outcome,
    "single": single,
    "batch": batch,
}


@pytest.mark.parametrize(
    ("first", "second"),
    [("outcome", way) for way in WAYS] + [(way, "outcome") for way in WAYS if way != "outcome"],
)
@pytest.mark.parametrize("level", [IsolationLevel.READ_COMMITTED, IsolationLevel.REPEATABLE_READ])
@pytest.mark.parametrize("ends", ["same", "other accounts", "rolled back"])
def test_who_waits_for_a_key_repeats_is_refused_or_takes_it(
    ledger, connect, wait_until_blocked: WaitUntilBlocked, first, second, level, ends
):
    one, two = (ledger.create_account(name, "USD").id for name in ("one", "two"))
    request = TransferRequest(one, two, 5, idempotency_key=KEY)
    theirs = pay(ledger, idempotency_key=KEY) if ends == "other accounts" else request
    mine, other = connect(**PATIENCE), connect(**PATIENCE)
    other.set_isolation_level(level)
    other.execute("select 1")
    assert WAYS[first](Ledger(mine), theirs) == "posted"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(WAYS[second], Ledger(other), request)
        wait_until_blocked(other.info.backend_pid, by=mine.info.backend_pid)
        if ends == "rolled back":
            mine.rollback()
        else:
            mine.commit()
    if ends == "rolled back":
        assert waiting.result() == "posted"
    elif level is IsolationLevel.REPEATABLE_READ:
        assert isinstance(waiting.exception(), SerializationFailure)
    elif ends == "same":
        assert waiting.result() == "replayed"
    elif second == "outcome":
        assert waiting.result() == "IdempotencyConflict"
    else:
        assert isinstance(waiting.exception(), IdempotencyConflict)
    if waiting.exception() is None:
        other.commit()
    else:
        other.rollback()
    assert KEY in keys(ledger)
    assert ledger.faults() == []


def test_a_key_that_is_taken_meanwhile_leaves_the_others_of_the_batch(
    ledger, connect, wait_until_blocked: WaitUntilBlocked
):
    """The whole run is taken back and looked at again, and no key of it is left behind."""
    one, two = (ledger.create_account(name, "USD").id for name in ("one", "two"))
    mine, other = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    Ledger(mine).create_transfer(ledger.wallet, ledger.shop, 5, idempotency_key="k2")
    requests = [TransferRequest(one, two, n, idempotency_key=f"k{n}") for n in (3, 2, 1)]
    requests.append(replace(requests[0], require_from_version=0, idempotency_key="k4"))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(Ledger(other).create_transfers_outcomes, requests)
        wait_until_blocked(other.info.backend_pid, by=mine.info.backend_pid)
        mine.commit()
    assert statuses(waiting.result()) == [
        "posted", "IdempotencyConflict", "posted", "VersionMismatch",
    ]  # fmt: skip
    assert [one.from_account_version for one in waiting.result()] == [1, None, 2, None]
    assert keys(ledger) == ["k1", "k2", "k3"]
    assert ledger.faults() == []
