"""The billing store's catalogue: currencies, features and plans, and what is refused of them."""

import json
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from psycopg import IsolationLevel, sql
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb

from support.properties import scaled

APP = "acme"
ULID = "01JTVST7XAES5BXHWZN4KR4VE"
PATIENCE = {"options": "-c statement_timeout=60s"}

LEVELS = (
    IsolationLevel.READ_COMMITTED,
    IsolationLevel.REPEATABLE_READ,
    IsolationLevel.SERIALIZABLE,
)
levels = pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name.lower())

PLAN_COLUMNS = [
    "id",
    "app_id",
    "tenant_id",
    "slug",
    "name",
    "description",
    "status",
    "currency",
    "features",
    "pricing",
    "billing_interval",
    "interval_count",
    "trial_days",
    "anchor_at_trial_end",
    "add_on",
    "version",
    "metadata",
    "created_at",
    "updated_at",
    "priority",
]
FEATURE_COLUMNS = [
    "id",
    "app_id",
    "tenant_id",
    "key",
    "name",
    "description",
    "type",
    "aggregation",
    "unique_key",
    "status",
    "version",
    "metadata",
    "created_at",
    "updated_at",
    "default_limit",
    "default_period",
    "default_soft_limit",
]


# Calling


def adapted(value: Any) -> Any:
    return Jsonb(value) if isinstance(value, (dict, list)) else value


def statement(name: str, arguments: Mapping[str, Any]) -> sql.Composed:
    return sql.SQL("select * from {}({})").format(
        sql.Identifier(f"ledger_{name}"),
        sql.SQL(", ").join(
            sql.SQL("{} => {}").format(sql.Identifier(argument), sql.Placeholder(argument))
            for argument in arguments
        ),
    )


def rows(conn: psycopg.Connection[Any], name: str, /, **arguments: Any) -> list[Any]:
    """Calls ``ledger_<name>`` with these arguments, in an app unless it is given."""
    if name != "list_global_features":
        arguments = {"app_id": APP, **arguments}
    with conn.cursor(row_factory=namedtuple_row) as cursor:
        return cursor.execute(
            statement(name, arguments), {key: adapted(value) for key, value in arguments.items()}
        ).fetchall()


def call(conn: psycopg.Connection[Any], name: str, /, **arguments: Any) -> Any:
    (row,) = rows(conn, name, **arguments)
    return row


def refusal(conn: psycopg.Connection[Any], name: str, /, **arguments: Any) -> psycopg.Error:
    """Calls, and returns the error that it ends with; what was done before stays."""
    with pytest.raises(psycopg.Error) as caught, conn.transaction():
        rows(conn, name, **arguments)
    return caught.value


def refused(
    conn: psycopg.Connection[Any], sqlstate: str, message: str, name: str, /, **arguments: Any
) -> None:
    error = refusal(conn, name, **arguments)
    assert error.sqlstate == sqlstate, error
    assert error.diag.message_primary is not None
    assert message in error.diag.message_primary


def feature(conn: psycopg.Connection[Any], key: str, kind: str = "metered", **more: Any) -> Any:
    return call(conn, "create_feature", key=key, name=key.title(), type=kind, **more)


def plan(conn: psycopg.Connection[Any], slug: str = "pro", /, **more: Any) -> Any:
    return call(
        conn, "create_plan", **{"slug": slug, "name": slug.title(), "currency": "USD", **more}
    )


def plan_features(conn: psycopg.Connection[Any], plan_id: str) -> list[tuple[Any, ...]]:
    return conn.execute(
        """
        select
          place, feature_key, feature_id, plan_features.type, quota::text, period, soft_limit,
          aggregation
        from pgledger.plan_features
        inner join pgledger.plans on plans.key = plan_features.plan_key
        where plans.id = %s
        order by place
        """,
        [plan_id],
    ).fetchall()


