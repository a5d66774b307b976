"""SQLAlchemy: rows of models and transfers stand or fall together, and a refusal loses nothing."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.types.json import set_json_loads
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError, InternalError
from sqlalchemy.orm import Session

from pgledger import Ledger, errors

Accounts = tuple[str, str, str]


def below(connection: Connection) -> psycopg.Connection[Any]:
    found = connection.connection.driver_connection
    assert isinstance(found, psycopg.Connection)
    return found


def books_of(session: Session) -> Ledger:
    return Ledger(below(session.connection()))


@pytest.fixture
def engine(ledger_dsn: str) -> Iterator[Engine]:
    made = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(ledger_dsn))
    yield made
    made.dispose()


@pytest.fixture
def accounts(engine: Engine) -> Accounts:
    with Session(engine) as session, session.begin():
        session.execute(text("create table notes (body text)"))
        ledger = books_of(session)
        cash = ledger.create_account("cash", "USD").id
        wallet = ledger.create_account("wallet", "USD", allow_negative_balance=False).id
        sales = ledger.create_account("sales", "USD").id
        ledger.create_transfer(cash, wallet, Decimal(50))
    return cash, wallet, sales


def note(session: Session, body: str) -> None:
    session.execute(text("insert into notes values (:body)"), {"body": body})


def notes(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(text("select body from notes order by body")))


def balance(engine: Engine, account: str) -> Decimal:
    with Session(engine) as session:
        return books_of(session).get_account(account).balance


@pytest.fixture
def statements(engine: Engine) -> list[str]:
    """The savepoints that SQLAlchemy sends, in order."""
    seen: list[str] = []
    event.listen(engine, "savepoint", lambda connection, name: seen.append(str(name)))
    return seen


def test_a_savepoint_is_not_open_before_the_session_speaks(
    engine: Engine, accounts: Accounts, statements: list[str]
) -> None:
    _, wallet, sales = accounts
    with Session(engine) as session, session.begin():
        note(session, "lost")
        early = books_of(session)
        with pytest.raises(errors.InsufficientFunds), session.begin_nested():
            early.create_transfer(wallet, sales, Decimal(99))
        assert statements == []
    # No error was raised, and the row is not there.
    assert notes(engine) == []


def test_what_follows_the_lost_savepoint_fails(engine: Engine, accounts: Accounts) -> None:
    _, wallet, sales = accounts
    with Session(engine) as session:
        early = books_of(session)
        with pytest.raises(errors.InsufficientFunds), session.begin_nested():
            early.create_transfer(wallet, sales, Decimal(99))
        with pytest.raises(InternalError, match="InFailedSqlTransaction"):
            note(session, "refused")


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_ledger_made_inside_opens_the_savepoint(
    engine: Engine, accounts: Accounts, statements: list[str], depth: int
) -> None:
    _, wallet, sales = accounts

    def attempt(session: Session, level: int) -> None:
        with session.begin_nested():
            if level > 1:
                attempt(session, level - 1)
            books_of(session).create_transfer(wallet, sales, Decimal(99))

    with Session(engine) as session, session.begin():
        note(session, "before")
        with pytest.raises(errors.InsufficientFunds):
            attempt(session, depth)
        note(session, "after")
        books_of(session).create_transfer(wallet, sales, Decimal(20))
    assert notes(engine) == ["after", "before"]
    assert balance(engine, wallet) == 30
    assert len(statements) == depth


def test_a_core_connection_opens_its_savepoint_at_once(engine: Engine, accounts: Accounts) -> None:
    _, wallet, sales = accounts

    with engine.begin() as connection:
        early = Ledger(below(connection))
        connection.execute(text("insert into notes values ('before')"))
        with pytest.raises(errors.InsufficientFunds), connection.begin_nested():
            early.create_transfer(wallet, sales, Decimal(99))
    assert notes(engine) == ["before"]


@pytest.mark.parametrize("fails", [False, True])
def test_row_and_transfer_stand_or_fall_together(
    engine: Engine, accounts: Accounts, fails: bool
) -> None:
    _, wallet, sales = accounts

    def order() -> None:
        with Session(engine) as session, session.begin():
            books_of(session).create_transfer(wallet, sales, Decimal(20))
            note(session, "order")
            if fails:
                raise KeyError("the application's own mistake")

    if fails:
        with pytest.raises(KeyError):
            order()
    else:
        order()
    assert notes(engine) == ([] if fails else ["order"])
    assert balance(engine, wallet) == (50 if fails else 30)


def test_metadata_is_read_the_same_whatever_the_application_does_to_json(
    engine: Engine, accounts: Accounts
) -> None:
    with Session(engine) as session:
        own = below(session.connection())
        set_json_loads(lambda data: "changed", own)
        ledger = books_of(session)
        account = ledger.create_account("noted", "USD", metadata={"a": [1.5, {"b": "%(c)s :d"}]})
        assert ledger.get_account(account.id).metadata == {"a": [1.5, {"b": "%(c)s :d"}]}
        assert own.execute("select '{}'::jsonb").fetchone() == ("changed",)


def test_in_sql_our_error_is_the_original_one(engine: Engine, accounts: Accounts) -> None:
    _, wallet, sales = accounts
    with Session(engine) as session, pytest.raises(DatabaseError) as raised:
        session.execute(
            text("select id from pgledger_create_transfer(:payer, :payee, 0)"),
            {"payer": wallet, "payee": sales},
        )
    assert isinstance(raised.value.orig, errors.InvalidAmount)
