"""An application's function that is told what happens: when, as whom, and which can be one."""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql

from pgledger.errors import InvalidArgument, InvalidScope, InvalidState, NullArgument
from support.clock import SetClock
from support.database import Connect
from support.invoices import carry_clock, make_feature, make_plan, put_clock
from support.subscriptions import Session, Tenant, advance, call, everything

_numbers = itertools.count(1)

ARGUMENTS = "text, text, text, text, timestamptz"
NOTE = """
    begin
      insert into hooks.told (happening, app_id, tenant_id, subject_id, occurred_at, told_as)
      values ($1, $2, $3, $4, $5, current_user);
    end
"""


@dataclass(frozen=True, slots=True)
class Hook:
    """A schema with a function that notes what it is told, and the role that it belongs to."""

    conn: Session
    role: str
    stranger: str

    def make(self, body: str = NOTE, security: str = "definer", owner: str | None = None) -> None:
        self.run(
            f"create or replace function hooks.note({ARGUMENTS}) returns void language plpgsql"
            f" security {security} set search_path = pg_catalog, pg_temp as $hook$ {body} $hook$"
        )
        self.run(f"alter function hooks.note({ARGUMENTS}) owner to {owner or self.role}")

    def run(self, statement: str) -> None:
        self.conn.execute(statement.encode())

    def set(self, app_id: str = "shop", name: str | None = "note") -> None:
        self.conn.execute("select ledger_set_hook(%s, %s, %s)", [app_id, name and "hooks", name])

    def told(self) -> list[tuple[Any, ...]]:
        return self.conn.execute(
            "select happening, tenant_id, subject_id, occurred_at from hooks.told order by number"
        ).fetchall()

    def happenings(self) -> list[str]:
        return [row[0] for row in self.told()]


@pytest.fixture
def conn(connect: Connect, set_clock: SetClock) -> Session:
    """A superuser's session in autocommit, in a database whose clock stands still."""
    conn = connect(autocommit=True)
    carry_clock(conn, set_clock, "2025-01-01")
    return conn


@pytest.fixture
def hook(conn: Session) -> Iterator[Hook]:
    number = f"{os.getpid()}_{next(_numbers)}"
    made = Hook(conn, f"hook_{number}", f"stranger_{number}")
    made.run(f"create role {made.role} nologin")
    made.run(f"create role {made.stranger} login")
    made.run(
        "create schema hooks create table told ("
        "number bigint generated always as identity, happening text, app_id text, tenant_id text,"
        " subject_id text, occurred_at timestamptz, told_as text)"
    )
    made.run(f"grant usage on schema hooks to {made.role}, pgledger_owner")
    made.run(f"grant insert on hooks.told to {made.role}")
    made.make()
    yield made
    with conn.cursor() as cursor:
        for role in (made.role, made.stranger):
            cursor.execute(
                sql.SQL("reassign owned by {} to current_user").format(sql.Identifier(role))
            )
            cursor.execute(sql.SQL("drop owned by {}").format(sql.Identifier(role)))
            cursor.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))


def subscribe(conn: Session) -> tuple[Tenant, str]:
    tenant = Tenant(conn)
    return tenant, tenant.create(make_plan(conn, "pro", amount="10"))["id"]


def test_it_is_told_what_becomes_of_a_subscription(conn: Session, hook: Hook) -> None:
    hook.set()
    tenant, subscription = subscribe(conn)
    tenant.update(subscription, quantity=2)
    tenant.change_plan(subscription, make_plan(conn, "max", amount="30"))
    tenant.pause(subscription)
    tenant.resume(subscription)
    tenant.cancel(subscription)
    put_clock(conn, "2025-02-03")
    advance(conn)
    rows = tenant.changes(subscription)
    assert hook.told() == [
        (f"subscription_{row['change']}", "t1", subscription, row["occurred_at"]) for row in rows
    ]
    assert hook.happenings()[-2:] == [
        "subscription_cancellation_scheduled",
        "subscription_canceled",
    ]


def test_it_runs_with_the_rights_of_its_owner_and_no_others(
    conn: Session, hook: Hook, connect: Connect
) -> None:
    hook.set()
    conn.execute(sql.SQL("grant pgledger_poster to {}").format(sql.Identifier(hook.stranger)))
    app = connect(user=hook.stranger, autocommit=True)
    put_clock(app, "2025-01-01")
    subscribe(app)
    assert conn.execute("select distinct told_as from hooks.told").fetchall() == [(hook.role,)]

    for body in (
        "begin update pgledger.subscriptions set quantity = 5; end",
        "begin perform public.ledger_set_hook('shop', null, null); end",
        "begin set role pgledger_owner; end",
        "begin reset role; end",
    ):
        hook.make(body)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            Tenant(app, "t2").create(make_plan(conn, f"plan{next(_numbers)}"))