@contextmanager
def aside(function: Callable[..., Any], /, *arguments: Any, **more: Any):
    """Runs a call in a thread, while the block decides what it waits for."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(function, *arguments, **more)


def outcome(future: Future[Any]) -> Any:
    try:
        return future.result(timeout=60)
    except psycopg.Error as error:
        return error


def all_at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    barrier = threading.Barrier(len(calls))

    def run(one: Callable[[], Any]) -> Any:
        barrier.wait()
        return one()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [outcome(future) for future in [pool.submit(run, one) for one in calls]]


# Currencies


def test_iso_currencies(conn):
    known = dict(
        conn.execute("select code, exponent from ledger_currencies where app_id = '*'").fetchall()
    )
    assert len(known) == 165
    assert all(re.fullmatch("[A-Z]{3}", code) for code in known)
    for codes, exponent in {
        "JPY KRW CLP ISK VND XAF XOF XPF UYI UGX PYG": 0,
        "USD EUR GBP CHF CNY INR BRL ZWG XCG SLE VED USN": 2,
        "KWD BHD IQD JOD LYD OMR TND": 3,
        "CLF UYW": 4,
    }.items():
        assert {known[code] for code in codes.split()} == {exponent}
    assert known.keys().isdisjoint(
        ["XAU", "XAG", "XDR", "XTS", "XXX", "XUA", "DEM", "HRK", "BGN", "ANG", "BTC"]
    )


def test_a_currency_of_the_app_s_own(conn):
    assert call(conn, "set_currency", code="POINTS", exponent=0) == (APP, "POINTS", 0)
    assert call(conn, "set_currency", code="POINTS", exponent=0) == (APP, "POINTS", 0)
    assert call(conn, "set_currency", code="POINTS", exponent=18) == (APP, "POINTS", 18)
    assert plan(conn, currency="POINTS").currency == "POINTS"
    refused(conn, "LG103", "currency 'POINTS' is not known in app 'other'", "create_plan",
            app_id="other", slug="pro", name="Pro", currency="POINTS")  # fmt: skip


def test_the_exponent_of_a_currency_in_use_stays(conn):
    call(conn, "set_currency", code="POINTS", exponent=2)
    created = plan(conn, currency="POINTS")
    error = refusal(conn, "set_currency", code="POINTS", exponent=3)
    assert error.sqlstate == "LG122"
    assert created.id in str(error)
    assert call(conn, "set_currency", code="POINTS", exponent=2) == (APP, "POINTS", 2)
    call(conn, "set_currency", code="POINTS", exponent=4, app_id="other")


@pytest.mark.parametrize(
    ("code", "exponent", "sqlstate", "message"),
    [
        (None, 2, "LG003", "code must not be null"),
        ("", 2, "LG005", "it is empty"),
        ("A B", 2, "LG005", "it contains a space"),
        ("X" * 33, 2, "LG005", "it has 33 characters"),
        ("JPY", 2, "LG101", "it is a code of ISO 4217, whose exponent is 0"),
        ("POINTS", None, "LG003", "exponent must not be null"),
        ("POINTS", -1, "LG101", "exponent -1 is not valid"),
        ("POINTS", 19, "LG101", "exponent 19 is not valid"),
    ],
)
def test_currencies_that_cannot_be(conn, code, exponent, sqlstate, message):
    refused(conn, sqlstate, message, "set_currency", code=code, exponent=exponent)


@pytest.mark.parametrize(
    ("currency", "sqlstate"),
    [(None, "LG003"), ("", "LG103"), ("usd", "LG103"), ("XAU", "LG103"), ("%s'\n", "LG103")],
)
def test_a_plan_needs_a_known_currency(conn, currency, sqlstate):
    refused(conn, sqlstate, "currency", "create_plan", slug="a", name="A", currency=currency)


def test_usage_skew(conn):
    def skew(value: Any) -> Any:
        return call(conn, "set_usage_skew", skew=value)[0]

    assert skew(timedelta(hours=2)) == timedelta(hours=2)
    assert skew(timedelta(0)) == timedelta(0)
    assert conn.execute("select app_id, usage_skew from pgledger.apps").fetchall() == [
        (APP, timedelta(0))
    ]
    refused(conn, "LG003", "skew", "set_usage_skew", skew=None)
    refused(conn, "LG101", "it is negative", "set_usage_skew", skew=timedelta(seconds=-1))
    refused(conn, "LG101", "more than 365 days", "set_usage_skew", skew=timedelta(days=366))


# Features


def test_a_feature_is_created(conn):
    created = feature(conn, "api_calls", description="Calls of the API", metadata={"a": 1})
    assert created._fields == tuple(FEATURE_COLUMNS)
    assert created.id.startswith("feat_")
    assert (created.app_id, created.tenant_id, created.key, created.name) == (
        APP, "", "api_calls", "Api_Calls",
    )  # fmt: skip
    assert (created.type, created.aggregation, created.unique_key) == ("metered", "sum", None)
    assert (created.status, created.version, created.metadata) == ("active", 1, {"a": 1})
    assert created.created_at == created.updated_at
    assert call(conn, "get_feature", id=created.id) == created
    assert call(conn, "get_feature_by_key", key="api_calls") == created
    with conn.cursor(row_factory=namedtuple_row) as cursor:
        assert cursor.execute("select * from ledger_features").fetchall() == [created]


def test_only_metered_features_have_an_aggregation(conn):
    assert feature(conn, "sso", "boolean").aggregation is None
    assert feature(conn, "seats", "seat").aggregation is None
    counted = feature(conn, "users", aggregation="unique_count", unique_key="user id")
    assert (counted.aggregation, counted.unique_key) == ("unique_count", "user id")


@pytest.mark.parametrize(
    ("arguments", "sqlstate", "message"),
    [
        ({"key": None}, "LG003", "key must not be null"),
        ({"key": ""}, "LG101", "key '' is not valid: it is empty"),
        ({"key": "a b"}, "LG101", "it contains a space"),
        ({"key": "a\nb"}, "LG101", "it contains a space, a control character"),
        ({"key": "k" * 129}, "LG101", "it has 129 characters, at most 128"),
        ({"name": None}, "LG003", "name must not be null"),
        ({"name": " "}, "LG101", "no character of it can be seen"),
        ({"name": "n" * 256}, "LG101", "it has 256 characters"),
        ({"type": None}, "LG003", "type must not be null"),
        ({"type": "Metered"}, "LG101", "it is none of boolean, metered, seat"),
        ({"aggregation": "avg"}, "LG101", "aggregation 'avg' is not valid: it is none of sum"),
        ({"type": "seat", "aggregation": "sum"}, "LG101", "not metered but seat"),
        ({"aggregation": "unique_count"}, "LG101", "no unique_key"),
        ({"type": "boolean", "unique_key": "a"}, "LG101", "not metered but boolean"),
        ({"unique_key": ""}, "LG101", "unique_key '' is not valid"),
        ({"unique_key": "u" * 129}, "LG101", "it has 129 characters"),
        ({"description": "d" * 10001}, "LG101", "it has 10001 characters"),
        ({"metadata": []}, "LG007", "type array"),
        ({"metadata": Jsonb("text")}, "LG007", "type string"),
        ({"id": "feat_1"}, "LG001", "id 'feat_1' is not a valid id"),
        ({"id": f"plan_{ULID}0"}, "LG001", "it does not begin with feat_"),
        ({"app_id": None}, "LG003", "app_id must not be null"),
        ({"app_id": ""}, "LG006", "it is empty"),
        ({"app_id": "a" * 129}, "LG006", "it has 129 characters"),
        ({"tenant_id": None}, "LG003", "tenant_id must not be null"),
        ({"tenant_id": "a b"}, "LG006", "it contains a space"),
        ({"app_id": "*", "tenant_id": "t"}, "LG006", "belongs to no tenant"),
    ],
)
def test_features_that_cannot_be(conn, arguments, sqlstate, message):
    refused(conn, sqlstate, message, "create_feature", **{"key": "k", "name": "K", **arguments})


def test_a_key_is_taken_once_for_a_tenant_an_app_and_all_apps(conn):
    of_all = feature(conn, "k", app_id="*")
    of_app = feature(conn, "k")
    of_tenant = feature(conn, "k", tenant_id="t")
    refused(conn, "LG120", "feature key 'k' is already taken among the features of all apps",
            "create_feature", app_id="*", key="k", name="K")  # fmt: skip
    refused(
        conn, "LG120", "'k' is already taken in app 'acme'", "create_feature", key="k", name="K"
    )
    refused(conn, "LG120", "in app 'acme' for tenant 't'", "create_feature", key="k", name="K",
            tenant_id="t")  # fmt: skip

    def found(**arguments: Any) -> Any:
        return call(conn, "get_feature_by_key", key="k", **arguments)

    assert found(tenant_id="t") == of_tenant
    assert found(tenant_id="u") == found() == of_app
    assert found(app_id="other", tenant_id="t") == found(app_id="*") == of_all
    # Which one it is does not change because the narrowest was archived.
    call(conn, "archive_feature", id=of_tenant.id)
    assert found(tenant_id="t").id == of_tenant.id
    refused(
        conn, "LG111", "feature 'l' does not exist in app 'acme'", "get_feature_by_key", key="l"
    )
    refused(conn, "LG003", "key must not be null", "get_feature_by_key", key=None)


def test_a_feature_is_found_in_its_app_alone(conn):
    of_app, of_all = feature(conn, "a"), feature(conn, "b", app_id="*")
    assert call(conn, "get_feature", app_id="other", id=of_all.id) == of_all
    for name in ("get_feature", "update_feature", "archive_feature", "delete_feature"):
        for app_id in ("other", "*"):
            refused(conn, "LG111", of_app.id, name, app_id=app_id, id=of_app.id)
        refused(conn, "LG001", "not a valid id", name, id="a")
        refused(conn, "LG003", "id must not be null", name, id=None)
    # What belongs to all apps is changed by that name alone.
    for name in ("update_feature", "archive_feature", "delete_feature"):
        refused(conn, "LG111", of_all.id, name, id=of_all.id)
    assert call(conn, "update_feature", app_id="*", id=of_all.id, name="New").name == "New"
    assert call(conn, "archive_feature", app_id="*", id=of_all.id).status == "archived"
    assert call(conn, "delete_feature", app_id="*", id=of_all.id).id == of_all.id


def test_a_feature_created_again_with_its_id(conn):
    request = {"key": "k", "name": "K", "id": f"feat_{ULID}0", "metadata": {"a": 1}}
    created = call(conn, "create_feature", **request)
    assert call(conn, "create_feature", **request) == created
    assert call(conn, "create_feature", **request, aggregation="sum") == created
    for other in (
        {"key": "l"}, {"name": "L"}, {"type": "seat"}, {"aggregation": "max"}, {"unique_key": "u"},
        {"description": ""}, {"metadata": None}, {"app_id": "other"}, {"app_id": "*"},
        {"tenant_id": "t"},
    ):  # fmt: skip
        refused(conn, "LG023", created.id, "create_feature", **{**request, **other})
    # Somebody has changed it since: the first request is still the one that created it.
    changed = call(conn, "update_feature", id=created.id, name="New")
    assert call(conn, "create_feature", **request) == changed
    refused(conn, "LG023", created.id, "create_feature", **{**request, "key": "l"})


def test_updating_a_feature(conn, set_clock):
    created = feature(conn, "k", unique_key="u", description="d")
    conn.commit()
    set_clock(conn, "clock_timestamp() + interval '1 hour'")
    changed = call(conn, "update_feature", id=created.id, name="New", aggregation="unique_count")
    assert changed == created._replace(
        name="New", aggregation="unique_count", version=2, updated_at=changed.updated_at
    )
    assert changed.updated_at - created.updated_at > timedelta(minutes=59)
    assert call(conn, "update_feature", id=created.id) == changed
    assert call(conn, "update_feature", id=created.id, name="New", description="d") == changed
    changed = call(conn, "update_feature", id=created.id, description="", metadata={"a": 1})
    assert (changed.version, changed.description, changed.metadata) == (3, "", {"a": 1})
    refused(conn, "LG101", "name", "update_feature", id=created.id, name="")
    refused(conn, "LG101", "none of", "update_feature", id=created.id, aggregation="avg")
    refused(conn, "LG007", "type array", "update_feature", id=created.id, metadata=[])
    switch = feature(conn, "sso", "boolean")
    refused(conn, "LG101", "boolean", "update_feature", id=switch.id, aggregation="sum")
    plain = feature(conn, "l")
    refused(conn, "LG101", "unique_key", "update_feature", id=plain.id, aggregation="unique_count")


def test_archiving_a_feature(conn):
    created = feature(conn, "k")
    archived = call(conn, "archive_feature", id=created.id)
    assert (archived.status, archived.version) == ("archived", 2)
    assert call(conn, "archive_feature", id=created.id) == archived
    refused(conn, "LG121", "feature 'k' is archived", "create_plan", slug="a", name="A",
            currency="USD", features=[{"key": "k"}])  # fmt: skip
    assert plan(conn).features == []


def test_deleting_a_feature(conn):
    created = feature(conn, "k")
    assert call(conn, "delete_feature", id=created.id) == created
    refused(conn, "LG111", created.id, "get_feature", id=created.id)
    created = feature(conn, "k")
    held_by = plan(conn, features=[{"key": "k"}])
    refused(conn, "LG122", "feature 'k' cannot be deleted: plans contain it",
            "delete_feature", id=created.id)  # fmt: skip
    call(conn, "update_plan", id=held_by.id, features=[])
    assert call(conn, "delete_feature", id=created.id) == created


def record_usage(conn: psycopg.Connection[Any], app_id: str, tenant_id: str, key: str) -> None:
    """Writes what recording usage leaves behind, whichever call that is."""
    conn.execute(
        """
        with tenant as (
          insert into pgledger.tenants (app_id, tenant_id)
          values (%(app_id)s, %(tenant_id)s)
          returning key
        )
        insert into pgledger.meters (tenant_key, app_id, tenant_id, feature_key, type)
        select key, %(app_id)s, %(tenant_id)s, %(key)s, 'metered'
        from tenant
        """,
        {"app_id": app_id, "tenant_id": tenant_id, "key": key},
    )


def test_a_feature_with_usage_is_not_deleted(conn):
    of_all, of_app, of_tenant = (
        feature(conn, "k", app_id="*"), feature(conn, "k"), feature(conn, "k", tenant_id="t"),
    )  # fmt: skip
    message = "feature 'k' cannot be deleted: usage of it was recorded"
    record_usage(conn, APP, "t", "k")
    refused(conn, "LG122", message, "delete_feature", id=of_tenant.id)
    record_usage(conn, "other", "t", "k")
    refused(conn, "LG122", message, "delete_feature", app_id="*", id=of_all.id)
    # Nobody else's usage is in its way, until there is some.
    with conn.transaction(force_rollback=True):
        call(conn, "delete_feature", id=of_app.id)
    record_usage(conn, APP, "u", "k")
    refused(conn, "LG122", message, "delete_feature", id=of_app.id)


# Lists


def test_lists_of_features(conn):
    made = [
        feature(conn, "a"), feature(conn, "b"), feature(conn, "a", tenant_id="t"),
        feature(conn, "b", tenant_id="u"),
    ]  # fmt: skip
    of_all = [feature(conn, key, app_id="*") for key in "abc"]
    feature(conn, "a", app_id="other")
    made[1] = call(conn, "archive_feature", id=made[1].id)
    of_all[0] = call(conn, "archive_feature", app_id="*", id=of_all[0].id)

    def listed(**arguments: Any) -> Any:
        return rows(conn, "list_features", **arguments)

    assert listed() == made
    assert listed(tenant_id="") == made[:2]
    assert listed(tenant_id="t") == made[:3]
    assert listed(status="archived") == made[1:2]
    assert listed(status="active", tenant_id="t") == [made[0], made[2]]
    assert listed(page_size=2) + listed(page_size=2, page_offset=2) == made
    assert listed(page_offset=4) == listed(app_id="third") == []
    assert rows(conn, "list_global_features") == listed(app_id="*") == of_all
    assert rows(conn, "list_global_features", status="active") == of_all[1:]
    assert rows(conn, "list_global_features", page_size=1, page_offset=1) == of_all[1:2]


def test_lists_of_plans(conn):
    made = [
        plan(conn, "a"), plan(conn, "b"), plan(conn, "a", tenant_id="t"),
        plan(conn, "b", tenant_id="u"),
    ]  # fmt: skip
    plan(conn, "a", app_id="other")
    made[0] = call(conn, "archive_plan", id=made[0].id)

    def listed(**arguments: Any) -> Any:
        return rows(conn, "list_plans", **arguments)

    assert listed() == made
    assert listed(tenant_id="") == made[:2]
    assert listed(tenant_id="u") == [made[0], made[1], made[3]]
    assert listed(status="archived") == made[:1]
    assert listed(status="active", tenant_id="t") == made[1:3]
    assert listed(page_size=3) + listed(page_size=3, page_offset=3) == made
    assert listed(page_offset=2**63 - 1) == listed(app_id="third") == []


@pytest.mark.parametrize("name", ["list_plans", "list_features", "list_global_features"])
@pytest.mark.parametrize(
    ("arguments", "sqlstate", "message"),
    [
        ({"status": "gone"}, "LG101", "status 'gone' is not valid: it is none of active, archived"),
        ({"page_size": 0}, "LG014", "page_size 0 is not valid"),
        ({"page_size": 10001}, "LG014", "page_size 10001 is not valid"),
        ({"page_size": None}, "LG003", "page_size must not be null"),
        ({"page_offset": -1}, "LG014", "page_offset -1 is not valid"),
        ({"page_offset": None}, "LG003", "page_offset must not be null"),
    ],
)
def test_pages_that_cannot_be(conn, name, arguments, sqlstate, message):
    refused(conn, sqlstate, message, name, **arguments)


# Plans


FULL = {
    "features": [
        {"key": "api_calls", "type": "metered", "limit": "10000", "period": "month",
         "soft_limit": True, "aggregation": "max"},
        {"key": "sso", "type": "boolean", "limit": "1"},
        {"key": "seats", "type": "seat", "limit": 5.50},
        {"key": "storage", "limit": None, "period": None},
    ],
    "pricing": {
        "base": {"amount": "49.00", "interval": "week", "interval_count": 2, "billed": "arrears"},
        "prices": [
            {"feature": "storage", "model": "graduated", "minimum": None, "maximum": "9",
             "tiers": [{"up_to": "10", "unit_amount": "10", "flat_amount": "2"},
                       {"up_to": None, "unit_amount": "5"}]},
            {"feature": "seats", "model": "per_unit", "unit_amount": "0.001", "tiers": None},
        ],
    },
}  # fmt: skip


@pytest.fixture
def catalogue(conn) -> psycopg.Connection[Any]:
    """A connection to a database whose app has some features, committed."""
    feature(conn, "api_calls", unique_key=None)
    feature(conn, "users", unique_key="user", aggregation="unique_count")
    feature(conn, "storage", aggregation="latest")
    feature(conn, "sso", "boolean")
    feature(conn, "seats", "seat")
    feature(conn, "shared", app_id="*")
    feature(conn, "custom", tenant_id="t")
    feature(conn, "foreign", app_id="other")
    call(conn, "archive_feature", id=feature(conn, "old").id)
    conn.commit()
    return conn


def id_of(conn: psycopg.Connection[Any], key: str, **more: Any) -> str:
    return call(conn, "get_feature_by_key", key=key, **more).id


def test_a_plan_is_created(catalogue):
    conn = catalogue
    created = plan(
        conn, "pro", **FULL, description="Text", trial_days=14, anchor_at_trial_end=False,
        add_on=True, metadata={"a": 1},
    )  # fmt: skip
    assert created._fields == tuple(PLAN_COLUMNS)
    assert created.id.startswith("plan_")
    assert (created.app_id, created.tenant_id, created.slug, created.name) == (
        APP,
        "",
        "pro",
        "Pro",
    )
    assert (created.status, created.version, created.currency) == ("active", 1, "USD")
    assert (created.features, created.pricing) == (FULL["features"], FULL["pricing"])
    assert (created.billing_interval, created.interval_count) == ("week", 2)
    assert (created.trial_days, created.anchor_at_trial_end, created.add_on) == (14, False, True)
    assert (created.description, created.metadata) == ("Text", {"a": 1})
    assert call(conn, "get_plan", id=created.id) == created
    assert call(conn, "get_plan_by_slug", slug="pro") == created
    with conn.cursor(row_factory=namedtuple_row) as cursor:
        assert cursor.execute("select * from ledger_plans").fetchall() == [created]
    assert plan_features(conn, created.id) == [
        (0, "api_calls", id_of(conn, "api_calls"), "metered", "10000", "month", True, "max"),
        (1, "sso", id_of(conn, "sso"), "boolean", "1", "billing", False, "latest"),
        (2, "seats", id_of(conn, "seats"), "seat", "5.5", "billing", False, "latest"),
        (3, "storage", id_of(conn, "storage"), "metered", "-1", "billing", False, "latest"),
    ]


def test_defaults_of_a_plan(conn):
    created = plan(conn)
    assert (created.features, created.pricing, created.description) == ([], {}, None)
    assert (created.billing_interval, created.interval_count) == ("month", 1)
    assert (created.trial_days, created.anchor_at_trial_end, created.add_on) == (0, True, False)
    assert (created.metadata, created.tenant_id) == (None, "")
    for number, pricing in enumerate(
        [{"base": None, "prices": None}, {"base": {}, "prices": []}, {"base": {"interval": None}}]
    ):
        created = plan(conn, f"plan{number}", pricing=pricing)
        assert (created.billing_interval, created.interval_count) == ("month", 1)
        assert created.pricing == pricing


def test_a_boolean_is_on_unless_said_otherwise(catalogue):
    made = plan(catalogue, features=[{"key": "sso"}])
    assert plan_features(catalogue, made.id)[0][4] == "1"
    made = plan(catalogue, "off", features=[{"key": "sso", "limit": "0", "soft_limit": False}])
    assert plan_features(catalogue, made.id)[0][4] == "0"


GOOD_PRICES = {
    "flat": {"model": "flat", "flat_amount": 0},
    "per_unit": {"model": "per_unit", "unit_amount": "0.000000000000000001"},
    "package": {"model": "package", "package_size": 10, "package_amount": "100"},
    "package, some free": {
        "model": "package", "package_size": "0.5", "package_amount": 1, "free": "10",
    },
    "percentage": {"model": "percentage", "percentage": 100},
    "percentage and an amount": {
        "model": "percentage", "percentage": "2.9", "flat_amount": "0.30",
    },
    "volume": {"model": "volume", "tiers": [{"up_to": 5, "unit_amount": 7}, {"flat_amount": 6}]},
    "one tier": {"model": "graduated", "tiers": [{"unit_amount": 0}]},
    "graduated_percentage": {
        "model": "graduated_percentage",
        "tiers": [{"up_to": "0.5", "percentage": "0"}, {"percentage": "1.5", "flat_amount": 1}],
    },
    "minimum and maximum": {
        "model": "flat", "flat_amount": "1", "minimum": "10.0", "maximum": 10,
    },
    "the largest": {"model": "flat", "flat_amount": "9" * 30 + "." + "9" * 18},
    "zeros at the end": {"model": "flat", "flat_amount": "1." + "0" * 60},
    "30 digits": {"model": "flat", "flat_amount": 10**29},
    "nulls": {
        "model": "flat", "flat_amount": "1", "tiers": None, "free": None, "minimum": None,
    },
    "1000 tiers": {
        "model": "graduated",
        "tiers": [{"up_to": n, "unit_amount": 1} for n in range(1, 1000)] + [{"flat_amount": 1}],
    },
}  # fmt: skip


@pytest.mark.parametrize("price", GOOD_PRICES.values(), ids=GOOD_PRICES)
def test_prices_that_can_be(catalogue, price):
    pricing = {"prices": [{"feature": "api_calls", **price}]}
    assert plan(catalogue, features=[{"key": "api_calls"}], pricing=pricing).pricing == pricing


def test_a_plan_of_1000_features_and_prices(conn):
    conn.execute(
        "select count(ledger_create_feature(%s, 'key' || n, 'Name'))"
        " from generate_series(0, 999) as n",
        [APP],
    )
    features = [{"key": f"key{number}", "limit": str(number)} for number in range(1000)]
    prices = [
        {"feature": f"key{number}", "model": "flat", "flat_amount": 1} for number in range(1000)
    ]
    created = plan(conn, features=features, pricing={"prices": prices})
    kept = plan_features(conn, created.id)
    assert [(row[0], row[1], row[4]) for row in kept] == [
        (number, f"key{number}", str(number)) for number in range(1000)
    ]


@pytest.mark.parametrize(
    ("arguments", "sqlstate", "message"),
    [
        ({"app_id": "*"}, "LG006", "it stands for all apps"),
        ({"app_id": None}, "LG003", "app_id must not be null"),
        ({"app_id": ""}, "LG006", "it is empty"),
        ({"tenant_id": None}, "LG003", "tenant_id must not be null"),
        ({"tenant_id": "t" * 129}, "LG006", "it has 129 characters"),
        ({"slug": None}, "LG003", "slug must not be null"),
        ({"slug": ""}, "LG101", "slug '' is not valid: it is empty"),
        ({"slug": "a b"}, "LG101", "it contains a space"),
        ({"slug": "s" * 129}, "LG101", "it has 129 characters"),
        ({"name": None}, "LG003", "name must not be null"),
        ({"name": "\u200b"}, "LG101", "no character of it can be seen"),
        ({"features": None}, "LG003", "features must not be null"),
        ({"pricing": None}, "LG003", "pricing must not be null"),
        ({"description": "d" * 10001}, "LG101", "it has 10001 characters"),
        ({"trial_days": None}, "LG003", "trial_days must not be null"),
        ({"trial_days": -1}, "LG101", "trial_days -1 is not valid: it is not between 0 and 3650"),
        ({"trial_days": 3651}, "LG101", "trial_days 3651 is not valid"),
        ({"anchor_at_trial_end": None}, "LG003", "anchor_at_trial_end must not be null"),
        ({"add_on": None}, "LG003", "add_on must not be null"),
        ({"metadata": [{"a": 1}]}, "LG007", "type array"),
        ({"metadata": Jsonb(None)}, "LG007", "type null"),
        ({"id": f"feat_{ULID}0"}, "LG001", "it does not begin with plan_"),
    ],
)
def test_plans_that_cannot_be(conn, arguments, sqlstate, message):
    refused(conn, sqlstate, message, "create_plan",
            **{"slug": "a", "name": "A", "currency": "USD", **arguments})  # fmt: skip


# What is wrong with the JSON of a plan, and where


def price(**members: Any) -> dict[str, Any]:
    """A plan's JSON with one price."""
    return {
        "features": [{"key": "api_calls"}],
        "pricing": {"prices": [{"feature": "api_calls", **members}]},
    }


