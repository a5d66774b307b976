"""What usage costs: every price model, rounding, shares of an amount and parts of a time.

The models here count unit by unit, or in fractions. They are written from what is documented, and
each example asks the database about many cases in one statement.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor, trunc
from typing import Any, NamedTuple

import psycopg
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from pytest_postgresql.executors import NoopExecutor

from pgledger.embedded import EmbeddedServer
from support.database import Janitor
from support.exact import plus, sum_of, times
from support.properties import scaled
from support.subscriptions import call

Session = psycopg.Connection[Any]
Price = dict[str, Any]
Number = int | str | Decimal

MODELS = (
    "flat",
    "per_unit",
    "package",
    "percentage",
    "graduated",
    "volume",
    "graduated_percentage",
)


@pytest.fixture(scope="module")
def store(server: EmbeddedServer, ledger_template: NoopExecutor) -> Iterator[Session]:
    """A connection in autocommit for all tests that only ask."""
    janitor = Janitor(
        host=ledger_template.host,
        port=ledger_template.port,
        user=ledger_template.user,
        dbname="prices",
        template_dbname=ledger_template.template_dbname,
        maintenance_dbname=ledger_template.maintenance_dbname,
    )
    with janitor, psycopg.connect(server.dsn("prices"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def conn(store: Session) -> Iterator[Session]:
    """The same connection in a transaction that is rolled back, for tests that write."""
    with store.transaction(force_rollback=True):
        yield store


# Calling


class Line(NamedTuple):
    kind: str
    description: str
    quantity: Decimal | None
    unit_amount: Decimal | None
    flat_amount: Decimal | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Case:
    """One question: what does so much cost by this price?"""

    price: Price
    quantity: Number
    allowance: Number = 0
    exponent: int | None = None


def json_of(price: Price) -> str:
    return json.dumps(price, default=lambda number: f"{number:f}")


def lines_of(conn: Session, cases: Sequence[Case]) -> list[list[Line]]:
    """Returns the lines of each case, asked for in one statement."""
    found: list[list[Line]] = [[] for _ in cases]
    for place, number, *line in conn.execute(
        """
        select case_of.place, line.*
        from unnest(
          %s::text[]::jsonb[], %s::text[]::numeric[], %s::text[]::numeric[], %s::integer[]
        ) with ordinality as case_of (price, quantity, allowance, exponent, place)
        cross join lateral ledger_price_usage(
          case_of.price, case_of.quantity, case_of.allowance, case_of.exponent
        ) as line
        """,
        [
            [json_of(case.price) for case in cases],
            [str(case.quantity) for case in cases],
            [str(case.allowance) for case in cases],
            [case.exponent for case in cases],
        ],
    ).fetchall():
        found[place - 1].append(Line(*line))
        assert number == len(found[place - 1])
    return found


def amounts_of(conn: Session, cases: Sequence[Case]) -> list[tuple[Decimal, Decimal, Decimal]]:
    """Returns the sums that invoices are made from: usage, true-up and cap of each case."""
    return conn.execute(
        """
        select part.amount, part.true_up, part.cap
        from unnest(%s::text[]::jsonb[], %s::text[]::numeric[])
          with ordinality as case_of (price, quantity, place)
        cross join lateral pgledger.price_amounts(case_of.price, case_of.quantity) as part
        order by case_of.place
        """,
        [
            [json_of(case.price) for case in cases],
            [str(case.quantity) for case in cases],
        ],
    ).fetchall()


def total(lines: Iterable[Line], *kinds: str) -> Fraction:
    return sum(
        (Fraction(line.amount) for line in lines if not kinds or line.kind in kinds), Fraction(0)
    )


def cost(conn: Session, price: Price, quantity: Number, exponent: int | None = None) -> Decimal:
    (lines,) = lines_of(conn, [Case(price, quantity, exponent=exponent)])
    return sum_of(line.amount for line in lines)


def rounded(exact: Fraction, exponent: int) -> Fraction:
    """Rounds half away from zero."""
    units = floor(abs(exact) * 10**exponent + Fraction(1, 2))
    return Fraction(units if exact >= 0 else -units, 10**exponent)


def tiered(model: str, *tiers: tuple[Number | None, Number | None, Number | None], **more: Any):
    """A price of tiers, each a bound, a rate and a flat amount."""
    rate = "percentage" if model == "graduated_percentage" else "unit_amount"
    return {
        "model": model,
        "tiers": [
            {"up_to": up_to, rate: amount, "flat_amount": flat} for up_to, amount, flat in tiers
        ],
        **more,
    }


# The numbers that are promised

WITH_FLAT_AMOUNTS = tiered("graduated", ("10", "10", "2"), ("20", "5", "3"), (None, "5", "3"))
RATES = (("5", "7", None), ("10", "6.5", None), (None, "6", None))
PACKAGE = {"model": "package", "package_size": "10", "package_amount": "100"}
PERCENTAGE = {"model": "percentage", "percentage": "2.9", "flat_amount": "0.30"}


@pytest.mark.parametrize(
    ("price", "quantity", "amount"),
    [
        (WITH_FLAT_AMOUNTS, 0, "2"),
        (WITH_FLAT_AMOUNTS, 1, "12"),
        (WITH_FLAT_AMOUNTS, 10, "102"),
        (WITH_FLAT_AMOUNTS, "10.000001", "105.000005"),
        (WITH_FLAT_AMOUNTS, 11, "110"),
        (WITH_FLAT_AMOUNTS, 12, "115"),
        (WITH_FLAT_AMOUNTS, 20, "155"),
        (WITH_FLAT_AMOUNTS, 21, "163"),
        (tiered("volume", *RATES), 0, "0"),
        (tiered("volume", *RATES), 5, "35"),
        (tiered("volume", *RATES), "5.5", "35.75"),
        (tiered("volume", *RATES), 6, "39"),
        (tiered("volume", *RATES), 20, "120"),
        (tiered("volume", *RATES), 25, "150"),
        (tiered("volume", (10, None, "7"), (None, 1, "3")), 0, "7"),
        (tiered("volume", (10, None, "7"), (None, 1, "3")), 11, "14"),
        (tiered("graduated", *RATES), 6, "41.50"),
        (PACKAGE, 0, "0"),
        (PACKAGE, "0.000001", "100"),
        (PACKAGE, 10, "100"),
        (PACKAGE, 121, "1300"),
        ({**PACKAGE, "free": 10}, 121, "1200"),
        ({**PACKAGE, "free": 10}, 10, "0"),
        # A quotient of so many digits would be rounded to 10.
        ({**PACKAGE, "package_size": "1000000000"}, f"10000000000.{'0' * 17}1", "1100"),
        ({"model": "flat", "flat_amount": "49"}, 0, "49"),
        ({"model": "flat", "flat_amount": "49"}, 1000, "49"),
        ({"model": "per_unit", "unit_amount": "0.001"}, 0, "0"),
        ({"model": "per_unit", "unit_amount": "0.001"}, "12.5", "0.0125"),
        (PERCENTAGE, 0, "0.30"),
        (PERCENTAGE, "1234.56", "36.10224"),
        (
            tiered("graduated_percentage", (1000, "2.9", "0.30"), (None, 1, 1)), 1000, "29.30",
        ),
        (
            tiered("graduated_percentage", (1000, "2.9", "0.30"), (None, 1, 1)), 1500, "35.30",
        ),
    ],
)  # fmt: skip
def test_what_usage_costs(store, price, quantity, amount):
    assert cost(store, price, quantity) == Decimal(amount)
    assert amounts_of(store, [Case(price, quantity)]) == [(Decimal(amount), 0, 0)]


@pytest.mark.parametrize(
    ("amount", "exponent", "charged"),
    [("10.125", 2, "10.13"), ("100.5", 0, "101"), ("10.1245", 3, "10.125"), ("0.004", 2, "0.00")],
)
def test_amounts_are_rounded_half_away_from_zero(store, amount, exponent, charged):
    for price in (
        {"model": "flat", "flat_amount": amount},
        {"model": "per_unit", "unit_amount": amount},
    ):
        # The places are kept, so that what is shown is an amount of that currency.
        assert str(cost(store, price, 1, exponent)) == charged


def test_lines_name_tiers_and_say_how_they_add_up(store):
    (lines,) = lines_of(store, [Case({**WITH_FLAT_AMOUNTS, "maximum": "150.00"}, "25.50")])
    assert lines == [
        ("usage", "up to 10", 10, 10, 2, 102),
        ("usage", "above 10 up to 20", 10, 5, 3, 53),
        ("usage", "above 20", Decimal("5.5"), 5, 3, Decimal("30.5")),
        ("cap", "maximum of 150", None, None, None, Decimal("-35.5")),
    ]


@pytest.mark.parametrize(
    ("price", "line"),
    [
        ({"model": "flat", "flat_amount": 3}, ("flat amount", 7, None, 3)),
        ({"model": "per_unit", "unit_amount": 3}, ("per unit", 7, 3, None)),
        (PACKAGE, ("packages of 10", 1, 100, None)),
        ({**PACKAGE, "free": 0}, ("packages of 10", 1, 100, None)),
        (
            {**PACKAGE, "package_size": "2.50", "free": "1.50"},
            ("packages of 2.5, first 1.5 free", 3, 100, None),
        ),
        (PERCENTAGE, ("2.9 %", 7, Decimal("0.029"), Decimal("0.3"))),
        (tiered("graduated", (None, 2, None)), ("any quantity", 7, 2, None)),
        (tiered("volume", ("0.5", 2, None), (None, 1, 5)), ("above 0.5", 7, 1, 5)),
        (tiered("volume", ("7.00", 2, None), (None, 1, 5)), ("up to 7", 7, 2, None)),
    ],
)
def test_a_line_of_each_model(store, price, line):
    ((found,),) = lines_of(store, [Case({"feature": "api_calls", **price}, 7)])
    assert found[:-1] == ("usage", *line)


def test_members_of_null_count_as_not_given(store):
    nulls = dict.fromkeys(["tiers", "free", "minimum", "maximum", "package_size", "feature"])
    assert cost(store, {**nulls, "model": "per_unit", "unit_amount": 2}, 3) == 6
    assert cost(store, tiered("graduated", (None, None, 4)) | {"unit_amount": None}, 3) == 4


def test_minimum_and_maximum_are_lines_of_their_own(store):
    price = {"model": "per_unit", "unit_amount": "1", "minimum": "10", "maximum": "20.5"}
    quantities = ("0", "9.99", "10", "15", "20.5", "21")
    found = lines_of(store, [Case(price, quantity) for quantity in quantities])
    assert [[(line.kind, line.amount) for line in lines] for lines in found] == [
        [("usage", 0), ("true_up", 10)],
        [("usage", Decimal("9.99")), ("true_up", Decimal("0.01"))],
        [("usage", 10)],
        [("usage", 15)],
        [("usage", Decimal("20.5"))],
        [("usage", 21), ("cap", Decimal("-0.5"))],
    ]
    assert found[0][1].description == "minimum of 10"


def test_a_minimum_missed_by_less_than_can_be_charged_is_met(store):
    price = {"model": "per_unit", "unit_amount": "9.996", "minimum": "10"}
    (exact, lines) = lines_of(store, [Case(price, 1), Case(price, 1, exponent=2)])
    assert [line.amount for line in exact] == [Decimal("9.996"), Decimal("0.004")]
    assert [line.amount for line in lines] == [Decimal("10.00")]


def test_lines_add_up_to_the_rounded_total(store):
    price = tiered("graduated", (1, "0.004", None), (2, "0.004", None), (None, "0.004", None))
    (lines,) = lines_of(store, [Case(price, 3, exponent=2)])
    assert [line.amount for line in lines] == [0, Decimal("0.01"), 0]


def test_an_allowance_is_not_priced(store):
    cases = [Case(WITH_FLAT_AMOUNTS, 21, allowance) for allowance in (0, 1, "10.5", 21, 22)]
    assert [total(lines) for lines in lines_of(store, cases)] == [163, 155, Fraction("107.5"), 2, 2]


def test_a_price_of_a_plan_is_priced_as_it_stands(conn):
    call(conn, "ledger_create_feature", app_id="shop", key="calls", name="Calls")
    (plan,) = call(
        conn, "ledger_create_plan", app_id="shop", slug="pro", name="Pro", currency="USD",
        features=[{"key": "calls"}],
        pricing={"prices": [{"feature": "calls", **WITH_FLAT_AMOUNTS}]},
    )  # fmt: skip
    row = conn.execute(
        "select sum(line.amount) from ledger_plans, ledger_price_usage(pricing #> '{prices,0}', 12)"
        " as line where id = %s",
        [plan["id"]],
    ).fetchone()
    assert row == (115,)


# Any tiers, unit by unit


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier that ends after so many steps, or never."""

    up_to: int | None
    rate: Decimal | None
    flat: Decimal | None


