"""The subscriptions of all tenants of an app, newest first."""

import pytest

from pgledger import errors
from support.subscriptions import NOW, Tenant, call, create_plan, new_subscription_id


def test_all_tenants_of_an_app_newest_first(conn, plan, clock):
    other = create_plan(conn, "other")
    forum = create_plan(conn, app_id="forum")
    # The ids of a caller are in any order.
    chosen = sorted((new_subscription_id() for _ in range(5)), reverse=True)
    rows = [
        Tenant(conn, f"t{number}").create(other if number % 2 else plan, id=chosen[number])
        for number in range(5)
    ]
    Tenant(conn, "t1", "forum").create(forum)
    paused = Tenant(conn, "t3").pause(rows[3]["id"])
    newest = [rows[4], paused, *rows[2::-1]]

    def page(**options):
        return call(conn, "ledger_list_app_subscriptions", app_id="shop", **options)

    assert page() == newest
    assert page(page_size=2, page_offset=1) == newest[1:3]
    assert page(status="paused") == [paused]
    assert page(status="scheduled") == []
    assert page(plan_id=other) == [paused, rows[1]]
    assert page(plan_id=other, status="active") == [rows[1]]
    later = Tenant(conn, "t9").create(plan, started_at="2025-03-01Z")
    assert page(status="scheduled") == [later]
    assert [row["app_id"] for row in call(
        conn, "ledger_list_app_subscriptions", app_id="forum"
    )] == ["forum"]  # fmt: skip
    assert call(conn, "ledger_list_app_subscriptions", app_id="nobody") == []
    assert later["created_at"] == NOW


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"app_id": None}, errors.NullArgument),
        ({"app_id": "*"}, errors.InvalidScope),
        ({"status": "live"}, errors.InvalidArgument),
        ({"plan_id": "pro"}, errors.InvalidId),
        ({"plan_id": "plan_01JHMXBCG0E008D84C2DB5D539"}, errors.PlanNotFound),
        ({"page_size": 0}, errors.InvalidPage),
        ({"page_size": 10001}, errors.InvalidPage),
        ({"page_offset": -1}, errors.InvalidPage),
    ],
)
def test_what_there_is_no_page_of(conn, plan, options, error):
    with pytest.raises(error):
        call(conn, "ledger_list_app_subscriptions", **{"app_id": "shop", **options})


def test_another_apps_plan_is_not_found(conn, plan):
    forum = create_plan(conn, app_id="forum")
    with pytest.raises(errors.PlanNotFound, match="in app 'shop'"):
        call(conn, "ledger_list_app_subscriptions", app_id="shop", plan_id=forum)


def test_a_page_reads_what_it_shows(conn, plan):
    """However many subscriptions there are: the index gives them in order."""
    conn.execute("set enable_seqscan = off")
    (found,) = conn.execute(
        "explain (format json) select subscriptions.key from pgledger.subscriptions"
        " where subscriptions.app_id = 'shop' order by subscriptions.key desc limit 10"
    ).fetchone()
    text = str(found)
    assert "subscriptions_app_id_key_idx" in text
    assert "Sort" not in text