def tiers(*given: Any, model: str = "graduated", rate: str = "unit_amount") -> dict[str, Any]:
    """A plan's JSON with a price of tiers: each is a bound, which has a rate, or as it stands."""
    return price(
        model=model,
        tiers=[
            tier if isinstance(tier, (dict, list)) else {"up_to": tier, rate: 1} for tier in given
        ],
    )


def item(**members: Any) -> dict[str, Any]:
    return {"features": [{"key": "api_calls", **members}]}


def base(**members: Any) -> dict[str, Any]:
    return {"pricing": {"base": members}}


FEATURES = "$.features"
PRICING = "$.pricing"
PRICE = "$.pricing.prices[0]"
TIERS = f"{PRICE}.tiers"

BAD_PLANS: dict[str, tuple[dict[str, Any], str, str]] = {
    # Features
    "features of null": ({"features": Jsonb(None)}, FEATURES, "it is of type null, not an array"),
    "features of an object": ({"features": {}}, FEATURES, "it is of type object, not an array"),
    "features of a string": ({"features": Jsonb("a")}, FEATURES, '"a" is of type string'),
    "1001 features": ({"features": [{}] * 1001}, FEATURES, "it has 1001 elements, at most 1000"),
    "a feature of null": ({"features": [None]}, "$.features[0]", "it is of type null"),
    "a feature of an array": ({"features": [[]]}, "$.features[0]", "it is of type array"),
    "a feature of a string": ({"features": ["sso"]}, "$.features[0]", '"sso" is of type string'),
    "a feature of a number": ({"features": [1]}, "$.features[0]", "1 is of type number"),
    "no key": ({"features": [{}]}, "$.features[0].key", "it is missing"),
    "a key of null": ({"features": [{"key": None}]}, "$.features[0].key", "it is missing"),
    "a key of a number": ({"features": [{"key": 5}]}, "$.features[0].key", "5 is of type number"),
    "a key of an array": ({"features": [{"key": ["sso"]}]}, "$.features[0].key", "type array"),
    "a key twice": (
        {"features": [{"key": "sso"}, {"key": "seats"}, {"key": "sso"}]},
        "$.features[2].key",
        '"sso" stands at $.features[0] already',
    ),
    "unknown member": (item(colour=1), "$.features[0].colour", "it is not known here"),
    "unknown member of null": (item(limits=None), "$.features[0].limits", "it is not known here"),
    "unknown member in quotes": (
        item(**{"a\"b'\n%s": 1}), "$.features[0].\"a\\\"b'\\n%s\"", "it is not known here",
    ),
    "unknown member that is long": (
        item(**{"x" * 100_000: 1}), f'$.features[0]."{"x" * 61}..."', "it is not known here",
    ),
    "unknown member that is empty": (item(**{"": 1}), '$.features[0].""', "it is not known"),
    "type of another": (
        item(type="seat"), "$.features[0].type", '"seat" is not the type of the feature',
    ),
    "type unknown": (item(type="metred"), "$.features[0].type", '"metred" is none of boolean'),
    "type of a number": (item(type=1), "$.features[0].type", "1 is of type number, not a string"),
    "limit below unlimited": (item(limit="-2"), "$.features[0].limit", '"-2" is below -1'),
    "limit between": (item(limit=-0.5), "$.features[0].limit", "-0.5 is below 0 and not -1"),
    "limit of NaN": (item(limit="NaN"), "$.features[0].limit", '"NaN" is not a plain decimal'),
    "limit of Infinity": (item(limit="Infinity"), "$.features[0].limit", "not a plain decimal"),
    "limit with an exponent": (item(limit="1e3"), "$.features[0].limit", "not a plain decimal"),
    "limit with a sign": (item(limit="+1"), "$.features[0].limit", "not a plain decimal"),
    "limit with a space": (item(limit=" 1"), "$.features[0].limit", "not a plain decimal"),
    "limit with a newline": (item(limit="1\n"), "$.features[0].limit", "not a plain decimal"),
    "limit with a comma": (item(limit="1,000"), "$.features[0].limit", "not a plain decimal"),
    "limit with a separator": (item(limit="1_000"), "$.features[0].limit", "not a plain decimal"),
    "limit in hexadecimal": (item(limit="0x10"), "$.features[0].limit", "not a plain decimal"),
    "limit without digits before": (item(limit=".5"), "$.features[0].limit", "not a plain"),
    "limit without digits after": (item(limit="5."), "$.features[0].limit", "not a plain"),
    "limit in other digits": (item(limit="\u0661"), "$.features[0].limit", "not a plain"),
    "limit that is empty": (item(limit=""), "$.features[0].limit", '"" is not a plain decimal'),
    "limit of a boolean": (item(limit=True), "$.features[0].limit", "true is of type boolean"),
    "limit of an object": (item(limit={"a": 1}), "$.features[0].limit", "it is of type object"),
    "limit of an array": (item(limit=[1]), "$.features[0].limit", "it is of type array"),
    "limit of 1e30": (item(limit=10**30), "$.features[0].limit", "is not below 1e30"),
    "limit of 19 decimal places": (
        item(limit="0." + "0" * 18 + "1"), "$.features[0].limit", "has 19 decimal places",
    ),
    "limit of many digits": (
        item(limit="1" * 500_000), "$.features[0].limit", "written with 500000 characters",
    ),
    "limit of a boolean feature": (
        {"features": [{"key": "sso", "limit": 2}]}, "$.features[0].limit", "2 is neither 0 nor 1",
    ),
    "limit of a boolean feature that is unlimited": (
        {"features": [{"key": "sso", "limit": -1}]}, "$.features[0].limit", "neither 0 nor 1",
    ),
    "period unknown": (item(period="hour"), "$.features[0].period", '"hour" is none of day'),
    "period of a number": (item(period=1), "$.features[0].period", "1 is of type number"),
    "period of a seat": (
        {"features": [{"key": "seats", "period": "month"}]}, "$.features[0].period",
        '"month" is for metered features',
    ),
    "soft limit of a string": (
        item(soft_limit="true"), "$.features[0].soft_limit", '"true" is of type string',
    ),
    "soft limit of a number": (item(soft_limit=1), "$.features[0].soft_limit", "type number"),
    "soft limit of a boolean feature": (
        {"features": [{"key": "sso", "soft_limit": True}]}, "$.features[0].soft_limit", "boolean",
    ),
    "aggregation unknown": (
        item(aggregation="avg"), "$.features[0].aggregation", '"avg" is none of sum',
    ),
    "aggregation of a seat": (
        {"features": [{"key": "seats", "aggregation": "max"}]}, "$.features[0].aggregation",
        '"max" is for metered features',
    ),
    "aggregation that needs a unique key": (
        item(aggregation="unique_count"), "$.features[0].aggregation", "unique_key",
    ),
    "the second feature": (
        {"features": [{"key": "sso"}, {"key": "seats", "limit": []}]}, "$.features[1].limit",
        "type array",
    ),
    # Pricing and base
    "pricing of null": ({"pricing": Jsonb(None)}, PRICING, "it is of type null, not an object"),
    "pricing of an array": ({"pricing": []}, PRICING, "it is of type array, not an object"),
    "pricing of a number": ({"pricing": Jsonb(1)}, PRICING, "1 is of type number"),
    "pricing with an unknown member": ({"pricing": {"price": 1}}, f"{PRICING}.price", "not known"),
    "base of an array": ({"pricing": {"base": []}}, f"{PRICING}.base", "it is of type array"),
    "base of false": ({"pricing": {"base": False}}, f"{PRICING}.base", "false is of type boolean"),
    "base with an unknown member": (base(price=1), f"{PRICING}.base.price", "it is not known here"),
    "amount below 0": (base(amount="-0.01"), f"{PRICING}.base.amount", '"-0.01" is below 0'),
    "amount of a word": (base(amount="ten"), f"{PRICING}.base.amount", "not a plain decimal"),
    "amount of an object": (base(amount={}), f"{PRICING}.base.amount", "it is of type object"),
    "interval unknown": (base(interval="quarter"), f"{PRICING}.base.interval", "none of day"),
    "interval of a number": (base(interval=1), f"{PRICING}.base.interval", "type number"),
    "interval count of 0": (base(interval_count=0), f"{PRICING}.base.interval_count", "below 1"),
    "interval count of 1001": (
        base(interval_count="1001"), f"{PRICING}.base.interval_count", '"1001" is above 1000',
    ),
    "interval count of a fraction": (
        base(interval_count=1.5), f"{PRICING}.base.interval_count", "1.5 is not a whole number",
    ),
    "billed at another time": (base(billed="later"), f"{PRICING}.base.billed", "none of advance"),
    "prorated by the hour": (base(proration="hour"), f"{PRICING}.base.proration", "none of day"),
    # Prices
    "prices of an object": ({"pricing": {"prices": {}}}, f"{PRICING}.prices", "it is of type obj"),
    "1001 prices": ({"pricing": {"prices": [1] * 1001}}, f"{PRICING}.prices", "1001 elements"),
    "a price of null": ({"pricing": {"prices": [None]}}, PRICE, "it is of type null"),
    "a price of nothing": ({"pricing": {"prices": [{}]}}, f"{PRICE}.feature", "it is missing"),
    "a price with an unknown member": (price(modell="flat"), f"{PRICE}.modell", "it is not known"),
    "a price of a feature outside of the plan": (
        {"pricing": {"prices": [{"feature": "api_calls", "model": "flat", "flat_amount": 1}]}},
        f"{PRICE}.feature", '"api_calls" is not among the plan\'s features',
    ),
    "a price of a boolean feature": (
        {"features": [{"key": "sso"}], "pricing": {"prices": [{"feature": "sso"}]}},
        f"{PRICE}.feature", '"sso" is a boolean feature',
    ),
    "a price of a feature that is a number": (
        {"pricing": {"prices": [{"feature": 1}]}}, f"{PRICE}.feature", "1 is of type number",
    ),
    "two prices of a feature": (
        {
            "features": [{"key": "api_calls"}, {"key": "storage"}],
            "pricing": {"prices": [
                {"feature": key, "model": "flat", "flat_amount": 1}
                for key in ("storage", "api_calls", "api_calls")
            ]},
        },
        "$.pricing.prices[2].feature", '"api_calls" has a price at $.pricing.prices[1] already',
    ),
    "an allowance for another time than the billing period": (
        {
            "features": [
                {"key": "sso"},
                {"key": "api_calls", "limit": 5, "soft_limit": True, "period": "day"},
            ],
            "pricing": {"prices": [{"feature": "api_calls"}]},
        },
        "$.features[1].period", '"day" is not as long as the billing period',
    ),
    "no model": (price(), f"{PRICE}.model", "it is missing"),
    "a model of null": (price(model=None), f"{PRICE}.model", "it is missing"),
    "a model of a number": (price(model=1), f"{PRICE}.model", "1 is of type number"),
    "a model unknown": (price(model="tiered"), f"{PRICE}.model", '"tiered" is none of flat'),
    "flat without an amount": (price(model="flat"), f"{PRICE}.flat_amount", "it is missing"),
    "flat with a unit amount": (
        price(model="flat", flat_amount=1, unit_amount=1), f"{PRICE}.unit_amount",
        "it is not part of the model flat",
    ),
    "per_unit without an amount": (price(model="per_unit"), f"{PRICE}.unit_amount", "missing"),
    "per_unit of an amount below 0": (
        price(model="per_unit", unit_amount=-1), f"{PRICE}.unit_amount", "-1 is below 0",
    ),
    "per_unit of a string amount that is blank": (
        price(model="per_unit", unit_amount=" "), f"{PRICE}.unit_amount", '" " is not a plain',
    ),
    "per_unit with tiers": (
        price(model="per_unit", unit_amount=1, tiers=[]), f"{PRICE}.tiers", "not part of the model",
    ),
    "package without a size": (
        price(model="package", package_amount=1), f"{PRICE}.package_size", "it is missing",
    ),
    "package without an amount": (
        price(model="package", package_size=1), f"{PRICE}.package_amount", "it is missing",
    ),
    "package of size 0": (
        price(model="package", package_size="0.00", package_amount=1), f"{PRICE}.package_size",
        '"0.00" is not above 0',
    ),
    "package with a free part below 0": (
        price(model="package", package_size=1, package_amount=1, free=-1), f"{PRICE}.free",
        "-1 is below 0",
    ),
    "percentage missing": (
        price(model="percentage", flat_amount=1), f"{PRICE}.percentage", "it is missing",
    ),
    "percentage above 100": (
        price(model="percentage", percentage="100.01"), f"{PRICE}.percentage",
        '"100.01" is above 100',
    ),
    "percentage below 0": (
        price(model="percentage", percentage=-1), f"{PRICE}.percentage", "-1 is below 0",
    ),
    "minimum above the maximum": (
        price(model="flat", flat_amount=1, minimum="10", maximum="9.99"), f"{PRICE}.maximum",
        '"9.99" is below 10',
    ),
    "minimum below 0": (
        price(model="flat", flat_amount=1, minimum=-1), f"{PRICE}.minimum", "-1 is below 0",
    ),
    "maximum of a boolean": (
        price(model="flat", flat_amount=1, maximum=False), f"{PRICE}.maximum", "type boolean",
    ),
    # Tiers
    "tiers missing": (price(model="graduated"), TIERS, "it is missing"),
    "tiers of null": (price(model="volume", tiers=None), TIERS, "it is missing"),
    "tiers of an object": (price(model="volume", tiers={}), TIERS, "it is of type object"),
    "no tiers": (tiers(), TIERS, "it is empty"),
    "1001 tiers": (tiers(*[1] * 1001), TIERS, "it has 1001 elements"),
    "a tier of an array": (tiers([]), f"{TIERS}[0]", "it is of type array"),
    "a tier with an unknown member": (
        tiers({"upto": 1, "unit_amount": 1}), f"{TIERS}[0].upto", "it is not known here",
    ),
    "a percentage in a tier of amounts": (
        tiers({"percentage": 1}), f"{TIERS}[0].percentage", "it is not known here",
    ),
    "an amount in a tier of percentages": (
        tiers({"unit_amount": 1}, model="graduated_percentage"), f"{TIERS}[0].unit_amount",
        "it is not known here",
    ),
    "the last tier bounded": (tiers("10", "20"), f"{TIERS}[1].up_to", '"20" bounds the last tier'),
    "the only tier bounded": (tiers(10), f"{TIERS}[0].up_to", "10 bounds the last tier"),
    "an unbounded tier before the last": (
        tiers(10, None, None), f"{TIERS}[1].up_to", "it is missing: only the last tier",
    ),
    "tiers out of order": (
        tiers("10", "5", None), f"{TIERS}[1].up_to", '"5" is not above 10, where the tier before',
    ),
    "tiers in order of texts only": (
        tiers("10", "9", None), f"{TIERS}[1].up_to", '"9" is not above 10',
    ),
    "tiers that overlap": (
        tiers("10", "10.0", None), f"{TIERS}[1].up_to", '"10.0" is not above 10',
    ),
    "a tier up to 0": (tiers(0, None), f"{TIERS}[0].up_to", "0 is not above 0"),
    "a tier below 0": (tiers(-1, None), f"{TIERS}[0].up_to", "-1 is below 0"),
    "a bound of Infinity": (tiers("Infinity"), f"{TIERS}[0].up_to", "not a plain decimal"),
    "a bound of a boolean": (tiers(True, None), f"{TIERS}[0].up_to", "true is of type boolean"),
    "a tier without an amount": (
        tiers(5, {"up_to": None, "unit_amount": None}), f"{TIERS}[1]",
        "it has neither unit_amount nor flat_amount",
    ),
    "a tier without a percentage": (
        tiers({}, model="graduated_percentage"), f"{TIERS}[0]", "neither percentage nor flat",
    ),
    "a tier beyond 100 per cent": (
        tiers({"percentage": 101}, model="graduated_percentage"), f"{TIERS}[0].percentage",
        "101 is above 100",
    ),
    "a tier's amount below 0": (
        tiers({"unit_amount": 1, "flat_amount": "-1"}), f"{TIERS}[0].flat_amount", "is below 0",
    ),
}  # fmt: skip