@dataclass(frozen=True, slots=True)
class Stairs:
    """Tiers whose bounds are whole numbers of steps; a step is one unit of some decimal place."""

    places: int
    tiers: tuple[Tier, ...]

    def quantity(self, steps: int) -> str:
        return decimal_text(steps, self.places)

    def price(self, model: str) -> Price:
        return tiered(
            model,
            *(
                (None if tier.up_to is None else self.quantity(tier.up_to), tier.rate, tier.flat)
                for tier in self.tiers
            ),
        )

    def tier_of(self, step: int) -> Tier:
        return next(tier for tier in self.tiers if tier.up_to is None or step <= tier.up_to)

    def graduated(self, steps: int) -> Fraction:
        reached = {self.tiers[0]}
        amount = Fraction(0)
        for step in range(1, steps + 1):
            tier = self.tier_of(step)
            reached.add(tier)
            amount += Fraction(tier.rate or 0) / 10**self.places
        return amount + sum(Fraction(tier.flat or 0) for tier in reached)

    def volume(self, steps: int) -> Fraction:
        tier = self.tier_of(steps)
        amount = Fraction(tier.flat or 0)
        for _ in range(steps):
            amount += Fraction(tier.rate or 0) / 10**self.places
        return amount


def decimal_text(units: int, places: int) -> str:
    digits = str(abs(units)).rjust(places + 1, "0")
    whole, part = digits[: len(digits) - places], digits[len(digits) - places :]
    return ("-" if units < 0 else "") + whole + ("." + part if part else "")