def test_a_trigger_of_the_applications_table_runs_as_the_hook(conn: Session, hook: Hook) -> None:
    hook.run(
        "create function hooks.note_more() returns trigger language plpgsql as"
        " $$begin new.told_as := 'trigger of ' || current_user; return new; end$$"
    )
    hook.run(
        "create trigger note_more before insert on hooks.told"
        " for each row execute function hooks.note_more()"
    )
    hook.set()
    subscribe(conn)
    assert conn.execute("select told_as from hooks.told").fetchall() == [
        (f"trigger of {hook.role}",)
    ]


def test_what_it_raises_undoes_what_happened(conn: Session, hook: Hook) -> None:
    hook.set()
    plan = make_plan(conn, "pro", amount="10")
    hook.make("begin raise exception 'not now' using errcode = 'P0007'; end")
    before = everything(conn)
    with pytest.raises(psycopg.Error, match="not now") as caught:
        Tenant(conn).create(plan)
    assert caught.value.sqlstate == "P0007"
    assert everything(conn) == before
    # It is not taken for running afterwards.
    hook.make()
    Tenant(conn).create(plan)
    assert hook.happenings() == ["subscription_created"]


def test_one_subscription_that_it_refuses_stops_no_other(conn: Session, hook: Hook) -> None:
    plan = make_plan(conn, "pro", amount="10")
    for name in ("t1", "t2", "t3"):
        Tenant(conn, name).create(plan)
    hook.make(
        "begin if $3 = 't2' and $1 = 'subscription_period_started' then"
        " raise exception 'not t2'; end if; end"
    )
    hook.set()
    put_clock(conn, "2025-02-01")
    rows = call(conn, "ledger_advance", app_id="shop", invoices="none", max_span=None)
    assert sorted((row["tenant_id"], row["change"], row["error"]) for row in rows) == [
        ("t1", "period_started", None),
        ("t2", "failed", "not t2"),
        ("t3", "period_started", None),
    ]


def test_it_is_told_only_what_is_committed(conn: Session, hook: Hook) -> None:
    hook.set()
    tenant, subscription = subscribe(conn)
    with conn.transaction(force_rollback=True):
        tenant.pause(subscription)
        assert hook.happenings()[-1] == "subscription_paused"
    put_clock(conn, "2025-03-01")
    tenant.one("ledger_preview_invoice", subscription_id=subscription)
    assert hook.happenings() == ["subscription_created"]


def test_each_app_has_its_own_or_none(conn: Session, hook: Hook) -> None:
    hook.set()
    Tenant(conn, "t1", "forum").create(make_plan(conn, "pro", app_id="forum"))
    assert hook.told() == []
    hook.set(name=None)
    subscribe(conn)
    assert hook.told() == []
    hook.set(name=None)


def test_it_changes_neither_subscriptions_nor_invoices(conn: Session, hook: Hook) -> None:
    tenant, subscription = subscribe(conn)
    conn.execute(sql.SQL("grant pgledger_poster to {}").format(sql.Identifier(hook.role)))
    hook.make("begin perform public.ledger_pause_subscription($2, $3, $4); end")
    hook.set()
    before = everything(conn)
    with pytest.raises(InvalidState, match="is running"):
        tenant.update(subscription, quantity=3)
    assert everything(conn) == before


def test_who_cannot_be_a_hook_is_refused(conn: Session, hook: Hook) -> None:
    def refused(words: str, name: str = "note", schema: str = "hooks") -> None:
        with pytest.raises(InvalidArgument, match=words):
            conn.execute("select ledger_set_hook('shop', %s, %s)", [schema, name])

    refused("no such function", "other")
    refused("no such function", schema="none")
    refused("no such function", 'note"; drop schema hooks; --')
    hook.make(security="invoker")
    refused("not SECURITY DEFINER")
    hook.make(owner="postgres")
    refused("superuser")
    hook.make(owner="pgledger_owner")
    refused("rights of pgledger_owner")
    hook.make(owner=hook.stranger)
    refused(f"{hook.stranger} could change it")
    hook.make()
    hook.run(f"grant {hook.role} to {hook.stranger}")
    refused(f"{hook.stranger} could change it")
    hook.run(f"revoke {hook.role} from {hook.stranger}")
    hook.run(f"alter role {hook.role} login")
    refused(f"{hook.role} could change it")
    hook.run(f"alter role {hook.role} nologin")
    hook.run(f"alter schema hooks owner to {hook.stranger}")
    refused(f"{hook.stranger} could change it")
    hook.run("alter schema hooks owner to postgres")
    hook.run("revoke usage on schema hooks from pgledger_owner")
    refused("pgledger_owner may not call it")
    hook.run("grant usage on schema hooks to pgledger_owner")
    hook.run(f"revoke execute on function hooks.note({ARGUMENTS}) from public")
    refused("pgledger_owner may not call it")
    hook.run(f"grant execute on function hooks.note({ARGUMENTS}) to pgledger_owner")
    hook.set()

    for app_id in ("", "*", "a b"):
        with pytest.raises(InvalidScope):
            hook.set(app_id)
    for arguments in ("null, 'hooks', 'note'", "'shop', null, 'note'", "'shop', 'hooks', null"):
        with pytest.raises(NullArgument):
            conn.execute(f"select ledger_set_hook({arguments})".encode())