def plan_fault(conn: psycopg.Connection[Any], given: Mapping[str, Any]) -> psycopg.Error:
    return refusal(conn, "create_plan", slug="bad", name="Bad", currency="USD", **given)


@pytest.mark.parametrize(("given", "path", "fault"), BAD_PLANS.values(), ids=BAD_PLANS)
def test_what_is_wrong_is_named_with_its_path(catalogue, given, path, fault):
    created = plan(catalogue)
    for error in (
        plan_fault(catalogue, given), refusal(catalogue, "update_plan", id=created.id, **given),
    ):  # fmt: skip
        assert error.sqlstate == "LG102", error
        message = error.diag.message_primary
        assert message is not None
        assert message.startswith(f"the plan is not valid at {path}: ")
        assert fault in message
        assert len(message) < 400
    assert rows(catalogue, "list_plans") == [created]
    assert plan_features(catalogue, created.id) == []


def test_what_is_wrong_stays_so_in_a_session_that_has_seen_it(catalogue):
    """A prepared expression is planned anew until it has run some times, then once for all."""
    for _ in range(7):
        for name, (given, path, _fault) in BAD_PLANS.items():
            error = plan_fault(catalogue, given)
            assert f"not valid at {path}: " in str(error), name


# Numbers that Python's json does not write.
RAW_NUMBERS = {
    "1e30": "is not below 1e30",
    "1e131071": "is written with 131072 characters",
    "-1e131071": "is written with 131073 characters",
    "1e-16383": "is written with 16385 characters",
    "0e-16383": "is written with 16385 characters",
    "1e-19": "has 19 decimal places",
    "1." + "0" * 16000: "is written with 16002 characters",
}