def numbers(most: int, places: int = 6) -> st.SearchStrategy[Decimal]:
    return st.builds(
        lambda units, point: Decimal(decimal_text(units % 10 ** (30 + point), point)),
        st.integers(0, most),
        st.integers(0, places),
    )


AMOUNTS = numbers(10**6)


@st.composite
def stairs(draw: st.DrawFn, rates: st.SearchStrategy[Decimal] = AMOUNTS) -> Stairs:
    bounds = draw(st.lists(st.integers(1, 60), max_size=5, unique=True).map(sorted))
    tiers = []
    for bound in [*bounds, None]:
        rate = draw(st.none() | rates)
        flat = draw(st.none() | AMOUNTS) if rate is not None else draw(AMOUNTS)
        tiers.append(Tier(bound, rate, flat))
    return Stairs(draw(st.integers(0, 6)), tuple(tiers))


QUESTIONS = st.lists(st.tuples(stairs(), st.integers(0, 80)), min_size=1, max_size=12)


@drawn(QUESTIONS)
def test_tiers_cost_what_counting_unit_by_unit_comes_to(store, questions):
    for model, count in (("graduated", Stairs.graduated), ("volume", Stairs.volume)):
        cases = [Case(each.price(model), each.quantity(steps)) for each, steps in questions]
        expected = [count(each, steps) for each, steps in questions]
        assert [total(lines) for lines in lines_of(store, cases)] == expected
        assert [Fraction(part[0]) for part in amounts_of(store, cases)] == expected


RATES_IN_PERCENT = st.integers(0, 10**4).map(lambda units: Decimal(decimal_text(units, 2)))


@settings(max_examples=scaled(50))
@drawn(st.lists(st.tuples(stairs(RATES_IN_PERCENT), st.integers(0, 80)), min_size=1, max_size=12))
def test_percentages_of_tiers_cost_what_counting_comes_to(store, questions):
    cases = [
        Case(each.price("graduated_percentage"), each.quantity(steps)) for each, steps in questions
    ]
    expected = [
        Stairs(
            each.places,
            tuple(Tier(t.up_to, None if t.rate is None else t.rate / 100, t.flat)
                  for t in each.tiers),
        ).graduated(steps)
        for each, steps in questions
    ]  # fmt: skip
    assert [total(lines) for lines in lines_of(store, cases)] == expected


def packages_by_steps(steps: int, size: int, free: int) -> int:
    packages = room = 0
    for step in range(1, steps + 1):
        if step <= free:
            continue
        if room == 0:
            packages += 1
            room = size
        room -= 1
    return packages


@drawn(
    st.lists(
        st.tuples(st.integers(0, 80), st.integers(1, 30), st.integers(0, 40), st.integers(0, 6)),
        min_size=1,
        max_size=20,
    )
)
def test_packages_are_begun_one_after_the_other(store, questions):
    cases = [
        Case(
            {
                "model": "package",
                "package_size": decimal_text(size, places),
                "package_amount": "1.25",
                "free": decimal_text(free, places),
            },
            decimal_text(steps, places),
        )
        for steps, size, free, places in questions
    ]
    for lines, (steps, size, free, _) in zip(lines_of(store, cases), questions, strict=True):
        packages = packages_by_steps(steps, size, free)
        assert [(line.quantity, line.amount) for line in lines] == [
            (packages, times(packages, Decimal("1.25")))
        ]


