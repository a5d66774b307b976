"""What is marked parallel safe runs in a parallel worker.

`create table … as select` has already started a command when its workers begin. A worker can then
start no other: PL/pgSQL that is volatile starts one for each statement, stable PL/pgSQL for none.
"""

from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg
import pytest

from support.clock import SetClock
from support.invoices import Customer, carry_clock, make_feature, make_plan
from support.subscriptions import Session

FUNCTIONS: LiteralString = """
  select
    pg_proc.oid::regproc::text, pg_proc.oid::regprocedure::text,
    array(select format_type(kind, null) from unnest(pg_proc.proargtypes) as kind)
  from pg_proc
  where (
    pg_proc.pronamespace = 'pgledger'::regnamespace or pg_proc.proname ~ '^(pg)?ledger_'
  )
    and pg_proc.proparallel = 's'
    and pg_proc.prorettype <> 'trigger'::regtype
  order by 1
"""


def in_worker(conn: Session, call: str, parameters: Sequence[str] = ()) -> str:
    """Runs a call for each of two rows in a worker that may start no command; returns the plan.

    With an ordinality the call stays as it is, rather than becoming a part of the statement.
    """
    statement = (
        "explain (analyze, verbose, costs off, timing off) create temp table answers as"
        f" select count(answer) from asked cross join lateral {call} with ordinality as answer"
    )
    query = statement.encode()
    with conn.transaction(force_rollback=True):
        return "\n".join(line for (line,) in conn.execute(query, parameters))


@pytest.fixture
def session(conn: Session, set_clock: SetClock) -> Session:
    carry_clock(conn, set_clock, "2025-01-01")
    # Each argument comes from a row, so that nothing is worked out while planning.
    conn.execute("create table asked as select null::text as nothing from generate_series(1, 2)")
    renamed = conn.info.server_version >= 160000
    conn.execute(
        f"set {'debug_parallel_query' if renamed else 'force_parallel_mode'} = on".encode()
    )
    conn.commit()
    return conn