@pytest.mark.parametrize(("number", "fault"), RAW_NUMBERS.items(), ids=lambda text: text[:12])
def test_numbers_that_are_out_of_all_proportion(catalogue, number, fault):
    for given, path in (
        ({"features": f'[{{"key": "api_calls", "limit": {number}}}]'}, "$.features[0].limit"),
        ({"pricing": f'{{"base": {{"amount": {number}}}}}'}, "$.pricing.base.amount"),
    ):
        error = plan_fault(catalogue, given)
        assert error.sqlstate == "LG102"
        assert f"at {path}: " in str(error)
        assert fault in str(error)


def test_json_that_would_take_gigabytes_as_text(catalogue):
    many = ",".join(["1e131071"] * 30_000)
    for given, path in (
        ({"features": f"[[{many}]]"}, "$.features[0]"),
        ({"features": f'[{{"key": "sso", "limit": [{many}]}}]'}, "$.features[0].limit"),
        ({"features": f'[{{"key": "sso", "x": [{many}]}}]'}, "$.features[0].x"),
        ({"features": f"[{many}]"}, "$.features"),
        ({"pricing": f'{{"base": [{many}]}}'}, "$.pricing.base"),
        ({"pricing": f"[{many}]"}, "$.pricing"),
    ):
        error = plan_fault(catalogue, given)
        assert error.sqlstate == "LG102", error
        assert f"at {path}: " in str(error)
        assert len(str(error.diag.message_primary)) < 400