# Any price, in fractions

# As fine and as large as numbers may be.
EXTREMES = st.one_of(
    AMOUNTS,
    numbers(10**30 - 1, 18),
    numbers(10**48 - 1, 18),
    st.integers(0, 29).map(lambda power: Decimal(10) ** power),
    st.just(Decimal("1e-18")),
)
PERCENTAGES = numbers(100, 0) | st.integers(0, 10**20).map(
    lambda units: Decimal(decimal_text(units, 18))
)


@st.composite
def prices(draw: st.DrawFn, models: Sequence[str] = MODELS) -> Price:
    model = draw(st.sampled_from(models))
    price: Price = {"model": model}
    if model == "flat":
        price["flat_amount"] = draw(EXTREMES)
    elif model == "per_unit":
        price["unit_amount"] = draw(EXTREMES)
    elif model == "package":
        price["package_size"] = draw(EXTREMES.filter(bool))
        price["package_amount"] = draw(EXTREMES)
        price["free"] = draw(st.none() | EXTREMES)
    elif model == "percentage":
        price["percentage"] = draw(PERCENTAGES)
        price["flat_amount"] = draw(st.none() | EXTREMES)
    else:
        rates = PERCENTAGES if model == "graduated_percentage" else EXTREMES
        bounds = draw(st.lists(EXTREMES.filter(bool), max_size=4, unique=True).map(sorted))
        price = tiered(
            model, *((bound, draw(rates), draw(st.none() | EXTREMES)) for bound in [*bounds, None])
        )
    limits = draw(st.lists(EXTREMES | AMOUNTS, min_size=2, max_size=2).map(sorted))
    price["minimum"] = draw(st.sampled_from([None, limits[0]]))
    price["maximum"] = draw(st.sampled_from([None, limits[1]]))
    return price


def fraction(number: Decimal | None) -> Fraction:
    return Fraction(0) if number is None else Fraction(number)


def usage_parts(price: Price, used: Fraction) -> list[Fraction]:
    """What each part of usage costs before minimum and maximum."""
    match price["model"]:
        case "flat":
            return [fraction(price["flat_amount"])]
        case "per_unit":
            return [used * fraction(price["unit_amount"])]
        case "percentage":
            part = used * fraction(price["percentage"]) / 100
            return [part + fraction(price["flat_amount"])]
        case "package":
            beyond = max(used - fraction(price["free"]), Fraction(0))
            packages = ceil(beyond / fraction(price["package_size"]))
            return [packages * fraction(price["package_amount"])]
    parts = []
    above = Fraction(0)
    for place, tier in enumerate(price["tiers"]):
        end = max(used, above) if tier["up_to"] is None else fraction(tier["up_to"])
        rate = fraction(tier.get("unit_amount")) + fraction(tier.get("percentage")) / 100
        if price["model"] == "volume":
            if used <= end:
                return [used * rate + fraction(tier["flat_amount"])]
        elif place == 0 or used > above:
            parts.append((min(used, end) - above) * rate + fraction(tier["flat_amount"]))
        above = end
    return parts


def right_after(bound: Decimal) -> Decimal:
    return min(plus(bound, Decimal("1e-18")), Decimal("9" * 30))


@st.composite
def asked(draw: st.DrawFn, models: Sequence[str] = MODELS) -> Case:
    price = draw(prices(models))
    quantity = draw(EXTREMES)
    if price.get("tiers") and draw(st.booleans()):
        # Where a tier ends, or right after it.
        bound = draw(st.sampled_from(price["tiers"]))["up_to"] or quantity
        quantity = draw(st.sampled_from([bound, right_after(bound)]))
    allowance = draw(st.just(Decimal(0)) | EXTREMES)
    return Case(price, f"{quantity:f}", f"{allowance:f}", draw(st.none() | st.integers(0, 18)))


@settings(max_examples=scaled(75))
@drawn(st.lists(asked(), min_size=1, max_size=10))
def test_any_price_is_exact_and_its_lines_are_rounded_to_their_total(store, cases):
    priced = [
        max(Fraction(case.quantity) - Fraction(case.allowance), Fraction(0)) for case in cases
    ]
    for case, used, lines in zip(cases, priced, lines_of(store, cases), strict=True):
        parts = usage_parts(case.price, used)
        minimum, maximum = case.price["minimum"], case.price["maximum"]
        usage = sum(parts, Fraction(0))
        due = max(usage, fraction(minimum))
        due = due if maximum is None else min(due, Fraction(maximum))
        kinds = [line.kind for line in lines]
        assert kinds[: len(parts)] == ["usage"] * len(parts)
        assert kinds[len(parts) :] in ([], ["true_up"], ["cap"])
        if case.exponent is None:
            assert [Fraction(line.amount) for line in lines[: len(parts)]] == parts
            assert total(lines) == due
        else:
            unit = Fraction(1, 10**case.exponent)
            assert total(lines, "usage") == rounded(usage, case.exponent)
            assert total(lines) == rounded(due, case.exponent)
            for line, part in zip(lines, parts, strict=False):
                assert abs(Fraction(line.amount) - part) < unit
                assert line.amount >= 0
        for line in lines:
            if line.kind == "usage":
                assert line.quantity is not None
                made = fraction(line.quantity) * fraction(line.unit_amount)
                made += fraction(line.flat_amount)
                assert made in parts
            else:
                assert line[2:5] == (None, None, None)
                assert (line.kind == "true_up") == (line.amount > 0)
                assert line.amount != 0
        if case.price["model"] != "package":
            assert sum(fraction(line.quantity) for line in lines) == used