@pytest.fixture
def calls(session: Session) -> dict[str, dict[str, str]]:
    """Returns arguments that have an answer for each public function that is parallel safe."""

    def value(statement: LiteralString, *parameters: Any) -> str:
        row = session.execute(statement, parameters).fetchone()
        assert row is not None
        return str(row[0])

    make_feature(session, "api", type="metered")
    features = [{"key": "api", "limit": 100}]
    prices = [{"feature": "api", "model": "per_unit", "unit_amount": "2"}]
    plan = make_plan(session, "pro", amount="10", features=features, prices=prices)
    customer = Customer(session)
    subscription = customer.tenant.create(plan)["id"]
    customer.use("api", 3)
    coupon = value("select id from ledger_create_coupon('shop', 'TEN', percentage => 10)")
    customer.redeem("TEN")
    customer.at("2025-02-01")
    customer.advance()
    (invoice, *_) = (row["id"] for row in customer.invoices("pending"))
    customer.tenant.one("ledger_record_payment", invoice_id=invoice, amount=1)
    accounts = [value("select id from pgledger_create_account(%s, 'USD')", name) for name in "ab"]
    transfer = value("select id from pgledger_create_transfer(%s, %s, 1)", *accounts)
    ulid = transfer.removeprefix("pglt_")
    session.commit()

    tenant = {"app_id": "shop", "tenant_id": "t1"}
    hours = {"starts_at": "2025-01-01+00", "ends_at": "2025-02-01+00"}
    used = tenant | {"feature_key": "api"}
    price = '{"model": "per_unit", "unit_amount": "2"}'
    return {
        "ledger_aggregate_usage": used | hours,
        "ledger_aggregate_usage_by_feature": tenant | hours | {"feature_keys": "{api}"},
        "ledger_check_entitlement": used,
        "ledger_get_active_subscription": tenant,
        "ledger_get_cached_entitlement": used,
        "ledger_get_coupon": {"app_id": "shop", "code": "TEN"},
        "ledger_get_coupon_by_id": {"app_id": "shop", "id": coupon},
        "ledger_get_feature": {
            "app_id": "shop",
            "id": value("select id from ledger_get_feature_by_key('shop', 'api')"),
        },
        "ledger_get_feature_by_key": {"app_id": "shop", "key": "api"},
        "ledger_get_invoice": tenant | {"id": invoice},
        "ledger_get_invoice_by_period": tenant
        | {"subscription_id": subscription, "at": "2025-01-02+00"},
        "ledger_get_plan": {"app_id": "shop", "id": plan},
        "ledger_get_plan_by_slug": {"app_id": "shop", "slug": "pro"},
        "ledger_get_subscription": tenant | {"id": subscription},
        "ledger_list_coupon_redemptions": tenant,
        "ledger_list_coupons": {"app_id": "shop"},
        "ledger_list_features": {"app_id": "shop"},
        "ledger_list_global_features": {},
        "ledger_list_invoices": tenant,
        "ledger_list_payments": tenant | {"invoice_id": invoice},
        "ledger_list_pending_invoices": tenant,
        "ledger_list_plans": {"app_id": "shop"},
        "ledger_list_subscriptions": tenant,
        "ledger_price_usage": {"price": price, "quantity": "3"},
        "ledger_query_usage": tenant,
        "ledger_remaining_entitlement": used,
        "pgledger_account_entries": {"account_id": accounts[0]},
        "pgledger_accounts_ahead": {},
        "pgledger_balance_at": {"account_id": accounts[0], "at": "2025-02-02+00"},
        "pgledger_balance_at_version": {"account_id": accounts[0], "version": "1"},
        "pgledger_get_account": {"id": accounts[0]},
        "pgledger_get_transfer": {"id": transfer},
        "pgledger_id_timestamp": {"id": transfer},
        "pgledger_ulid_to_uuid": {"ulid": ulid},
        "pgledger_uuid_to_ulid": {"uuid": "01941f29-7c00-7000-8000-000000000000"},
        "pgledger_verify": {},
    }


def test_reading_functions_answer_in_a_worker(
    session: Session, calls: dict[str, dict[str, str]], subtests: Any
) -> None:
    names = {name for name, *_ in session.execute(FUNCTIONS) if "." not in name}
    assert set(calls) == names
    for name, arguments in calls.items():
        with subtests.test(name):
            given = ", ".join(f"{key} => %s" for key in arguments)
            plan = in_worker(session, f"{name}({given})", list(arguments.values()))
            assert "Workers Launched: 1" in plan


def test_safe_functions_run_in_a_worker(session: Session, subtests: Any) -> None:
    """Whatever a function says of nothing but nulls, it is not that a worker may not say it."""
    functions = session.execute(FUNCTIONS).fetchall()
    assert len(functions) > 100
    for name, signature, kinds in functions:
        with subtests.test(signature):
            arguments = ", ".join(f"asked.nothing::{kind}" for kind in kinds)
            try:
                plan = in_worker(session, f"{name}({arguments})")
            except psycopg.errors.InvalidTransactionState:
                raise
            except psycopg.Error:
                continue
            else:
                assert "Workers Launched: 1" in plan


def test_volatile_bodies_are_not_called_safe(conn: Session) -> None:
    """Volatile PL/pgSQL starts a command for each of its statements."""
    assert (
        conn.execute(
            """
            select pg_proc.oid::regprocedure
            from pg_proc
            inner join pg_language on pg_proc.prolang = pg_language.oid
            where (
              pg_proc.pronamespace = 'pgledger'::regnamespace
              or pg_proc.proname ~ '^(pg)?ledger_'
            )
              and pg_language.lanname = 'plpgsql'
              and pg_proc.provolatile = 'v'
              and pg_proc.proparallel <> 'u'
            """
        ).fetchall()
        == []
    )