def test_json_that_is_nested_deeply(catalogue):
    deep = "[" * 5000 + "]" * 5000
    for given, path in (
        ({"features": deep}, "$.features[0]"),
        ({"features": f'[{{"key": {deep}}}]'}, "$.features[0].key"),
        ({"pricing": deep}, "$.pricing"),
        ({"pricing": '{"base":' * 5000 + "1" + "}" * 5000}, "$.pricing.base.base"),
    ):
        error = plan_fault(catalogue, given)
        assert error.sqlstate == "LG102", error
        assert f"at {path}: " in str(error)


def test_json_of_more_than_a_mebibyte(catalogue):
    # Everything in it is sound, but there is too much of it.
    tier = '{{"up_to": "{0:060}", "unit_amount": "{0:080}", "flat_amount": "{0:099}"}}'
    price_of = '{{"feature": "key{0}", "model": "graduated", "tiers": [{1}, {{"flat_amount": 1}}]}}'
    catalogue.execute(
        "select count(ledger_create_feature(%s, 'key' || n, 'Name')) from generate_series(1, 5) n",
        [APP],
    )
    features = [{"key": f"key{number}"} for number in range(1, 6)]
    bounds = ", ".join(tier.format(number) for number in range(1, 1000))
    pricing = {
        count: '{"prices": ['
        + ", ".join(price_of.format(number, bounds) for number in range(1, count + 1))
        + "]}"
        for count in (3, 5)
    }
    assert len(pricing[3]) < 2**20 < len(pricing[5])
    plan(catalogue, features=features, pricing=pricing[3])
    error = plan_fault(catalogue, {"features": features, "pricing": pricing[5]})
    assert error.sqlstate == "LG102"
    assert "at $.pricing: it has more than 1048576 bytes" in str(error)
    for name in ("features", "pricing"):
        filled = [{"x": "y" * 9_000_000}] if name == "features" else {"base": "y" * 9_000_000}
        error = plan_fault(catalogue, {name: filled})
        assert error.sqlstate == "LG102"
        assert f"at $.{name}: it has more than 1048576 bytes" in str(error)


@pytest.mark.parametrize(
    ("key", "tenant_id", "sqlstate", "message"),
    [
        ("nothing", "", "LG111", "feature 'nothing' does not exist in app 'acme'"),
        ("", "", "LG111", "feature '' does not exist"),
        ("foreign", "", "LG111", "feature 'foreign' does not exist"),
        ("custom", "", "LG111", "feature 'custom' does not exist in app 'acme'"),
        ("custom", "u", "LG111", "does not exist in app 'acme' for tenant 'u'"),
        ("old", "", "LG121", "feature 'old' is archived"),
        ("%s%I'\"\\\n", "", "LG111", "does not exist"),
        ("k" * 500_000, "", "LG111", "..."),
    ],
)
def test_features_that_the_plan_cannot_contain(catalogue, key, tenant_id, sqlstate, message):
    error = plan_fault(catalogue, {"features": [{"key": key}], "tenant_id": tenant_id})
    assert error.sqlstate == sqlstate
    assert message in str(error)
    assert len(str(error.diag.message_primary)) < 300


def test_keys_that_look_like_something_else(conn):
    """What can be seen can be a key, and goes through prices unharmed."""
    for number, key in enumerate(
        ["%s", "'; drop table x; --", '"', "\\", "$.a", "🙂", "key\u0301"]
    ):
        key = key.replace(" ", "_")  # noqa: PLW2901
        feature(conn, key)
        given = {
            "features": [{"key": key}],
            "pricing": {"prices": [{"feature": key, "model": "flat", "flat_amount": "1"}]},
        }
        made = plan(conn, f"plan{number}", **given)
        assert (made.features, made.pricing) == (given["features"], given["pricing"])
        assert plan_features(conn, made.id)[0][1] == key
        error = plan_fault(conn, {"features": [{"key": key, "limit": -2}]})
        assert "$.features[0].limit: -2 is below -1" in str(error)


def test_a_plan_takes_the_narrowest_feature(catalogue):
    conn = catalogue
    made = plan(conn, features=[{"key": "shared"}])
    assert plan_features(conn, made.id)[0][2] == id_of(conn, "shared", app_id="*")
    own = feature(conn, "shared", "seat", tenant_id="t")
    made = plan(conn, "t", tenant_id="t", features=[{"key": "shared"}, {"key": "custom"}])
    assert [row[2] for row in plan_features(conn, made.id)] == [
        own.id, id_of(conn, "custom", tenant_id="t"),
    ]  # fmt: skip
    made = plan(conn, "u", tenant_id="u", features=[{"key": "shared"}])
    assert plan_features(conn, made.id)[0][3] == "metered"


def test_a_slug_is_taken_once_for_a_tenant_and_an_app(conn):
    of_app, of_tenant = plan(conn, "pro"), plan(conn, "pro", tenant_id="t")
    plan(conn, "pro", app_id="other")
    request = {"slug": "pro", "name": "Pro", "currency": "USD"}
    refused(
        conn, "LG120", "plan slug 'pro' is already taken in app 'acme'", "create_plan", **request
    )
    refused(conn, "LG120", "in app 'acme' for tenant 't'", "create_plan", **request, tenant_id="t")

    def found(**arguments: Any) -> Any:
        return call(conn, "get_plan_by_slug", slug="pro", **arguments)

    assert found(tenant_id="t") == of_tenant
    assert found(tenant_id="u") == found() == of_app
    refused(conn, "LG110", "plan 'a' does not exist in app 'acme'", "get_plan_by_slug", slug="a")
    refused(conn, "LG003", "slug must not be null", "get_plan_by_slug", slug=None)
    refused(conn, "LG006", "all apps", "get_plan_by_slug", slug="a", app_id="*")


def test_a_plan_is_found_in_its_app_alone(conn):
    made = plan(conn)
    for name in ("get_plan", "update_plan", "archive_plan", "delete_plan"):
        refused(conn, "LG110", f"plan {made.id} does not exist in app 'other'", name,
                app_id="other", id=made.id)  # fmt: skip
        refused(conn, "LG001", "not a valid id", name, id="pro")
        refused(conn, "LG003", "id must not be null", name, id=None)
        refused(conn, "LG006", "all apps", name, id=made.id, app_id="*")


def test_a_plan_created_again_with_its_id(catalogue):
    conn = catalogue
    request = {
        "slug": "pro", "name": "Pro", "currency": "USD", "id": f"plan_{ULID}0", **FULL,
        "metadata": {"a": 1},
    }  # fmt: skip
    created = call(conn, "create_plan", **request)
    # What it contains may have been archived since, but that was another time.
    call(conn, "archive_feature", id=id_of(conn, "api_calls"))
    assert call(conn, "create_plan", **request) == created
    others: tuple[dict[str, Any], ...] = (
        {"slug": "a"}, {"name": "A"}, {"currency": "EUR"}, {"currency": "unknown"},
        {"features": []}, {"pricing": {}}, {"pricing": []}, {"description": ""},
        {"trial_days": 1}, {"anchor_at_trial_end": False}, {"add_on": True}, {"metadata": None},
        {"app_id": "other"}, {"tenant_id": "t"},
    )  # fmt: skip
    for other in others:
        refused(conn, "LG023", created.id, "create_plan", **{**request, **other})
    changed = call(conn, "update_plan", id=created.id, name="New", trial_days=1)
    assert call(conn, "create_plan", **request) == changed
    refused(conn, "LG023", created.id, "create_plan", **{**request, "slug": "a"})
    assert len(rows(conn, "list_plans")) == 1


def test_updating_a_plan(catalogue, set_clock):
    conn = catalogue
    created = plan(conn, **FULL)
    conn.commit()
    set_clock(conn, "clock_timestamp() + interval '1 hour'")
    changes = {
        "name": "New", "description": "Text", "trial_days": 7, "anchor_at_trial_end": False,
        "metadata": {"a": 1}, "features": [{"key": "users"}, {"key": "seats"}],
        "pricing": {"base": {"interval": "year"}},
    }  # fmt: skip
    changed = call(conn, "update_plan", id=created.id, **changes)
    assert changed == created._replace(
        **changes,
        billing_interval="year",
        interval_count=1,
        version=2,
        updated_at=changed.updated_at,
    )
    assert changed.updated_at - created.updated_at > timedelta(minutes=59)
    assert [row[:2] for row in plan_features(conn, created.id)] == [(0, "users"), (1, "seats")]
    assert call(conn, "update_plan", id=created.id) == changed
    assert call(conn, "update_plan", id=created.id, **changes) == changed
    for number, (name, value) in enumerate(
        {"name": "A", "description": "", "trial_days": 0, "anchor_at_trial_end": True,
         "metadata": {}, "features": [], "pricing": {}}.items(), start=3,
    ):  # fmt: skip
        changed = call(conn, "update_plan", id=created.id, **{name: value})
        assert (getattr(changed, name), changed.version) == (value, number)
    assert plan_features(conn, created.id) == []
    assert (changed.billing_interval, changed.slug, changed.currency) == ("month", "pro", "USD")
    for sqlstate, change in (
        ("LG101", {"name": ""}), ("LG101", {"trial_days": -1}), ("LG007", {"metadata": []}),
        ("LG101", {"description": "d" * 10001}),
    ):  # fmt: skip
        refused(conn, sqlstate, "", "update_plan", id=created.id, **change)
    assert call(conn, "get_plan", id=created.id) == changed