@settings(max_examples=scaled(40))
@drawn(st.lists(asked(), min_size=1, max_size=10))
def test_sums_are_those_of_the_lines(store, cases):
    exact = [Case(case.price, case.quantity) for case in cases]
    for lines, sums in zip(lines_of(store, exact), amounts_of(store, exact), strict=True):
        assert [Fraction(part) for part in sums] == [
            total(lines, kind) for kind in ("usage", "true_up", "cap")
        ]


@settings(max_examples=scaled(60))
@drawn(
    prices(("graduated", "graduated_percentage", "package", "per_unit", "percentage", "flat")),
    st.lists(EXTREMES, min_size=2, max_size=20),
    st.none() | st.integers(0, 4),
)
def test_a_bill_never_falls_when_usage_grows(store, price, quantities, exponent):
    bounds = [tier["up_to"] for tier in price.get("tiers", []) if tier["up_to"] is not None]
    quantities = sorted([*quantities, *bounds, *map(right_after, bounds)])
    cases = [Case(price, f"{quantity:f}", exponent=exponent) for quantity in quantities]
    bills = [total(lines) for lines in lines_of(store, cases)]
    assert bills == sorted(bills)


def test_a_thousand_tiers(store):
    tiers = [*((n, 1, None) for n in range(1, 1000)), (None, 2, None)]
    for model, amount in (("graduated", 1002), ("volume", Decimal("2001"))):
        found = lines_of(store, [Case(tiered(model, *tiers), "1000.5", exponent=2)])[0]
        assert total(found) == amount
        assert len(found) == (1000 if model == "graduated" else 1)


# Shares of an amount


def split(
    conn: Session, cases: Sequence[tuple[Sequence[Decimal], Decimal, int]]
) -> list[list[Decimal]]:
    return [
        parts
        for (parts,) in conn.execute(
            """
            select pgledger.split_amount(
              case_of.shares::numeric[], case_of.total, case_of.exponent
            )
            from unnest(%s::text[], %s::text[]::numeric[], %s::integer[])
              with ordinality as case_of (shares, total, exponent, place)
            order by case_of.place
            """,
            [
                ["{" + ",".join(map(str, shares)) + "}" for shares, _, _ in cases],
                [str(whole) for _, whole, _ in cases],
                [exponent for _, _, exponent in cases],
            ],
        ).fetchall()
    ]


@pytest.mark.parametrize(
    ("shares", "whole", "exponent", "parts"),
    [
        ([], "0", 2, []),
        (["8", "4"], "12", 2, ["8.00", "4.00"]),
        (["7.5", "2.5"], "10", 2, ["7.50", "2.50"]),
        (["7.5", "2.5"], "10", 0, ["8", "2"]),
        (["3.3333333333333333"] * 3, "10", 2, ["3.34", "3.33", "3.33"]),
        (["6.6666666666666667", "3.3333333333333333"], "10", 0, ["7", "3"]),
        (["4.9999999999999999", "0.005", "0.005"], "5.01", 2, ["5.00", "0.01", "0.00"]),
        (["-3.3333333333333333"] * 3, "-10", 2, ["-3.34", "-3.33", "-3.33"]),
        (["-33.333333333333333"] * 3, "-100", 0, ["-34", "-33", "-33"]),
        (["33.333333333333333"] * 3, "100", 0, ["34", "33", "33"]),
        # Of different signs: missing units go to those of their own sign first.
        (["0.6", "-0.9", "0.7"], "0", 0, ["0", "0", "0"]),
        (["0.6", "-0.6", "0.7"], "1", 0, ["0", "0", "1"]),
        (["-0.6", "0.6", "-0.7"], "-1", 0, ["0", "0", "-1"]),
        (["2", "-0.4", "0", "-0.6"], "1", 0, ["2", "0", "0", "-1"]),
        (["2", "-0.4", "-0.6"], "3", 0, ["3", "0", "0"]),
        (["2", "-0.4", "-0.6"], "4", 0, ["3", "1", "0"]),
        (["0", "0.004", "0.006", "0"], "0.01", 2, ["0.00", "0.00", "0.01", "0.00"]),
        (["-0.5", "1.5", "0"], "1", 0, ["0", "1", "0"]),
        # Shares that say nothing: evenly.
        (["0", "0", "0"], "5", 0, ["2", "2", "1"]),
        (["0", "0", "0"], "-5", 0, ["-2", "-2", "-1"]),
        (["0", "0"], "1e12", 18, [f"5{'0' * 11}.{'0' * 18}"] * 2),
        (["0"] * 3, "1e12", 18, [f"{'3' * 12}.{'3' * 17}{end}" for end in "433"]),
    ],
)  # fmt: skip
def test_shares_of_an_amount(store, shares, whole, exponent, parts):
    (found,) = split(store, [([Decimal(share) for share in shares], Decimal(whole), exponent)])
    assert [str(part) for part in found] == parts


def largest_remainders(shares: Sequence[Fraction], whole: Fraction, exponent: int):
    """Gives the missing units to one share after the other, of their own sign."""
    exact = [share * 10**exponent for share in shares]
    units = [trunc(share) for share in exact]
    missing = whole * 10**exponent - sum(units)
    unit = 1 if missing > 0 else -1
    order = sorted(
        (place for place, share in enumerate(exact) if (share - units[place]) * unit > 0),
        key=lambda place: (-abs(exact[place] - units[place]), place),
    )
    assert abs(missing) <= len(order)
    for place in order[: int(abs(missing))]:
        units[place] += unit
    return [Fraction(part, 10**exponent) for part in units]


@st.composite
def divisions(draw: st.DrawFn) -> tuple[list[Fraction], Fraction, int]:
    exponent = draw(st.integers(0, 6))
    whole = Fraction(draw(st.integers(-(10**9), 10**9)), 10**exponent)
    weights = draw(
        st.lists(st.integers(-100, 1000), min_size=1, max_size=12).filter(lambda all_: sum(all_))
    )
    return [whole * weight / sum(weights) for weight in weights], whole, exponent


