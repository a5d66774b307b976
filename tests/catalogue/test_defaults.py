"""What a feature has in plans that name no limit, and how it is taken away and comes back."""

from decimal import Decimal
from typing import Any

import psycopg
import pytest

from pgledger import Billing, Feature, Plan, errors
from support.database import Connect

APP = "shop"


@pytest.fixture
def billing(connect: Connect) -> Billing:
    return Billing(connect(autocommit=True))


def kept(billing: Billing, plan: Plan) -> list[tuple[Any, ...]]:
    return billing.conn.execute(
        "select feature_key, quota, plan_features.period, soft_limit from pgledger.plan_features"
        " inner join pgledger.plans on plans.key = plan_features.plan_key"
        " where plans.id = %s order by place",
        [plan.id],
    ).fetchall()


def make(billing: Billing, slug: str, *features: dict[str, Any]) -> Plan:
    return billing.create_plan(APP, slug, slug, "USD", features=features)


def calls(billing: Billing, **options: Any) -> Feature:
    return billing.create_feature(
        APP, "calls", "Calls", default_limit=100, default_period="day", default_soft_limit=True,
        **options,
    )  # fmt: skip


def test_a_plan_that_names_a_feature_alone_has_its_defaults(billing: Billing) -> None:
    feature = calls(billing)
    assert (feature.default_limit, feature.default_period, feature.default_soft_limit) == (
        *(100, "day", True),
    )
    billing.create_feature(APP, "team", "Team", type="seat", default_limit=5)
    billing.create_feature(APP, "sso", "Sso", type="boolean", default_limit=0)
    billing.create_feature(APP, "plain", "Plain")
    plan = make(billing, "pro", *({"key": key} for key in ("calls", "team", "sso", "plain")))
    assert kept(billing, plan) == [
        ("calls", 100, "day", True),
        ("team", 5, "billing", False),
        ("sso", 0, "billing", False),
        ("plain", -1, "billing", False),
    ]
    billing.create_subscription(APP, "acme", plan.id)
    answer = billing.check_entitlement(APP, "acme", "calls", quantity=101)
    assert (answer.allowed, answer.limit, answer.soft_limit) == (True, 100, True)
    assert not billing.check_entitlement(APP, "acme", "sso").allowed


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({"limit": 7}, (7, "day", True)),
        ({"limit": None, "period": None, "soft_limit": None}, (100, "day", True)),
        ({"period": "billing"}, (100, "billing", True)),
        ({"soft_limit": False}, (100, "day", False)),
        ({"limit": -1, "period": "year", "soft_limit": False}, (-1, "year", False)),
    ],
)
def test_what_a_plan_names_comes_before_a_default(
    billing: Billing, named: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    calls(billing)
    assert kept(billing, make(billing, "pro", {"key": "calls"} | named)) == [("calls", *expected)]


def test_a_plan_keeps_the_defaults_that_it_was_written_with(billing: Billing) -> None:
    feature = calls(billing)
    plan = make(billing, "pro", {"key": "calls"})
    changed = billing.update_feature(
        APP, feature.id, default_limit=Decimal("2.5"), default_period="week",
        default_soft_limit=False,
    )  # fmt: skip
    assert changed.version == 2
    assert billing.update_feature(APP, feature.id, default_period="week") == changed
    billing.update_plan(APP, plan.id, name="New")
    assert kept(billing, plan) == [("calls", 100, "day", True)]
    assert kept(billing, make(billing, "new", {"key": "calls"})) == [
        ("calls", Decimal("2.5"), "week", False)
    ]
    cleared = billing.update_feature(
        APP, feature.id, clear=["default_limit", "default_period", "default_soft_limit"]
    )
    assert (cleared.default_limit, cleared.default_period, cleared.default_soft_limit) == (
        *(None, None, None),
    )
    assert kept(billing, make(billing, "newest", {"key": "calls"})) == [
        ("calls", -1, "billing", False)
    ]


def test_a_default_allowance_follows_the_rules_of_allowances(billing: Billing) -> None:
    calls(billing)
    price = {"feature": "calls", "model": "per_unit", "unit_amount": 1}
    with pytest.raises(errors.InvalidPlan, match=r"\$\.features\[0\]\.period"):
        billing.create_plan(
            APP, "pro", "Pro", "USD", features=[{"key": "calls"}], pricing={"prices": [price]}
        )


@pytest.mark.parametrize(
    ("kind", "options", "error"),
    [
        ("metered", {"default_limit": -2}, errors.InvalidQuantity),
        ("metered", {"default_limit": Decimal("-0.5")}, errors.InvalidQuantity),
        ("metered", {"default_limit": Decimal("1e30")}, errors.InvalidQuantity),
        ("metered", {"default_limit": Decimal("1e-19")}, errors.InvalidQuantity),
        ("metered", {"default_period": "hour"}, errors.InvalidArgument),
        ("seat", {"default_period": "day"}, errors.InvalidArgument),
        ("boolean", {"default_period": "day"}, errors.InvalidArgument),
        ("boolean", {"default_limit": 2}, errors.InvalidArgument),
        ("boolean", {"default_limit": -1}, errors.InvalidArgument),
        ("boolean", {"default_soft_limit": True}, errors.InvalidArgument),
    ],
)
def test_what_cannot_be_a_default(
    billing: Billing, kind: Any, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=next(iter(options))):
        billing.create_feature(APP, "k", "K", type=kind, **options)
    made = billing.create_feature(APP, "k", "K", type=kind)
    with pytest.raises(error, match=next(iter(options))):
        billing.update_feature(APP, made.id, **options)
    assert billing.get_feature(APP, made.id) == made


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_no_number_is_no_default(billing: Billing, number: str) -> None:
    for kind in ("metered", "boolean"):
        with pytest.raises(psycopg.Error) as caught:
            billing.conn.execute(
                "select ledger_create_feature('shop', 'k', 'K', %s, default_limit => %s::numeric)",
                [kind, number],
            )
        assert caught.value.sqlstate in {
            errors.InvalidQuantity.sqlstate,
            errors.InvalidArgument.sqlstate,
        }


def test_a_repeated_feature_has_the_same_defaults(billing: Billing) -> None:
    feature = calls(billing)
    assert calls(billing, id=feature.id) == feature
    with pytest.raises(errors.IdempotencyConflict):
        billing.create_feature(APP, "calls", "Calls", id=feature.id)


def test_a_feature_becomes_active_again(billing: Billing) -> None:
    feature = calls(billing, description="of the API")
    assert billing.update_feature(APP, feature.id, status="archived").status == "archived"
    with pytest.raises(errors.Archived):
        make(billing, "pro", {"key": "calls"})
    # Its key stays its own: what was recorded under it keeps its meaning.
    with pytest.raises(errors.AlreadyExists):
        billing.create_feature(APP, "calls", "Calls", type="seat")
    again = billing.update_feature(APP, feature.id, status="active", clear=["description"])
    assert (again.status, again.description, again.version) == ("active", None, 3)
    assert make(billing, "pro", {"key": "calls"}).features == [{"key": "calls"}]


def test_only_what_can_be_taken_away_is(billing: Billing) -> None:
    feature = calls(billing)
    for options in ({"clear": ["name"]}, {"clear": ["default_limit"], "default_limit": 1}):
        with pytest.raises(errors.InvalidArgument, match="clear"):
            billing.update_feature(APP, feature.id, **options)
    with pytest.raises(errors.FeatureNotFound):
        billing.update_feature("other", feature.id, clear=["default_limit"])
    assert billing.get_feature(APP, feature.id) == feature