def test_prices_and_features_are_updated_together(catalogue):
    made = plan(catalogue, **price(model="flat", flat_amount=1))
    error = refusal(catalogue, "update_plan", id=made.id, features=[{"key": "storage"}])
    assert 'at $.pricing.prices[0].feature: "api_calls" is not among the plan\'s' in str(error)
    pricing = {"prices": [{"feature": "storage", "model": "flat", "flat_amount": 1}]}
    error = refusal(catalogue, "update_plan", id=made.id, pricing=pricing)
    assert 'at $.pricing.prices[0].feature: "storage" is not among the plan\'s' in str(error)
    made = call(
        catalogue, "update_plan", id=made.id, features=[{"key": "storage"}], pricing=pricing
    )
    assert (made.version, made.pricing) == (2, pricing)


def test_a_plan_keeps_a_feature_that_is_archived(catalogue):
    conn = catalogue
    made = plan(conn, features=[{"key": "api_calls"}])
    call(conn, "archive_feature", id=id_of(conn, "api_calls"))
    kept = [{"key": "api_calls", "limit": "5"}, {"key": "sso"}]
    assert call(conn, "update_plan", id=made.id, features=kept).features == kept
    other = plan(conn, "other")
    refused(conn, "LG121", "'api_calls' is archived", "update_plan", id=other.id, features=kept)
    # Once given up it cannot be taken back.
    call(conn, "update_plan", id=made.id, features=[])
    refused(conn, "LG121", "'api_calls' is archived", "update_plan", id=made.id, features=kept)


def test_a_plan_keeps_the_aggregation_that_it_was_written_with(catalogue):
    conn = catalogue
    made = plan(conn, features=[{"key": "api_calls"}])
    call(conn, "update_feature", id=id_of(conn, "api_calls"), aggregation="max")
    assert plan_features(conn, made.id)[0][-1] == "sum"
    call(conn, "update_plan", id=made.id, name="New")
    assert plan_features(conn, made.id)[0][-1] == "sum"
    call(conn, "update_plan", id=made.id, features=[{"key": "api_calls", "limit": "1"}])
    assert plan_features(conn, made.id)[0][-1] == "max"


def test_archiving_a_plan(conn):
    made = plan(conn)
    archived = call(conn, "archive_plan", id=made.id)
    assert (archived.status, archived.version) == ("archived", 2)
    assert call(conn, "archive_plan", id=made.id) == archived
    assert call(conn, "get_plan_by_slug", slug="pro") == archived
    again = plan(conn)
    assert call(conn, "get_plan_by_slug", slug="pro") == again
    assert call(conn, "get_plan", id=made.id) == archived
    assert call(conn, "update_plan", id=made.id, name="New").status == "archived"


def test_deleting_a_plan(catalogue):
    made = plan(catalogue, **FULL)
    assert call(catalogue, "delete_plan", id=made.id) == made
    refused(catalogue, "LG110", made.id, "get_plan", id=made.id)
    assert catalogue.execute("select from pgledger.plan_features").fetchall() == []
    assert plan(catalogue, **FULL).slug == "pro"


SUBSCRIBE = """
    insert into pgledger.subscriptions (
      id, app_id, tenant_id, plan_key, add_on, status, quantity, started_at, anchor_at, time_zone,
      billing_interval, interval_count, period_number, current_period_start, current_period_end,
      whole_start, created_at, updated_at
    )
    select
      'sub_' || substr(plans.id, 6), plans.app_id, 't', plans.key, false, %(status)s, 1, now(),
      now(), 'UTC', 'month', 1, 0, now(), now() + interval '1 month', now(), now(), now()
    from pgledger.plans
    where plans.id = %(plan_id)s
"""


@pytest.mark.parametrize("status", ["trialing", "active", "paused", "canceled"])
def test_a_plan_that_somebody_has_is_neither_deleted_nor_billed_otherwise(conn, status):
    made = plan(conn, pricing={"base": {"interval_count": 3}})
    conn.execute(SUBSCRIBE, {"plan_id": made.id, "status": status})
    refused(conn, "LG122", f"plan {made.id} cannot be deleted: subscriptions have it or have had",
            "delete_plan", id=made.id)  # fmt: skip
    for changed in ({"interval": "year", "interval_count": 3}, {"interval_count": 2}, {}):
        refused(conn, "LG122", "subscriptions have it, so its interval stays 3 month",
                "update_plan", id=made.id, pricing={"base": changed})  # fmt: skip
    same = {"base": {"interval": "month", "interval_count": "3.0", "amount": "5"}}
    assert call(conn, "update_plan", id=made.id, pricing=same).pricing == same
    assert call(conn, "archive_plan", id=made.id).status == "archived"


def test_nobody_writes_to_the_views(conn):
    plan(conn)
    feature(conn, "k")
    for view in ("ledger_plans", "ledger_features", "ledger_currencies"):
        for change in (f"delete from {view}", f"update {view} set app_id = 'other'"):
            with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState), conn.transaction():
                conn.execute(change.encode())


def test_roles(conn, connect):
    writers: tuple[str, ...] = ("set_currency", "set_usage_skew")
    verbs = ("create", "update", "archive", "delete")
    writers += tuple(f"{verb}_{noun}" for verb in verbs for noun in ("plan", "feature"))
    readers: tuple[str, ...] = (
        "get_plan",
        "get_plan_by_slug",
        "list_plans",
        "get_feature",
        "get_feature_by_key",
    )
    readers += ("list_features", "list_global_features")
    granted = conn.execute(
        """
        select
          substr(proname, 8),
          has_function_privilege('pgledger_poster', oid, 'execute'),
          has_function_privilege('pgledger_reader', oid, 'execute'),
          has_function_privilege('public', oid, 'execute')
        from pg_proc
        where substr(proname, 8) = any(%s) and proname like 'ledger\\_%%'
        """,
        [list(writers + readers)],
    ).fetchall()
    assert sorted(granted) == sorted(
        [(name, True, False, False) for name in writers]
        + [(name, True, True, False) for name in readers]
    )
    plan(conn)
    conn.execute("create role catalogue_reader login in role pgledger_reader")
    conn.commit()
    try:
        reader = connect(user="catalogue_reader")
        views = "select count(*) from ledger_plans, ledger_currencies as c where c.app_id = '*'"
        assert reader.execute(views).fetchone() == (165,)
        assert call(reader, "get_plan_by_slug", slug="pro").slug == "pro"
        reader.close()
    finally:
        conn.execute("drop role catalogue_reader")
        conn.commit()


# Any JSON


NAMES = st.sampled_from(
    [
        "key",
        "type",
        "limit",
        "period",
        "soft_limit",
        "aggregation",
        "base",
        "prices",
        "amount",
        "interval",
        "interval_count",
        "billed",
        "proration",
        "feature",
        "model",
        "tiers",
        "unit_amount",
        "flat_amount",
        "package_size",
        "package_amount",
        "free",
        "percentage",
        "minimum",
        "maximum",
        "up_to",
    ]
)
# What PostgreSQL takes in JSON: no NUL, no half of a pair.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
WORDS = st.sampled_from(
    [
        "api_calls",
        "users",
        "storage",
        "sso",
        "seats",
        "old",
        "metered",
        "boolean",
        "seat",
        "month",
        "lifetime",
        "year",
        "advance",
        "sum",
        "unique_count",
        "graduated",
        "volume",
        "flat",
        "per_unit",
        "package",
        "percentage",
        "graduated_percentage",
        "NaN",
        "-1",
        "0",
        "1",
        "5",
        "10",
        "100",
        "0.5",
        "1e5",
        "-0",
        "1000",
    ]
)
NUMBERS = st.integers() | st.integers(-2, 20) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS | WORDS
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | TEXTS, inner, max_size=5),
    max_leaves=20,
)