def as_decimal(exact: Fraction, places: int) -> Decimal:
    """Rounds as a division does that stops after so many places."""
    return Decimal(decimal_text(round(exact * 10**places), places))


@drawn(st.lists(divisions(), min_size=1, max_size=20))
def test_parts_add_up_to_the_whole(store, cases):
    """And those of the same with the other sign are the same with the other sign."""
    for places in (40, 16):
        found = split(
            store,
            [
                ([as_decimal(share, places) for share in shares], as_decimal(whole, 6), exponent)
                for shares, whole, exponent in cases
            ],
        )
        mirrored = split(
            store,
            [
                ([as_decimal(-share, places) for share in shares], as_decimal(-whole, 6), exponent)
                for shares, whole, exponent in cases
            ],
        )
        assert [[-part for part in parts] for parts in mirrored] == found
        for parts, (shares, whole, exponent) in zip(found, cases, strict=True):
            assert sum(map(Fraction, parts)) == whole
            for part, share in zip(parts, shares, strict=True):
                assert abs(Fraction(part) - share) <= Fraction(1, 10**exponent)


@drawn(
    st.lists(
        st.tuples(
            st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=8), st.integers(0, 6)
        ),
        min_size=1,
        max_size=20,
    )
)
def test_missing_units_go_to_the_largest_remainders(store, questions):
    # Shares of six decimals that add up to an amount, so that they are exact.
    cases = []
    for millionths, exponent in questions:
        shares = [Fraction(number, 10**6) for number in millionths]
        whole = Fraction(floor(sum(shares) * 10**exponent), 10**exponent)
        cases.append(([*shares, whole - sum(shares)], whole, exponent))
    found = split(
        store,
        [
            ([as_decimal(share, 6) for share in shares], as_decimal(whole, 6), exponent)
            for shares, whole, exponent in cases
        ],
    )
    for parts, case in zip(found, cases, strict=True):
        assert [Fraction(part) for part in parts] == largest_remainders(*case)


# Parts of a time


def prorate(conn: Session, cases: Sequence[tuple[Decimal, int, int, int, int]]) -> list[Decimal]:
    return [
        part
        for (part,) in conn.execute(
            """
            select pgledger.prorated(
              case_of.amount, case_of.starts, case_of.ends, case_of.length, case_of.exponent
            )
            from unnest(
              %s::text[]::numeric[], %s::integer[], %s::integer[], %s::integer[], %s::integer[]
            ) with ordinality as case_of (amount, starts, ends, length, exponent, place)
            order by case_of.place
            """,
            [[str(case[0]) for case in cases], *([case[n] for case in cases] for n in range(1, 5))],
        ).fetchall()
    ]


@pytest.mark.parametrize(
    ("amount", "starts", "ends", "length", "exponent", "part"),
    [
        ("10", 15, 30, 30, 2, "5.00"),
        ("20", 15, 30, 30, 2, "10.00"),
        ("49", 0, 31, 31, 2, "49.00"),
        ("49", 7, 7, 31, 2, "0.00"),
        ("100", 0, 1, 3, 2, "33.33"),
        ("100", 1, 2, 3, 2, "33.34"),
        ("100", 2, 3, 3, 2, "33.33"),
        ("-10", 15, 30, 30, 2, "-5.00"),
        ("0.125", 0, 1, 1, 2, "0.13"),
        ("-0.125", 0, 1, 1, 2, "-0.13"),
        ("99", 0, 1, 2, 0, "50"),
        ("99", 1, 2, 2, 0, "49"),
        # A quotient of 16 digits would be 1000000000000.0050, and rounded once more.
        ("2678400000000013391.99", 0, 1, 2_678_400, 2, "1000000000000.00"),
        ("3333333333333333333333.0149999", 0, 1, 1, 2, "3333333333333333333333.01"),
        ("1e18", 0, 1, 3, 0, "333333333333333333"),
    ],
)
def test_a_part_of_a_time(store, amount, starts, ends, length, exponent, part):
    case = (Decimal(amount), starts, ends, length, exponent)
    assert [str(found) for found in prorate(store, [case])] == [part]


@st.composite
def cuts(draw: st.DrawFn) -> tuple[Decimal, list[int], int, int]:
    length = draw(st.sampled_from([1, 7, 28, 30, 31, 365, 366, 2_678_400, 31_622_400]))
    places = draw(st.lists(st.integers(0, length), max_size=8).map(sorted))
    amount = draw(numbers(10**18, 18) | numbers(10**18, 18).map(Decimal.copy_negate))
    return amount, [0, *places, length], length, draw(st.integers(0, 6))


@drawn(st.lists(cuts(), min_size=1, max_size=10))
def test_a_time_cut_anywhere_adds_up(store, questions):
    cases = [
        (amount, starts, ends, length, exponent)
        for amount, places, length, exponent in questions
        for starts, ends in pairwise(places)
    ]
    parts = iter(prorate(store, cases))
    for amount, places, length, exponent in questions:
        exact = Fraction(amount)
        taken = []
        for starts, ends in pairwise(places):
            part = Fraction(next(parts))
            assert part == (
                rounded(exact * ends / length, exponent)
                - rounded(exact * starts / length, exponent)
            )
            taken.append(part)
        assert sum(taken) == rounded(exact, exponent)
        assert all(part == 0 or (part > 0) == (exact > 0) for part in taken)


# What is refused

FLAT = '\'{"model": "flat", "flat_amount": 1}\''

