"""Keys in batches of holds and of postings: of earlier calls, of one another, and of others'."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import IsolationLevel
from psycopg.errors import SerializationFailure

from pgledger import Hold, HoldRequest, Ledger, PgledgerError, PostingRequest, Transfer, ids
from pgledger.errors import (
    HoldAmountExceeded,
    IdempotencyConflict,
    InsufficientFunds,
    InvalidAmount,
    InvalidArgument,
    InvalidBatch,
)
from support.at_once import PATIENCE, all_at_once
from support.database import Connect
from support.keyed import KEY, Books
from support.properties import scaled
from support.waiting import WaitUntilBlocked

Session = psycopg.Connection[Any]
Request = HoldRequest | PostingRequest


class HoldBooks(Books):
    """Books with large holds, to be posted in parts, and with two more accounts."""

    def __init__(self, conn: Session) -> None:
        super().__init__(conn)
        self.big = self.create_hold(self.bank, self.shop, 1000).id
        self.one = self.create_account("one", "USD").id
        self.two = self.create_account("two", "USD").id
        self.far = self.create_hold(self.one, self.two, 1000).id


class Holding:
    """Batches of holds, and the single calls that they come to."""

    function = "pgledger_create_hold"
    prefix = "pglh"
    too_much = InsufficientFunds

    @staticmethod
    def ask(books: HoldBooks, amount: Any = 5, **options: Any) -> HoldRequest:
        return HoldRequest(books.wallet, books.shop, Decimal(amount), **options)

    @staticmethod
    def far(books: HoldBooks, amount: Any = 5, **options: Any) -> HoldRequest:
        return HoldRequest(books.one, books.two, Decimal(amount), **options)

    @staticmethod
    def batch(ledger: Ledger, requests: Sequence[Any]) -> Sequence[Hold | Transfer]:
        return ledger.create_holds(requests)

    @staticmethod
    def alone(ledger: Ledger, request: Any) -> Hold | Transfer:
        return ledger.create_hold(
            request.from_account_id, request.to_account_id, request.amount,
            metadata=request.metadata, id=request.id, idempotency_key=request.idempotency_key,
        )  # fmt: skip

    @staticmethod
    def done(books: HoldBooks) -> Decimal:
        return (books.get_account(books.wallet).held_out or Decimal(0)) - 7


class Posting:
    """Batches of postings, and the single calls that they come to."""

    function = "pgledger_post_hold"
    prefix = "pglt"
    too_much = HoldAmountExceeded

    @staticmethod
    def ask(books: HoldBooks, amount: Any = 5, **options: Any) -> PostingRequest:
        return PostingRequest(books.big, amount=Decimal(amount), final=False, **options)

    @staticmethod
    def far(books: HoldBooks, amount: Any = 5, **options: Any) -> PostingRequest:
        return PostingRequest(books.far, amount=Decimal(amount), final=False, **options)

    @staticmethod
    def batch(ledger: Ledger, requests: Sequence[Any]) -> Sequence[Hold | Transfer]:
        return ledger.post_holds(requests)

    @staticmethod
    def alone(ledger: Ledger, request: Any) -> Hold | Transfer:
        return ledger.post_hold(
            request.hold_id, amount=request.amount, final=request.final,
            metadata=request.metadata, id=request.id, idempotency_key=request.idempotency_key,
        )  # fmt: skip

    @staticmethod
    def done(books: HoldBooks) -> Decimal:
        return books.get_hold(books.big).posted_amount


kinds = pytest.mark.parametrize("kind", [Holding, Posting])


@pytest.fixture
def ledger(connect: Connect) -> HoldBooks:
    return HoldBooks(connect(autocommit=True))


@kinds
def test_a_repeated_batch_gets_its_first_answer(ledger, kind):
    requests = [kind.ask(ledger, n, idempotency_key=f"k{n}") for n in range(1, 6)]
    first = kind.batch(ledger, requests)
    assert [answer.replayed for answer in first] == [False] * 5
    before = ledger.state()
    assert kind.batch(ledger, requests) == [replace(answer, replayed=True) for answer in first]
    assert ledger.state() == before
    assert [(row[2], row[3]) for row in ledger.known_keys()] == [
        (kind.function, answer.id) for answer in first
    ]
    assert kind.done(ledger) == 15
    assert ledger.faults() == []


@kinds
def test_repeats_and_new_requests_go_together(ledger, kind):
    alone = kind.alone(ledger, kind.ask(ledger, 1, idempotency_key="alone"))
    own, new = ids.generate(kind.prefix), ids.generate(kind.prefix)
    kind.alone(ledger, kind.ask(ledger, 2, id=own))
    requests = [
        kind.ask(ledger, 3),
        kind.ask(ledger, 1, idempotency_key="alone"),
        kind.ask(ledger, 4, idempotency_key="new"),
        kind.ask(ledger, 2, id=own, idempotency_key="made before"),
        kind.ask(ledger, "4.0", idempotency_key="new"),
        kind.ask(ledger, 5, id=new, idempotency_key="both"),
        kind.ask(ledger, 5, id=new, idempotency_key="both again"),
        kind.ask(ledger, 6),
    ]
    answers = kind.batch(ledger, requests)
    assert [answer.amount for answer in answers] == [3, 1, 4, 2, 4, 5, 5, 6]
    assert [answer.replayed for answer in answers] == [
        False, True, False, True, True, False, True, False,
    ]  # fmt: skip
    assert answers[1] == replace(alone, replayed=True)
    assert answers[4] == replace(answers[2], replayed=True)
    assert [answers[place].id for place in (3, 5, 6)] == [own, new, new]
    assert kind.done(ledger) == 21
    # One alone repeats one of a batch.
    for request, answer in zip(requests, answers, strict=True):
        if request.idempotency_key:
            assert kind.alone(ledger, request) == replace(answer, replayed=True)
    again = kind.batch(ledger, requests)
    assert [answer.id for answer in again[1:7]] == [answer.id for answer in answers[1:7]]
    assert ledger.faults() == []


def test_a_repeat_gets_the_holds_as_they_stand(ledger):
    requests = [HoldRequest(ledger.wallet, ledger.shop, 5, idempotency_key=f"k{n}") for n in "abc"]
    first = ledger.create_holds(requests, group_id="order-7")
    ledger.void_hold(first[0].id)
    ledger.post_hold(first[1].id, amount=2, final=False)
    ledger.freeze_account(ledger.wallet, "both")
    again = ledger.create_holds(requests, group_id="order-7")
    assert [hold.id for hold in again] == [hold.id for hold in first]
    assert [(hold.status, hold.posted_amount, hold.replayed) for hold in again] == [
        ("voided", 0, True),
        ("pending", 2, True),
        ("pending", 0, True),
    ]
    with pytest.raises(IdempotencyConflict, match="request 1 of 3") as refused:
        ledger.create_holds(requests)
    assert 'group_id was "order-7" and is now null' in (refused.value.diag.message_detail or "")
    assert ledger.faults() == []


def test_the_last_posting_of_a_hold_is_repeated_after_it_ended(ledger):
    requests = [
        PostingRequest(ledger.held, amount=3, final=False, idempotency_key="a"),
        PostingRequest(ledger.held, idempotency_key="b"),
    ]
    first = ledger.post_holds(requests)
    assert [answer.amount for answer in first] == [3, 4]
    assert ledger.get_hold(ledger.held).status == "posted"
    # A hold is asked for again by a new request beside the repeats.
    with pytest.raises(PgledgerError, match="request 3 of 3"):
        ledger.post_holds([*requests, PostingRequest(ledger.held, idempotency_key="c")])
    again = ledger.post_holds([requests[1], Posting.ask(ledger, 1), requests[0]])
    assert [again[2], again[0]] == [replace(answer, replayed=True) for answer in first]
    assert len(ledger.known_keys()) == 2
    assert ledger.faults() == []


def test_generated_ids_of_holds_say_when_they_were_made(ledger):
    holds = ledger.create_holds(
        [Holding.ask(ledger, 1, idempotency_key=f"k{n}" if n % 3 else None) for n in range(1, 30)]
    )
    assert [hold.id for hold in holds] == sorted(hold.id for hold in holds)
    for hold in holds:
        milliseconds = hold.created_at.microsecond // 1000
        assert ids.timestamp(hold.id) == hold.created_at.replace(microsecond=milliseconds * 1000)


@kinds
@pytest.mark.parametrize(
    ("place", "change", "words"),
    [
        (1, {"amount": Decimal(9)}, "amount was 2 and is now 9"),
        (2, {"metadata": {"a": 1}}, "metadata: not the same"),
        (4, {"amount": Decimal(9), "idempotency_key": "k1"}, "amount was 1 and is now 9"),
    ],
)
def test_another_request_is_named_with_its_place(ledger, kind, place, change, words):
    requests = [kind.ask(ledger, n, idempotency_key=f"k{n}") for n in range(1, 6)]
    kind.batch(ledger, requests[:3])
    before = ledger.state()
    requests[place] = replace(requests[place], **change)
    with pytest.raises(
        IdempotencyConflict, match=f"request {place + 1} of 5: idempotency_key 'k"
    ) as refused:
        kind.batch(ledger, requests)
    assert refused.value.diag.message_detail == (f"Compared with the first request, {words}.")
    assert ledger.state() == before


@kinds
def test_one_key_for_two_requests_of_a_batch_is_refused(ledger, kind):
    before = ledger.state()
    with pytest.raises(
        IdempotencyConflict, match="request 3 of 3: idempotency_key 'a' is"
    ) as refused:
        kind.batch(
            ledger,
            [
                kind.ask(ledger, 1, idempotency_key="a"),
                kind.ask(ledger, 1),
                kind.ask(ledger, 2, idempotency_key="a"),
            ],
        )
    assert "amount was 1 and is now 2" in (refused.value.diag.message_detail or "")
    assert ledger.state() == before


@kinds
def test_another_function_is_another_request(ledger, kind):
    ledger.create_transfer(ledger.wallet, ledger.shop, 5, idempotency_key=KEY)
    with pytest.raises(IdempotencyConflict, match="request 2 of 2") as refused:
        kind.batch(ledger, [kind.ask(ledger), kind.ask(ledger, idempotency_key=KEY)])
    assert f'function was "pgledger_create_transfer" and is now "{kind.function}"' in (
        refused.value.diag.message_detail or ""
    )


@kinds
def test_a_batch_that_failed_keeps_no_key(ledger, kind):
    requests = [
        kind.ask(ledger, 1, idempotency_key="a"),
        kind.ask(ledger, 2000, idempotency_key="b"),
    ]
    before = ledger.state()
    with pytest.raises(kind.too_much, match="request 2 of 2"):
        kind.batch(ledger, requests)
    assert ledger.state() == before
    requests[1] = replace(requests[1], amount=2)
    assert [answer.replayed for answer in kind.batch(ledger, requests)] == [False, False]
    with ledger.conn.transaction(force_rollback=True):
        kind.batch(ledger, [kind.ask(ledger, idempotency_key="c")])
    assert [row[1] for row in ledger.known_keys()] == ["a", "b"]
    assert ledger.faults() == []


@kinds
def test_a_refusal_names_the_callers_request_also_beside_repeats(ledger, kind):
    repeat = kind.ask(ledger, 1, idempotency_key="a")
    kind.batch(ledger, [repeat])
    with pytest.raises(kind.too_much, match="request 3 of 3"):
        kind.batch(ledger, [repeat, kind.ask(ledger, 1), kind.ask(ledger, 2000)])
    own = ids.generate(kind.prefix)
    kind.alone(ledger, kind.far(ledger, 7, id=own))
    with pytest.raises(IdempotencyConflict, match=f"request 2 of 2: id {own}"):
        kind.batch(ledger, [repeat, kind.ask(ledger, 8, id=own)])


def test_a_posting_at_fault_is_named_before_a_key_that_conflicts_later(ledger):
    Posting.batch(ledger, [Posting.ask(ledger, 1, idempotency_key="a")])
    conflict = Posting.ask(ledger, 2, idempotency_key="a")
    too_much = Posting.ask(ledger, 2000, idempotency_key="b")
    with pytest.raises(HoldAmountExceeded, match="request 2 of 3"):
        Posting.batch(ledger, [Posting.ask(ledger, 1), too_much, conflict])
    with pytest.raises(IdempotencyConflict, match="request 2 of 3"):
        Posting.batch(ledger, [Posting.ask(ledger, 1), conflict, too_much])
    assert Posting.done(ledger) == 1


@kinds
@pytest.mark.parametrize("key", ["", "x" * 256])
def test_each_key_has_1_to_255_characters(ledger, kind, key):
    for requests, error in (
        ([kind.ask(ledger, 1), kind.ask(ledger, 1, idempotency_key=key)], InvalidArgument),
        ([kind.ask(ledger, 0), kind.ask(ledger, 1, idempotency_key=key)], InvalidAmount),
        ([kind.ask(ledger, 1, idempotency_key=key), kind.ask(ledger, 0)], InvalidArgument),
    ):
        with pytest.raises(error, match=r"request [12] of 2"):
            kind.batch(ledger, requests)


NUMBERED = (
    (
        "select pgledger_create_holds_bulk(array[%(wallet)s], array[%(shop)s], array[1::numeric],"
        " idempotency_keys => %(keys)s::text[])"
    ),
    "select pgledger_post_holds_bulk(array[%(big)s], idempotency_keys => %(keys)s::text[])",
)
COUNTED = (
    (
        "select id, replayed from pgledger_create_holds_bulk(%(wallets)s::text::text[],"
        " %(shops)s::text::text[], '[3:5]={1,2,1}', idempotency_keys => '[-1:1]={a,null,a}')"
    ),
    (
        "select id, replayed from pgledger_post_holds_bulk(%(holds)s::text::text[],"
        " '[3:5]={1,2,1}', '[2:4]={f,f,f}', idempotency_keys => '[-1:1]={b,null,b}')"
    ),
)


@pytest.mark.parametrize("statement", NUMBERED)
@pytest.mark.parametrize("keys", [["a", "b"], [], [["a"]]])
def test_keys_are_as_many_as_requests(ledger, statement, keys):
    with pytest.raises(InvalidBatch, match="idempotency_keys"):
        ledger.conn.execute(statement.encode(), vars(ledger) | {"keys": keys})


@pytest.mark.parametrize("statement", COUNTED)
def test_arrays_may_be_counted_from_any_number(ledger, statement):
    given = {
        "wallets": f"[5:7]={{{ledger.wallet},{ledger.wallet},{ledger.wallet}}}",
        "shops": f"[0:2]={{{ledger.shop},{ledger.shop},{ledger.shop}}}",
        "holds": f"[5:7]={{{ledger.big},{ledger.big},{ledger.big}}}",
    }
    first = ledger.conn.execute(statement.encode(), given).fetchall()
    assert [replayed for _, replayed in first] == [False, False, True]
    assert first[0][0] == first[2][0]
    again = ledger.conn.execute(statement.encode(), given).fetchall()
    assert [replayed for _, replayed in again] == [True, False, True]
    assert again[2][0] == first[0][0]
    assert ledger.faults() == []


# As single calls

AMOUNTS = ("1", "1.0", "2.50", "30", "600")
KEYS = (None, "a", "a", "b", "c")
Draft = tuple[int, str, str | None, int | None]
drafts = st.tuples(
    st.integers(0, 1), st.sampled_from(AMOUNTS), st.sampled_from(KEYS),
    st.sampled_from((None, None, None, 0, 1)),
)  # fmt: skip
# Some requests are sent again, in the same words.
stories = st.tuples(
    st.lists(drafts, max_size=3), st.lists(st.one_of(drafts, st.integers(0, 9)), max_size=8)
)


class Story:
    """One telling of a story: the calls before on their own, then the batch."""

    def __init__(self, conn: Session, kind: Any, number: int) -> None:
        self.books, self.kind = HoldBooks(conn), kind
        # Keys and ids of this telling.
        self.app = f"{number} "
        self.own = [ids.generate(kind.prefix) for _ in range(2)]
        self.seen: dict[str, int] = {}

    def request(self, draft: Draft) -> Request:
        far, amount, key, own = draft
        ask = self.kind.far if far else self.kind.ask
        return ask(
            self.books, amount, idempotency_key=None if key is None else self.app + key,
            id=None if own is None else self.own[own],
        )  # fmt: skip

    def told(self, answers: Sequence[Hold | Transfer]) -> list[Any]:
        """Says of each answer what does not differ from telling to telling."""
        return [
            (str(one.amount), one.replayed, self.seen.setdefault(one.id, len(self.seen)))
            for one in answers
        ]

    def attempt(self, call: Callable[[], Sequence[Hold | Transfer]]) -> list[Any] | PgledgerError:
        try:
            with self.books.conn.transaction():
                return self.told(call())
        except PgledgerError as error:
            return error

    def state(self) -> Any:
        keys = [row for row in self.books.known_keys() if row[1].startswith(self.app)]
        return (
            sorted(
                (key.removeprefix(self.app), function, self.seen[result_id], request["amount"])
                for _, key, function, result_id, request in keys
            ),
            [
                (str(account.balance), account.version, str(account.held_out), str(account.held_in))
                for account in map(
                    self.books.get_account,
                    (self.books.wallet, self.books.shop, self.books.one, self.books.two),
                )
            ],
        )


@kinds
def test_a_batch_comes_to_what_its_single_calls_come_to(connect: Connect, kind: Any) -> None:
    conn = connect(autocommit=True)
    tellings = iter(range(10**6))

    @settings(max_examples=scaled(60))
    @given(story=stories)
    def both_agree(story: tuple[list[Draft], list[Draft | int]]) -> None:
        before, drafts = story
        batch: list[Draft] = []
        for draft in drafts:
            if not isinstance(draft, int):
                batch.append(draft)
            elif [*before, *batch]:
                batch.append([*before, *batch][draft % (len(before) + len(batch))])
        at_once, apart = (Story(conn, kind, next(tellings)) for _ in range(2))
        for draft in before:
            for one in (at_once, apart):
                one.attempt(lambda one=one, draft=draft: [  # type: ignore[misc]
                    kind.alone(one.books, one.request(draft))
                ])  # fmt: skip
        made = at_once.attempt(lambda: kind.batch(at_once.books, map(at_once.request, batch)))
        done: list[Hold | Transfer] = []

        def one_by_one() -> list[Hold | Transfer]:
            done.extend(kind.alone(apart.books, apart.request(draft)) for draft in batch)
            return done

        expected = apart.attempt(one_by_one)
        if isinstance(expected, PgledgerError):
            # The checks of holds go through all requests, one check after another.
            assert isinstance(made, type(expected) if kind is Posting else (
                type(expected), IdempotencyConflict
            ))  # fmt: skip
            if kind is Posting:
                assert f"request {len(done) + 1} of {len(batch)}" in str(made)
        else:
            assert made == expected
        assert at_once.state() == apart.state()

    both_agree()
    assert HoldBooks(conn).faults() == []


# Many at once


@kinds
def test_sixteen_batches_with_the_same_keys_have_one_effect(ledger, connect, kind):
    def run(number: int) -> Any:
        requests = [kind.ask(ledger, 1, idempotency_key=f"k{n}") for n in range(20)]
        if number % 2:
            requests.reverse()
        return lambda session: {
            answer.id: answer.replayed for answer in kind.batch(Ledger(session), requests)
        }

    answers = all_at_once(connect, [run(number) for number in range(16)])
    assert len({tuple(sorted(answer)) for answer in answers}) == 1
    counted = Counter(replayed for answer in answers for replayed in answer.values())
    assert counted == {True: 15 * 20, False: 20}
    assert kind.done(ledger) == 20
    assert ledger.faults() == []


@kinds
def test_batches_and_single_calls_with_the_same_keys_have_one_effect(ledger, connect, kind):
    requests = [kind.ask(ledger, 1, idempotency_key=f"k{n}") for n in range(8)]

    def alone(request: Any) -> Any:
        return lambda session: [kind.alone(Ledger(session), request)]

    answers = all_at_once(
        connect,
        [
            *(lambda session: kind.batch(Ledger(session), requests) for _ in range(8)),
            *(alone(request) for request in requests),
        ],
    )
    found = [answer for each in answers for answer in each]
    assert Counter(answer.replayed for answer in found) == {True: 8 * 8, False: 8}
    assert len({answer.id for answer in found}) == 8
    assert kind.done(ledger) == 8
    assert ledger.faults() == []


@kinds
def test_batches_that_share_keys_on_other_accounts_never_deadlock(ledger, connect, kind):
    pairs = [
        [ledger.create_account(f"{n} {side}", "USD").id for side in ("from", "to")]
        for n in range(8)
    ]
    holds = [ledger.create_hold(*pair, 100).id for pair in pairs]

    def run(number: int) -> Any:
        source, target = pairs[number]
        requests = [
            HoldRequest(source, target, 1, idempotency_key=f"k{n}")
            if kind is Holding
            else PostingRequest(holds[number], amount=1, final=False, idempotency_key=f"k{n}")
            for n in range(10)
        ]
        if number % 2:
            requests.reverse()
        return lambda session: kind.batch(Ledger(session), requests)

    answers = all_at_once(connect, [run(number) for number in range(8)])
    made = [answer for answer in answers if not isinstance(answer, Exception)]
    assert len(made) == 1
    assert {type(answer) for answer in answers} == {list, IdempotencyConflict}
    assert len(ledger.known_keys()) == 10
    assert ledger.faults() == []


@kinds
@pytest.mark.parametrize("rival", ["batch", "single"])
@pytest.mark.parametrize("level", [IsolationLevel.READ_COMMITTED, IsolationLevel.REPEATABLE_READ])
@pytest.mark.parametrize("ends", ["same", "other accounts", "rolled back"])
def test_a_batch_waits_for_a_key_and_repeats_is_refused_or_takes_it(
    ledger, connect, wait_until_blocked: WaitUntilBlocked, kind, rival, level, ends
):
    asked = kind.far(ledger, 5, idempotency_key=KEY)
    theirs = kind.ask(ledger, 5, idempotency_key=KEY) if ends == "other accounts" else asked
    mine, other = connect(**PATIENCE), connect(**PATIENCE)
    other.set_isolation_level(level)
    other.execute("select 1")
    if rival == "batch":
        (first,) = kind.batch(Ledger(mine), [theirs])
    else:
        first = kind.alone(Ledger(mine), theirs)
    requests = [kind.far(ledger, 1, idempotency_key="a"), asked]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(kind.batch, Ledger(other), requests)
        wait_until_blocked(other.info.backend_pid, by=mine.info.backend_pid)
        if ends == "rolled back":
            mine.rollback()
        else:
            mine.commit()
    if ends == "rolled back":
        assert [answer.replayed for answer in waiting.result()] == [False, False]
    elif level is IsolationLevel.REPEATABLE_READ:
        assert isinstance(waiting.exception(), SerializationFailure)
        other.rollback()
    elif ends == "same":
        assert [answer.replayed for answer in waiting.result()] == [False, True]
        assert waiting.result()[1].id == first.id
    else:
        refused = waiting.exception()
        assert isinstance(refused, IdempotencyConflict)
        assert "request 2 of 2" in str(refused)
        other.rollback()
    other.commit()
    keys = [row[1] for row in ledger.known_keys()]
    assert sorted(keys) == (["a", KEY] if waiting.exception() is None else [KEY])
    assert ledger.faults() == []


@kinds
@pytest.mark.parametrize("ends", ["same", "other accounts", "rolled back"])
def test_a_single_call_waits_for_the_key_of_a_batch(
    ledger, connect, wait_until_blocked: WaitUntilBlocked, kind, ends
):
    asked = kind.far(ledger, 5, idempotency_key=KEY)
    theirs = kind.ask(ledger, 5, idempotency_key=KEY) if ends == "other accounts" else asked
    mine, other = connect(**PATIENCE), connect(autocommit=True, **PATIENCE)
    first = kind.batch(Ledger(mine), [theirs, kind.ask(ledger, 1, idempotency_key="a")])[0]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(kind.alone, Ledger(other), asked)
        wait_until_blocked(other.info.backend_pid, by=mine.info.backend_pid)
        if ends == "rolled back":
            mine.rollback()
        else:
            mine.commit()
    if ends == "rolled back":
        assert waiting.result().replayed is False
    elif ends == "same":
        assert waiting.result() == replace(first, replayed=True)
    else:
        assert isinstance(waiting.exception(), IdempotencyConflict)
    assert ledger.faults() == []