def nearly(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Objects that often have what they need, and sometimes something else."""
    loose = {name: good | JSON for name, good in members.items()}
    return st.fixed_dictionaries({}, optional=members) | st.fixed_dictionaries({}, optional=loose)


DECIMALS = st.sampled_from(["0", "1", "2.5", "10", "99"]) | st.integers(0, 50)
TIER = nearly(up_to=DECIMALS | st.none(), unit_amount=DECIMALS, flat_amount=DECIMALS)
PRICES = nearly(
    feature=st.sampled_from(["api_calls", "users", "storage", "seats"]),
    model=st.sampled_from(
        ["flat", "per_unit", "package", "percentage", "graduated", "volume", "graduated_percentage"]
    ),
    tiers=st.lists(TIER, max_size=3),
    unit_amount=DECIMALS,
    flat_amount=DECIMALS,
    percentage=DECIMALS,
    minimum=DECIMALS,
    maximum=DECIMALS,
)
FEATURE_ITEMS = nearly(
    key=st.sampled_from(["api_calls", "users", "storage", "seats", "sso"]),
    limit=DECIMALS,
    period=st.sampled_from(["day", "month", "billing"]),
    soft_limit=st.booleans(),
    aggregation=st.sampled_from(["sum", "unique_count"]),
)
PRICINGS = nearly(
    base=nearly(
        amount=DECIMALS, interval=st.sampled_from(["day", "month"]), interval_count=DECIMALS
    ),
    prices=st.lists(PRICES, max_size=3),
)


def outcome_of(conn: psycopg.Connection[Any], act: Callable[[], None]) -> psycopg.Error | None:
    """Acts, undoes it, and returns the error that it ended with."""
    try:
        with conn.transaction(force_rollback=True):
            act()
    except psycopg.Error as error:
        return error
    return None


@settings(max_examples=scaled(300))
@drawn(
    features=JSON | st.lists(FEATURE_ITEMS, max_size=4),
    pricing=JSON | PRICINGS,
    updated=st.booleans(),
)
def test_any_json_is_taken_or_refused_by_name(catalogue, features, pricing, updated):
    conn = catalogue

    def act() -> None:
        given = {"features": Jsonb(features), "pricing": Jsonb(pricing)}
        if updated:
            made = call(conn, "update_plan", id=plan(conn).id, **given)
        else:
            made = plan(conn, **given)
        assert made.features == json.loads(json.dumps(features))
        assert made.pricing == json.loads(json.dumps(pricing))
        kept = plan_features(conn, made.id)
        assert [row[1] for row in kept] == [entry["key"] for entry in features]
        assert [row[0] for row in kept] == list(range(len(features)))

    error = outcome_of(conn, act)
    if error is not None:
        assert error.sqlstate in {"LG102", "LG111", "LG121"}, error
        message = str(error.diag.message_primary)
        assert len(message) < 500
        if error.sqlstate == "LG102":
            assert re.match(r"the plan is not valid at \$\.(features|pricing)", message)


@drawn(
    arguments=st.fixed_dictionaries(
        {
            "slug": TEXTS,
            "name": TEXTS,
            "currency": TEXTS | st.just("USD"),
            "tenant_id": TEXTS,
            "description": st.none() | TEXTS,
            "metadata": JSON.map(Jsonb),
            "trial_days": st.integers(-(2**31), 2**31 - 1),
        }
    )
)
def test_any_arguments_are_taken_or_refused_by_name(catalogue, arguments):
    error = outcome_of(catalogue, lambda: call(catalogue, "create_plan", **arguments))
    if error is not None:
        assert error.sqlstate in {"LG006", "LG007", "LG101", "LG103"}, error


# At the same time


def in_each(sessions: list[psycopg.Connection[Any]], name: str, /, **arguments: Any) -> list[Any]:
    """Makes one call in all sessions at once."""
    return all_at_once([partial(call, session, name, **arguments) for session in sessions])


@pytest.mark.parametrize(
    ("noun", "request_of"),
    [
        ("plan", lambda number: {"slug": f"p{number}", "currency": "USD"}),
        ("feature", lambda number: {"key": f"k{number}"}),
    ],
)
def test_one_of_many_takes_a_slug_or_a_key(connect, noun, request_of):
    sessions = [connect(**PATIENCE, autocommit=True) for _ in range(8)]
    for number in range(5):
        results = in_each(sessions, f"create_{noun}", name="N", **request_of(number))
        errors = [result for result in results if isinstance(result, psycopg.Error)]
        assert [error.sqlstate for error in errors] == ["LG120"] * 7, errors


@pytest.mark.parametrize(
    ("noun", "prefix", "request_of"),
    [
        ("plan", "plan", lambda number: {"slug": f"p{number}", "currency": "USD"}),
        ("feature", "feat", lambda number: {"key": f"k{number}"}),
    ],
)
def test_many_repeat_one_request(connect, noun, prefix, request_of):
    sessions = [connect(**PATIENCE, autocommit=True) for _ in range(8)]
    for number in range(5):
        results = in_each(
            sessions,
            f"create_{noun}",
            name="N",
            id=f"{prefix}_{ULID}{number}",
            **request_of(number),
        )
        assert not [result for result in results if isinstance(result, psycopg.Error)], results
        assert results == results[:1] * 8


@levels
@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_a_slug_waits_for_who_may_take_it(connect, wait_until_blocked, level, ending):
    first, second = connect(), connect(**PATIENCE)
    second.isolation_level = level
    plan(first)
    second.execute("select from ledger_plans").fetchall()
    with aside(plan, second) as waiting:
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        getattr(first, ending)()
        result = outcome(waiting)
    if ending == "rollback":
        assert result.slug == "pro"
    elif level == IsolationLevel.READ_COMMITTED:
        assert result.sqlstate == "LG120"
    else:
        assert result.sqlstate == "40001"


def test_a_plan_waits_for_its_feature_to_be_archived_or_not(catalogue, connect, wait_until_blocked):
    for ending, expected in (("rollback", None), ("commit", "LG121")):
        first, second = connect(), connect(**PATIENCE)
        call(first, "archive_feature", id=id_of(first, "api_calls"))
        with aside(plan, second, features=[{"key": "api_calls"}]) as waiting:
            wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
            getattr(first, ending)()
            result = outcome(waiting)
        assert getattr(result, "sqlstate", None) == expected
        second.rollback()


def test_a_plan_waits_for_its_feature_to_be_deleted(catalogue, connect, wait_until_blocked):
    first, second = connect(), connect(**PATIENCE)
    call(first, "delete_feature", id=id_of(first, "api_calls"))
    with aside(plan, second, features=[{"key": "api_calls"}]) as waiting:
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        assert outcome(waiting).sqlstate == "LG111"


@levels
def test_deleting_a_feature_waits_for_a_plan(catalogue, connect, wait_until_blocked, level):
    first, second = connect(), connect(**PATIENCE)
    second.isolation_level = level
    feature_id = id_of(second, "api_calls")
    plan(first, features=[{"key": "api_calls"}])
    with aside(call, second, "delete_feature", id=feature_id) as waiting:
        wait_until_blocked(second.info.backend_pid, by=first.info.backend_pid)
        first.commit()
        assert outcome(waiting).sqlstate == "LG122"


@levels
def test_deleting_a_plan_waits_for_a_subscription(conn, connect, wait_until_blocked, level):
    made = plan(conn)
    conn.commit()
    second = connect(**PATIENCE)
    second.isolation_level = level
    call(second, "get_plan", id=made.id)
    conn.execute(SUBSCRIBE, {"plan_id": made.id, "status": "active"})
    with aside(call, second, "delete_plan", id=made.id) as waiting:
        wait_until_blocked(second.info.backend_pid, by=conn.info.backend_pid)
        conn.commit()
        assert outcome(waiting).sqlstate == "LG122"


def test_archiving_waits_for_an_update(conn, connect, wait_until_blocked):
    made = plan(conn)
    conn.commit()
    call(conn, "update_plan", id=made.id, name="New")
    second = connect(**PATIENCE)
    with aside(call, second, "archive_plan", id=made.id) as waiting:
        wait_until_blocked(second.info.backend_pid, by=conn.info.backend_pid)
        conn.commit()
        archived = outcome(waiting)
    assert (archived.name, archived.status, archived.version) == ("New", "archived", 3)


def test_an_update_waits_for_a_deletion(conn, connect, wait_until_blocked):
    made = plan(conn)
    conn.commit()
    call(conn, "delete_plan", id=made.id)
    second = connect(**PATIENCE)
    with aside(call, second, "update_plan", id=made.id, name="New") as waiting:
        wait_until_blocked(second.info.backend_pid, by=conn.info.backend_pid)
        conn.commit()
        assert outcome(waiting).sqlstate == "LG110"


def test_updates_at_once_all_count(catalogue, connect):
    made = plan(catalogue)
    catalogue.commit()
    sessions = [connect(**PATIENCE, autocommit=True) for _ in range(8)]
    keys = ["api_calls", "users", "storage", "sso", "seats", "shared"]

    def work(session: psycopg.Connection[Any], number: int) -> None:
        for turn in range(10):
            key = keys[(number + turn) % len(keys)]
            call(
                session, "update_plan", id=made.id, name=f"{number} {turn}",
                features=[{"key": key}, {"key": keys[keys.index(key) - 1]}],
            )  # fmt: skip

    results = all_at_once([
        partial(work, session, number)
        for number, session in enumerate(sessions)
    ])  # fmt: skip
    assert results == [None] * 8
    after = call(catalogue, "get_plan", id=made.id)
    assert after.version == 81
    assert [row[1] for row in plan_features(catalogue, made.id)] == [
        entry["key"] for entry in after.features
    ]


def test_plans_and_changes_of_their_features_never_deadlock(catalogue, connect):
    keys = ["api_calls", "users", "storage", "seats"]
    feature_ids = {key: id_of(catalogue, key) for key in keys}
    catalogue.commit()
    sessions = [connect(**PATIENCE, autocommit=True) for _ in range(6)]

    def create(session: psycopg.Connection[Any], number: int) -> None:
        for turn in range(20):
            ordered = keys if (number + turn) % 2 else keys[::-1]
            plan(
                session,
                f"p{number} {turn}".replace(" ", "_"),
                features=[{"key": k} for k in ordered],
            )

    def change(session: psycopg.Connection[Any], number: int) -> None:
        for turn in range(40):
            key = keys[(number + turn) % 4]
            call(session, "update_feature", id=feature_ids[key], name=f"{number} {turn}")

    assert all_at_once([
        partial(create if number % 2 else change, session, number)
        for number, session in enumerate(sessions)
    ]) == [None] * 6  # fmt: skip


@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_an_exponent_waits_for_a_plan_in_the_currency(conn, connect, wait_until_blocked, ending):
    call(conn, "set_currency", code="POINTS", exponent=2)
    conn.commit()
    plan(conn, currency="POINTS")
    second = connect(**PATIENCE)
    with aside(call, second, "set_currency", code="POINTS", exponent=3) as waiting:
        wait_until_blocked(second.info.backend_pid, by=conn.info.backend_pid)
        getattr(conn, ending)()
        result = outcome(waiting)
    if ending == "commit":
        assert result.sqlstate == "LG122"
    else:
        assert result == (APP, "POINTS", 3)


def test_a_currency_defined_by_many_at_once(connect):
    sessions = [connect(**PATIENCE, autocommit=True) for _ in range(8)]
    results = all_at_once([
        partial(call, session, "set_currency", code="POINTS", exponent=number)
        for number, session in enumerate(sessions)
    ])  # fmt: skip
    assert results == [(APP, "POINTS", number) for number in range(8)]
    skews = all_at_once([
        partial(call, session, "set_usage_skew", skew=timedelta(hours=number))
        for number, session in enumerate(sessions)
    ])  # fmt: skip
    assert skews == [(timedelta(hours=number),) for number in range(8)]