BAD_CALLS: dict[str, tuple[str, str, str]] = {
    "no price": ("null, 1", "LG003", "price must not be null"),
    "no quantity": (f"{FLAT}, null", "LG003", "quantity must not be null"),
    "no allowance": (f"{FLAT}, 1, null", "LG003", "allowance must not be null"),
    "quantity of NaN": (f"{FLAT}, 'NaN'", "LG104", "quantity NaN"),
    "quantity of Infinity": (f"{FLAT}, 'Infinity'", "LG104", "it is not finite"),
    "quantity of -Infinity": (f"{FLAT}, '-Infinity'", "LG104", "it is not finite"),
    "quantity below 0": (f"{FLAT}, -0.001", "LG104", "it is negative"),
    "quantity of 1e30": (f"{FLAT}, 1e30", "LG104", "it is not below 1e30"),
    "quantity of 1e131071": (f"{FLAT}, 1e131071", "LG104", "it is not below 1e30"),
    "quantity of 1e-16383": (f"{FLAT}, 1e-16383", "LG104", "it has 16383 decimal places"),
    "allowance of NaN": (f"{FLAT}, 1, 'NaN'", "LG104", "allowance NaN"),
    "allowance of Infinity": (f"{FLAT}, 1, 'Infinity'", "LG104", "allowance Infinity"),
    "allowance below 0": (f"{FLAT}, 1, -1", "LG104", "allowance -1"),
    "allowance of 1e-16383": (f"{FLAT}, 1, 1e-16383", "LG104", "16383 decimal places"),
    "exponent below 0": (f"{FLAT}, 1, 0, -1", "LG101", "exponent -1 is not valid"),
    "exponent of 19": (f"{FLAT}, 1, 0, 19", "LG101", "exponent 19 is not valid"),
    "price of null": ("'null', 1", "LG102", "$.price: it is of type null"),
    "price of an array": ("'[]', 1", "LG102", "$.price: it is of type array"),
    "price of a string": ("'\"a\"', 1", "LG102", '$.price: "a" is of type string'),
    "price of nothing": ("'{}', 1", "LG102", "$.price.model: it is missing"),
    "unknown model": (
        '\'{"model": "tiered"}\', 1', "LG102", '$.price.model: "tiered" is none of flat',
    ),
    "unknown member": ('\'{"modell": 1}\', 1', "LG102", "$.price.modell: it is not known here"),
    # Paths that begin with it, or with tax_rates, are those of invoices.
    "unknown member of invoices": ('\'{"lines": 1}\', 1', "LG102", "$.price.lines: it is not"),
    "feature of a number": (
        '\'{"feature": 1, "model": "flat", "flat_amount": 1}\', 1', "LG102",
        "$.price.feature: 1 is of type number",
    ),
    "amount of NaN": (
        '\'{"model": "flat", "flat_amount": "NaN"}\', 1', "LG102", "$.price.flat_amount: \"NaN\"",
    ),
    "amount of 1e-16383": (
        '\'{"model": "flat", "flat_amount": 1e-16383}\', 1', "LG102", "16385 characters",
    ),
    "minimum above the maximum": (
        '\'{"model": "flat", "flat_amount": 1, "minimum": 2, "maximum": 1}\', 1', "LG102",
        "$.price.maximum: 1 is below 2",
    ),
    "tiers out of order": (
        '\'{"model": "volume", "tiers": [{"up_to": 2, "unit_amount": 1}, {"up_to": 1}]}\', 1',
        "LG102", "$.price.tiers[1].up_to: 1 bounds the last tier",
    ),
    "a feature of 2 MiB": (
        "jsonb_build_object('feature', repeat('a', 2097152), 'model', 'flat', 'flat_amount', 1), 1",
        "LG102", "it has more than 1048576 bytes",
    ),
    "the price before the quantity": ("'{}', 'NaN', -1, 99", "LG102", "$.price.model"),
    "the quantity before the exponent": (f"{FLAT}, -1, 0, 99", "LG104", "quantity -1"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "sqlstate", "message"), BAD_CALLS.values(), ids=BAD_CALLS)
def test_calls_that_cannot_be(store, arguments, sqlstate, message):
    for _ in range(2):
        with pytest.raises(psycopg.Error) as refused:
            store.execute(f"select * from ledger_price_usage({arguments})".encode())
        assert refused.value.sqlstate == sqlstate, refused.value
        assert message in str(refused.value.diag.message_primary)


def test_trailing_zeros_are_no_decimal_places(store):
    (lines,) = store.execute(
        "select array_agg(line.amount::text)"
        ' from ledger_price_usage(\'{"model": "per_unit", "unit_amount": "2.50"}\','
        "   round(3, 16383), round(1, 16383)) as line"
    ).fetchone()
    assert lines == ["5.00"]


# In a block of its own each, so that one refusal does not end the rest.
ANSWER = """
    create function pg_temp.answer(
      price jsonb, quantity numeric, allowance numeric, exponent integer
    )
    returns text
    language plpgsql
    as $$
    begin
      return (
        select coalesce(count(*), 0)::text
        from ledger_price_usage(price, quantity, allowance, exponent) as line
        where line.amount <> 'NaN' and line.amount >= 0 or line.kind = 'cap'
      );
    exception when others then
      return sqlstate || ' ' || sqlerrm;
    end
    $$
"""


@pytest.fixture(scope="module")
def answering(store: Session) -> Session:
    store.execute(ANSWER)
    return store


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10)
MEMBERS = st.sampled_from(
    [
        "feature", "model", "tiers", "unit_amount", "flat_amount", "package_size",
        "package_amount", "free", "percentage", "minimum", "maximum", "up_to", "lines",
        "tax_rates",
    ]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([*MODELS, "NaN", "-1", "0", "5", "0.5", "1e5", "-0", "Infinity"]),
    TEXTS,
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(MEMBERS | TEXTS, inner, max_size=5),
    max_leaves=12,
)
SMALL = st.sampled_from(["0", "1", "2.5", "10", 99, 0])
NEARLY_TIERS = st.lists(
    st.fixed_dictionaries(
        {}, optional={"up_to": SMALL, "unit_amount": SMALL | SCALARS, "flat_amount": SMALL}
    ),
    max_size=3,
)
NEARLY = st.fixed_dictionaries(
    {"model": st.sampled_from(MODELS)},
    optional={
        "feature": TEXTS,
        "tiers": NEARLY_TIERS | JSON,
        "unit_amount": SMALL,
        "flat_amount": SMALL,
        "package_size": SMALL,
        "package_amount": SMALL,
        "percentage": SMALL,
        "free": SMALL | JSON,
        "minimum": SMALL,
        "maximum": SMALL,
    },
)
HOSTILE_NUMBERS = st.sampled_from(
    ["0", "1", "7.5", "NaN", "Infinity", "-Infinity", "-1", "1e30", "1e-16383", "1e131071", None]
)