@pytest.mark.parametrize(
    "change",
    [
        "alter function hooks.note(text, text, text, text, timestamptz) security invoker",
        "alter function hooks.note(text, text, text, text, timestamptz) owner to postgres",
        "drop function hooks.note(text, text, text, text, timestamptz)",
        "alter function hooks.note(text, text, text, text, timestamptz) rename to other",
        "alter schema hooks rename to hooks2",
    ],
)
def test_one_that_is_not_as_it_was_set_is_not_called(
    conn: Session, hook: Hook, change: str
) -> None:
    """A restore without owners leaves it so."""
    hook.set()
    hook.run(change)
    with pytest.raises(InvalidState, match="not as it was set"):
        subscribe(conn)
    hook.set(name=None)
    Tenant(conn).create(make_plan(conn, "other"))


def test_only_administrators_set_it(conn: Session, hook: Hook, connect: Connect) -> None:
    for granted in ("pgledger_poster", "pgledger_auditor"):
        hook.run(f"grant {granted} to {hook.stranger}")
        stranger = connect(user=hook.stranger, autocommit=True)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            stranger.execute("select ledger_set_hook('shop', 'hooks', 'note')")


def test_it_is_told_that_invoices_are_overdue(conn: Session, hook: Hook) -> None:
    make_feature(conn, "calls")
    subscribe(conn)
    call(conn, "ledger_advance", app_id="shop")
    hook.set()
    put_clock(conn, "2025-01-31 12:00")
    rows = call(conn, "ledger_advance", app_id="shop")
    assert hook.told() == [
        (row["change"], row["tenant_id"], row["invoice_id"], row["occurred_at"]) for row in rows
    ]
    assert hook.happenings() == ["invoice_past_due"]


def test_it_is_told_what_becomes_of_invoices(conn: Session, hook: Hook) -> None:
    hook.set()
    tenant = Tenant(conn)

    def make(amount: str = "5") -> str:
        line = [{"description": "work", "amount": amount}]
        invoice = tenant.one("ledger_create_invoice", currency="USD", lines=line)["id"]
        tenant.one("ledger_finalize_invoice", id=invoice)
        return str(invoice)

    paid, voided, free = make(), make(), make("0")
    for amount in (2, 3, 1):
        # Half of it, the other half, and too much.
        tenant.one("ledger_record_payment", invoice_id=paid, amount=amount)
    for _ in range(2):
        tenant.one("ledger_mark_invoice_voided", id=voided)
    given_up = make()
    for _ in range(2):
        tenant.one("ledger_mark_invoice_uncollectible", id=given_up)
    tenant.one("ledger_mark_invoice_paid", id=given_up)
    assert [(happening, subject) for happening, _, subject, _ in hook.told()] == [
        ("invoice_finalized", paid),
        ("invoice_finalized", voided),
        ("invoice_finalized", free),
        ("invoice_paid", free),
        ("invoice_paid", paid),
        ("invoice_voided", voided),
        ("invoice_finalized", given_up),
        ("invoice_uncollectible", given_up),
        ("invoice_paid", given_up),
    ]


@pytest.mark.parametrize("paid", ["", "10", "3"])
def test_it_is_told_what_a_voided_credit_leaves_open(conn: Session, hook: Hook, paid: str) -> None:
    tenant, subscription = subscribe(conn)
    call(conn, "ledger_advance", app_id="shop")
    (billed,) = (row["id"] for row in tenant.rows("ledger_list_invoices"))
    if paid:
        tenant.one("ledger_record_payment", invoice_id=billed, amount=paid)
    tenant.cancel(subscription, at_period_end=False, unused_time="credit")
    hook.set()
    call(conn, "ledger_advance", app_id="shop")
    credit = next(row["id"] for row in tenant.rows("ledger_list_invoices") if row["id"] != billed)
    for _ in range(2):
        tenant.one("ledger_mark_invoice_voided", id=credit)
    told = [(happening, subject) for happening, _, subject, _ in hook.told()]
    final = [("invoice_finalized", credit), ("invoice_paid", credit), ("invoice_voided", credit)]
    if paid == "10":
        # Money had paid it, and does so still.
        assert told == final
    else:
        assert told == [("invoice_paid", billed), *final, ("invoice_reopened", billed)]


@pytest.mark.parametrize("invoices", ["none", "draft", "final"])
def test_it_is_told_what_a_worker_does(conn: Session, hook: Hook, invoices: str) -> None:
    plan = make_plan(conn, "pro", amount="10")
    for name in ("t1", "t2"):
        Tenant(conn, name).create(plan)
    hook.set()
    put_clock(conn, "2025-03-10")
    rows = call(conn, "ledger_advance", app_id="shop", invoices=invoices, max_span=None)
    done = [
        (
            row["change"] if row["invoice_id"] else f"subscription_{row['change']}",
            row["tenant_id"],
            row["invoice_id"] or row["subscription_id"],
            row["occurred_at"],
        )
        for row in rows
        # Nothing has happened yet to what is a draft.
        if row["change"] != "invoice_drafted"
    ]
    assert sorted(hook.told()) == sorted(done)
    assert len(done) == (10 if invoices == "final" else 4)
