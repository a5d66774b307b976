"""Keys of a batch's requests: of earlier calls, of one another, and of others at the same time."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from psycopg import IsolationLevel
from psycopg.errors import SerializationFailure

from pgledger import Ledger, NamedTransferRequest, TransferRequest, ids
from pgledger.errors import (
    AccountNotFound,
    IdempotencyConflict,
    InsufficientFunds,
    InvalidAmount,
    InvalidArgument,
    InvalidBatch,
)
from support.at_once import PATIENCE, all_at_once
from support.database import Connect
from support.keyed import KEY, Books
from support.waiting import WaitUntilBlocked


@pytest.fixture
def ledger(connect: Connect) -> Books:
    return Books(connect(autocommit=True))


def pay(books: Books, amount: Any = 5, **given: Any) -> TransferRequest:
    return TransferRequest(books.wallet, books.shop, Decimal(amount), **given)


def balance(books: Books) -> Decimal:
    return books.get_account(books.shop).balance


def test_a_repeated_batch_gets_its_first_answer(ledger):
    requests = [pay(ledger, n, idempotency_key=f"k{n}") for n in range(1, 6)]
    first = ledger.create_transfers(requests, group_id="order-7")
    assert [answer.replayed for answer in first] == [False] * 5
    before = ledger.state()
    again = ledger.create_transfers(requests, group_id="order-7")
    assert again == [replace(answer, replayed=True) for answer in first]
    assert ledger.create_transfers_ids(requests, group_id="order-7") == [one.id for one in first]
    assert ledger.create_transfers_count(requests, group_id="order-7") == 0
    assert ledger.state() == before
    assert [row[3] for row in ledger.known_keys()] == [answer.id for answer in first]
    assert ledger.faults() == []


def test_repeats_and_new_requests_go_together(ledger):
    alone = ledger.create_transfer(ledger.wallet, ledger.shop, 1, idempotency_key="alone")
    own = ids.generate("pglt")
    ledger.create_transfer(ledger.wallet, ledger.shop, 2, id=own)
    requests = [
        pay(ledger, 3),
        pay(ledger, 1, idempotency_key="alone"),
        pay(ledger, 4, idempotency_key="new"),
        pay(ledger, 2, id=own, idempotency_key="made before"),
        pay(ledger, "4.0", idempotency_key="new"),
        pay(ledger, 5),
    ]
    answers = ledger.create_transfers(requests)
    assert [answer.amount for answer in answers] == [3, 1, 4, 2, 4, 5]
    assert [answer.replayed for answer in answers] == [False, True, False, True, True, False]
    assert answers[1] == replace(alone, replayed=True)
    assert answers[4] == replace(answers[2], replayed=True)
    assert answers[3].id == own
    assert balance(ledger) == 15
    # One alone repeats one of a batch.
    assert (
        ledger.create_transfer(ledger.wallet, ledger.shop, 4, idempotency_key="new") == (answers[4])
    )
    assert [answer.id for answer in ledger.create_transfers(requests)[1:5]] == [
        answer.id for answer in answers[1:5]
    ]
    assert ledger.faults() == []


def test_generated_ids_say_when_the_transfers_were_made(ledger):
    ledger.conn.execute(
        "update pgledger.accounts set updated_at = updated_at + interval '3.0005 seconds'"
        " where id = %s",
        [ledger.wallet],
    )
    answers = ledger.create_transfers(
        [pay(ledger, 1, idempotency_key=f"k{n}" if n % 3 else None) for n in range(1, 30)]
    )
    assert [answer.id for answer in answers] == sorted(answer.id for answer in answers)
    for answer in answers:
        milliseconds = answer.created_at.microsecond // 1000
        assert ids.timestamp(answer.id) == answer.created_at.replace(
            microsecond=milliseconds * 1000
        )


@pytest.mark.parametrize(
    ("place", "change", "words"),
    [
        (1, {"amount": Decimal(9)}, "amount was 2 and is now 9"),
        (2, {"metadata": {"a": 1}}, "metadata: not the same"),
        (4, {"amount": Decimal(9), "idempotency_key": "k1"}, "amount was 1 and is now 9"),
    ],
)
def test_another_request_is_named_with_its_place(ledger, place, change, words):
    requests = [pay(ledger, n, idempotency_key=f"k{n}") for n in range(1, 6)]
    ledger.create_transfers(requests[:3])
    before = ledger.state()
    requests[place] = replace(requests[place], **change)
    with pytest.raises(
        IdempotencyConflict, match=f"request {place + 1} of 5: idempotency_key 'k"
    ) as refused:
        ledger.create_transfers(requests)
    assert refused.value.diag.message_detail == (f"Compared with the first request, {words}.")
    assert ledger.state() == before


def test_one_key_for_two_requests_of_a_batch_is_refused(ledger):
    with pytest.raises(
        IdempotencyConflict, match="request 3 of 3: idempotency_key 'a' is"
    ) as refused:
        ledger.create_transfers(
            [
                pay(ledger, 1, idempotency_key="a"),
                pay(ledger, 1),
                pay(ledger, 2, idempotency_key="a"),
            ]
        )
    assert "amount was 1 and is now 2" in (refused.value.diag.message_detail or "")
    assert ledger.known_keys() == []


def test_a_batch_is_made_under_a_group_and_repeats_under_it(ledger):
    ledger.create_transfers([pay(ledger, idempotency_key=KEY)], group_id="a")
    with pytest.raises(IdempotencyConflict) as refused:
        ledger.create_transfers([pay(ledger, idempotency_key=KEY)], group_id="b")
    assert refused.value.diag.message_detail == (
        'Compared with the first request, group_id was "a" and is now "b".'
    )
    with pytest.raises(IdempotencyConflict):
        ledger.create_transfer(ledger.wallet, ledger.shop, 5, idempotency_key=KEY)


def test_a_batch_that_failed_keeps_no_key(ledger):
    requests = [pay(ledger, 60, idempotency_key="a"), pay(ledger, 60, idempotency_key="b")]
    with pytest.raises(InsufficientFunds, match="request 2 of 2"):
        ledger.create_transfers(requests)
    assert ledger.known_keys() == []
    ledger.create_transfer(ledger.bank, ledger.wallet, 50)
    assert [answer.replayed for answer in ledger.create_transfers(requests)] == [False, False]


def test_a_refusal_names_the_callers_request_also_beside_repeats(ledger):
    ledger.create_transfers([pay(ledger, 1, idempotency_key="a")])
    with pytest.raises(InsufficientFunds, match="request 3 of 3"):
        ledger.create_transfers(
            [pay(ledger, 1, idempotency_key="a"), pay(ledger, 1), pay(ledger, 900)]
        )
    own = ids.generate("pglt")
    ledger.create_transfer(ledger.bank, ledger.shop, 7, id=own)
    with pytest.raises(IdempotencyConflict, match=f"request 2 of 2: id {own}"):
        ledger.create_transfers([pay(ledger, 1, idempotency_key="a"), pay(ledger, 8, id=own)])


def test_conditions_are_part_of_the_request_and_not_looked_at_again(ledger):
    version = ledger.get_account(ledger.wallet).version
    request = pay(ledger, require_from_version=version, idempotency_key=KEY)
    (first,) = ledger.create_transfers([request])
    assert ledger.create_transfers([request]) == [replace(first, replayed=True)]
    alone = {"require_from_version": version, "idempotency_key": KEY}
    assert ledger.create_transfer(ledger.wallet, ledger.shop, 5, **alone).replayed is True
    with pytest.raises(IdempotencyConflict) as refused:
        ledger.create_transfers([replace(request, require_from_version=version + 1)])
    assert refused.value.diag.message_detail == (
        "Compared with the first request, require_from_version was "
        f"{version} and is now {version + 1}."
    )
    rows = [
        ledger.conn.execute(
            "select replayed from pgledger_create_transfer(%s, %s, 1,"
            " require_to_balance => %s::numrange, idempotency_key => 'range')",
            [ledger.wallet, ledger.shop, given],
        ).fetchone()
        for given in ("[0,100)", "[0.0,100.00)")
    ]
    assert rows == [(False,), (True,)]
    assert ledger.faults() == []


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_each_key_has_1_to_255_characters(ledger, key):
    for requests, error in (
        ([pay(ledger, 1), pay(ledger, 1, idempotency_key=key)], InvalidArgument),
        ([pay(ledger, 0), pay(ledger, 1, idempotency_key=key)], InvalidAmount),
        ([pay(ledger, 1, idempotency_key=key), pay(ledger, 0)], InvalidArgument),
    ):
        with pytest.raises(error, match=r"request [12] of 2"):
            ledger.create_transfers(requests)


def test_keys_are_as_many_as_requests(ledger):
    for keys in (["a", "b"], [], [["a"]]):
        with pytest.raises(InvalidBatch, match="idempotency_keys"):
            ledger.conn.execute(
                "select pgledger_create_transfers_bulk(array[%s], array[%s], array[1::numeric],"
                " idempotency_keys => %s::text[])",
                [ledger.wallet, ledger.shop, keys],
            )


# By name


def named(amount: Any = 5, **given: Any) -> NamedTransferRequest:
    return NamedTransferRequest("wallet", "shop", Decimal(amount), "USD", **given)


def test_requests_by_name_repeat_under_their_keys(ledger):
    (first, second) = ledger.create_transfers_by_name(
        [named(1, idempotency_key="a"), named(2, idempotency_key="b")]
    )
    alone = ledger.create_transfer_by_name("wallet", "shop", 2, "USD", idempotency_key="b")
    assert alone == replace(second, replayed=True)
    assert ledger.create_transfers_by_name(
        [named("1.0", idempotency_key="a"), named(3, idempotency_key="c")]
    )[0] == replace(first, replayed=True)
    with pytest.raises(IdempotencyConflict, match="request 1 of 1") as refused:
        ledger.create_transfers([pay(ledger, 1, idempotency_key="a")])
    assert 'from_name was "wallet" and is now null' in (refused.value.diag.message_detail or "")
    assert balance(ledger) == 6
    assert ledger.faults() == []


def test_a_transfer_by_name_repeats_after_a_rename(ledger):
    first = ledger.create_transfer_by_name("wallet", "shop", 2, "USD", idempotency_key=KEY)
    ledger.update_account(ledger.shop, name="boutique")
    again = ledger.create_transfer_by_name("wallet", "shop", 2, "USD", idempotency_key=KEY)
    assert again == replace(first, replayed=True, to_account_name="boutique")
    with pytest.raises(AccountNotFound):
        ledger.create_transfer_by_name("wallet", "shop", 3, "USD", idempotency_key=KEY)
    other = ledger.create_account("shop", "USD").id
    with pytest.raises(IdempotencyConflict):
        ledger.create_transfer_by_name("wallet", "shop", 3, "USD", idempotency_key=KEY)
    assert ledger.get_account(other).version == 0


# Many at once


def test_sixteen_batches_with_the_same_keys_have_one_effect(ledger, connect):
    def run(number: int) -> Any:
        requests = [pay(ledger, 1, idempotency_key=f"k{n}") for n in range(20)]
        if number % 2:
            requests.reverse()
        return lambda session: {
            answer.id: answer.replayed for answer in Ledger(session).create_transfers(requests)
        }

    answers = all_at_once(connect, [run(number) for number in range(16)])
    assert len({tuple(sorted(answer)) for answer in answers}) == 1
    counted = Counter(replayed for answer in answers for replayed in answer.values())
    assert counted == {True: 15 * 20, False: 20}
    assert balance(ledger) == 20
    assert ledger.faults() == []


def test_batches_that_share_keys_on_other_accounts_never_deadlock(ledger, connect):
    shops = [ledger.create_account(f"shop {n}", "USD").id for n in range(8)]

    def run(shop: str, number: int) -> Any:
        requests = [
            TransferRequest(ledger.bank if n == 0 else other, shop, 1, idempotency_key=f"k{n}")
            for n, other in enumerate([ledger.bank, *shops])
            if other != shop
        ]
        if number % 2:
            requests.reverse()
        return lambda session: Ledger(session).create_transfers(requests)

    answers = all_at_once(connect, [run(shop, number) for number, shop in enumerate(shops)])
    made = [answer for answer in answers if not isinstance(answer, Exception)]
    assert len(made) == 1
    assert {type(answer) for answer in answers} == {list, IdempotencyConflict}
    assert len(ledger.known_keys()) == len(made[0])
    assert ledger.faults() == []


def test_a_batch_waits_for_a_key_and_is_refused_or_repeats(
    ledger, connect, wait_until_blocked: WaitUntilBlocked
):
    one, two = (ledger.create_account(name, "USD").id for name in ("one", "two"))
    cases: list[tuple[IsolationLevel, TransferRequest, Any]] = [
        (IsolationLevel.READ_COMMITTED, TransferRequest(one, two, 5), IdempotencyConflict),
        (IsolationLevel.REPEATABLE_READ, TransferRequest(one, two, 5), SerializationFailure),
        (IsolationLevel.READ_COMMITTED, pay(ledger), True),
        (IsolationLevel.REPEATABLE_READ, pay(ledger), SerializationFailure),
    ]
    for number, (isolation, request, outcome) in enumerate(cases):
        key = f"k{number}"
        mine, other = connect(**PATIENCE), connect(**PATIENCE)
        other.set_isolation_level(isolation)
        other.execute("select 1")
        Ledger(mine).create_transfer(ledger.wallet, ledger.shop, 5, idempotency_key=key)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(
                Ledger(other).create_transfers,
                [TransferRequest(one, two, 1), replace(request, idempotency_key=key)],
            )
            wait_until_blocked(other.info.backend_pid, by=mine.info.backend_pid)
            mine.commit()
        if outcome is True:
            assert [answer.replayed for answer in waiting.result()] == [False, True]
            other.commit()
        else:
            assert isinstance(waiting.exception(), outcome)
            other.rollback()
    assert ledger.get_account(one).version == 1
    assert ledger.faults() == []