@drawn(
    st.lists(
        st.tuples(
            JSON | NEARLY,
            HOSTILE_NUMBERS | st.just("3"),
            HOSTILE_NUMBERS | st.just("1"),
            st.none() | st.integers(-(2**31), 2**31 - 1) | st.integers(0, 18),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_anything_is_priced_or_refused_by_name(answering, questions):
    answers = answering.execute(
        """
        select pg_temp.answer(given.price, given.quantity, given.allowance, given.exponent)
        from unnest(
          %s::text[]::jsonb[], %s::text[]::numeric[], %s::text[]::numeric[], %s::integer[]
        ) as given (price, quantity, allowance, exponent)
        """,
        [
            [json.dumps(question[0]) for question in questions],
            *([question[n] for question in questions] for n in range(1, 4)),
        ],
    ).fetchall()
    for (answer,) in answers:
        words = answer.split(" ", 1)
        assert (
            (words[0].isdigit() and int(words[0]) >= 1)
            or words[0] in {"LG003", "LG101", "LG104"}
            or answer.startswith("LG102 the plan is not valid at $.price")
        ), answer
        assert len(answer) < 400


# Plans


@pytest.fixture
def make_plan(conn: Session) -> Callable[..., dict[str, Any]]:
    """Creates a plan of one metered feature, ``calls``, that has a price."""
    call(conn, "ledger_create_feature", app_id="shop", key="sso", name="Sso", type="boolean")
    call(conn, "ledger_create_feature", app_id="shop", key="calls", name="Calls")
    call(conn, "ledger_create_feature", app_id="shop", key="seats", name="Seats", type="seat")

    def make(feature: dict[str, Any], base: dict[str, Any], *, priced: bool = True) -> Any:
        prices = [{"feature": feature["key"], "model": "per_unit", "unit_amount": 1}]
        with conn.transaction():
            (plan,) = call(
                conn, "ledger_create_plan", app_id="shop", slug="pro", name="Pro", currency="USD",
                features=[{"key": "sso"}, feature],
                pricing={"base": base, "prices": prices if priced else []},
            )  # fmt: skip
        return plan

    return make


@pytest.mark.parametrize("proration", ["day", "second", None])
def test_a_plan_says_how_it_is_prorated(make_plan, proration):
    base = {"amount": "10", "proration": proration}
    assert make_plan({"key": "calls"}, base)["pricing"]["base"] == base


@pytest.mark.parametrize("proration", ["hour", "", 1, True, ["day"]])
def test_a_plan_is_prorated_by_day_or_second(make_plan, proration):
    with pytest.raises(psycopg.Error, match=r"\$\.pricing\.base\.proration") as refused:
        make_plan({"key": "calls"}, {"proration": proration})
    assert refused.value.sqlstate == "LG102"


SOFT = {"key": "calls", "limit": "10", "soft_limit": True}


@pytest.mark.parametrize(
    ("feature", "base"),
    [
        (SOFT, {"interval": "week"}),
        ({**SOFT, "period": "billing"}, {"interval": "day", "interval_count": 5}),
        ({**SOFT, "period": "month"}, {}),
        ({**SOFT, "period": "month"}, {"interval": "month", "interval_count": 1}),
        ({**SOFT, "period": "year"}, {"interval": "month", "interval_count": 12}),
        ({**SOFT, "period": "week"}, {"interval": "day", "interval_count": 7}),
        ({**SOFT, "period": "day", "limit": -1}, {}),
        ({**SOFT, "period": "day", "soft_limit": False}, {}),
        ({"key": "calls", "period": "lifetime"}, {}),
        ({"key": "seats", "limit": 5, "soft_limit": True}, {"interval": "year"}),
    ],
)
def test_allowances_that_can_be_priced(make_plan, feature, base):
    make_plan(feature, base)


@pytest.mark.parametrize(
    ("feature", "base"),
    [
        ({**SOFT, "period": "day"}, {}),
        ({**SOFT, "period": "day", "limit": 0}, {}),
        ({**SOFT, "period": "month"}, {"interval": "month", "interval_count": 3}),
        ({**SOFT, "period": "month"}, {"interval": "day", "interval_count": 30}),
        ({**SOFT, "period": "year"}, {}),
        ({**SOFT, "period": "lifetime"}, {}),
        ({**SOFT, "period": "week"}, {"interval": "week", "interval_count": 2}),
    ],
)
def test_allowances_that_cannot_be_priced(conn, make_plan, feature, base):
    with pytest.raises(
        psycopg.Error, match=r"\$\.features\[1\]\.period: \"\w+\" is not"
    ) as refused:
        make_plan(feature, base)
    assert refused.value.sqlstate == "LG102"
    plan = make_plan(feature, base, priced=False)
    # The prices alone may come later, and find the features as they were kept.
    priced = {"base": base, "prices": [{"feature": "calls", "model": "flat", "flat_amount": 1}]}
    with pytest.raises(psycopg.Error, match=r"\$\.features\[1\]\.period") as refused:
        call(conn, "ledger_update_plan", app_id="shop", id=plan["id"], pricing=priced)
    assert refused.value.sqlstate == "LG102"
