"""``pgledger_allocate`` splits an amount into parts that add up to it."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import psycopg
import pytest
from hypothesis import example
from hypothesis import given as drawn
from hypothesis import strategies as st

from pgledger import Ledger, errors

Case = tuple[Decimal, list[Decimal], int]


def split(conn: psycopg.Connection[Any], *cases: Case) -> list[list[Decimal]]:
    return [
        parts
        for (parts,) in conn.execute(
            """
            select pgledger_allocate(given.amount, given.weights::numeric[], given.scale)
            from unnest(%s::text[]::numeric[], %s::text[], %s::integer[])
              with ordinality as given (amount, weights, scale, place)
            order by given.place
            """,
            [
                [str(amount) for amount, _, _ in cases],
                ["{" + ",".join(map(str, weights)) + "}" for _, weights, _ in cases],
                [scale for _, _, scale in cases],
            ],
        )
    ]


def largest_remainders(amount: Decimal, weights: list[Decimal], scale: int) -> list[Fraction]:
    units = abs(Fraction(amount)) * 10**scale
    total = sum(map(Fraction, weights))
    exact = [units * Fraction(weight) / total for weight in weights]
    whole = [share.numerator // share.denominator for share in exact]
    order = sorted(range(len(exact)), key=lambda place: (whole[place] - exact[place], place))
    for place in order[: int(units - sum(whole))]:
        whole[place] += 1
    return [Fraction(part, 10**scale) * (-1 if amount < 0 else 1) for part in whole]


@st.composite
def divisions(draw: st.DrawFn) -> Case:
    scale = draw(st.integers(0, 18))
    amount = draw(st.integers(-(10**12), 10**12) | st.integers(-(10**30) + 1, 10**30 - 1))
    weight = st.integers(0, 9) | st.integers(0, 10**30 - 1)
    weights = draw(st.lists(weight, min_size=1, max_size=12).filter(any))
    places = draw(st.integers(0, 18))
    return (
        Decimal(f"{amount}e-{scale}"),
        [Decimal(f"{each}e-{places}") for each in weights],
        scale,
    )


def exactly(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


@drawn(st.lists(divisions(), min_size=1, max_size=20))
@example(cases=[(Decimal("1e29"), exactly("1e-18", "9e29", "0", "3e-18"), 18)])
@example(cases=[(Decimal(1), exactly("1", "4", "7"), 0)])
@example(cases=[(Decimal("0.00"), exactly("1", "1"), 2)])
def test_parts_are_those_of_the_largest_remainders_and_add_up(conn, cases):
    found = split(conn, *cases)
    mirrored = split(
        conn, *((amount.copy_negate(), weights, scale) for amount, weights, scale in cases)
    )
    assert [[part.copy_negate() for part in parts] for parts in mirrored] == found
    for parts, (amount, weights, scale) in zip(found, cases, strict=True):
        assert [Fraction(part) for part in parts] == largest_remainders(amount, weights, scale)
        assert sum(map(Fraction, parts)) == Fraction(amount)
        assert all(part.as_tuple().exponent == -scale for part in parts)


@pytest.mark.parametrize(
    ("amount", "weights", "scale", "parts"),
    [
        ("100", "{1,1,1}", 0, ["34", "33", "33"]),
        ("-100", "{1,1,1}", 0, ["-34", "-33", "-33"]),
        ("10.00", "{1,1,1}", 2, ["3.34", "3.33", "3.33"]),
        ("0.01", "{1,2,2}", 2, ["0.00", "0.01", "0.00"]),
        ("0.05", "{0,1,0,0}", 2, ["0.00", "0.05", "0.00", "0.00"]),
        # Remainders of a third each, however many digits the quotients have.
        ("1", "{4,1,1}", 0, ["1", "0", "0"]),
        ("10", "{1,1,4}", 0, ["2", "2", "6"]),
        ("12.340", "{0.5,0.5}", 2, ["6.17", "6.17"]),
        ("7", "{3}", 0, ["7"]),
    ],
)
def test_how_an_amount_is_split(conn, amount, weights, scale, parts):
    found = conn.execute(
        "select pgledger_allocate(%s::numeric, %s::numeric[], %s)::text[]",
        [amount, weights, scale],
    ).fetchone()
    assert found == (parts,)


def test_python_gives_and_gets_decimals(conn):
    parts = Ledger(conn).allocate(Decimal("0.10"), [1, 1, Decimal("0.5")], 2)
    assert parts == [Decimal("0.04"), Decimal("0.04"), Decimal("0.02")]
    assert all(isinstance(part, Decimal) for part in parts)


def test_many_weights_are_split_at_once(conn):
    parts = Ledger(conn).allocate(Decimal("-1000.01"), range(100_000), 2)
    assert len(parts) == 100_000
    assert sum(parts) == Decimal("-1000.01")


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (("null", "'{1}'", "2"), errors.InvalidAmount, "it is null"),
        (("'NaN'", "'{1}'", "2"), errors.InvalidAmount, "it is not a number"),
        (("'-Infinity'", "'{1}'", "2"), errors.InvalidAmount, "it is not finite"),
        (("1e30", "'{1}'", "2"), errors.InvalidAmount, "it is not below 1e30"),
        (("-1e30", "'{1}'", "2"), errors.InvalidAmount, "it is not above -1e30"),
        (("1.005", "'{1}'", "2"), errors.InvalidAmount, "it has 3 decimal places"),
        (("1", "null", "2"), errors.InvalidBatch, "weights must not be null"),
        (("1", "'{{1,2}}'", "2"), errors.InvalidBatch, "weights has 2 dimensions"),
        (("1", "array_fill(1, array[100001])", "2"), errors.BatchTooLarge, "100001"),
        (("1", "'{}'", "2"), errors.InvalidArgument, "none of them is above zero"),
        (("1", "'{0,0}'", "2"), errors.InvalidArgument, "none of them is above zero"),
        (("1", "'{1,null}'", "2"), errors.InvalidArgument, "weights[2] null"),
        (("1", "'{1,-1}'", "2"), errors.InvalidArgument, "weights[2] -1 is not valid"),
        # Of an array that begins elsewhere, too, the first weight is weights[1].
        (("1", "'[0:1]={1,-1}'", "2"), errors.InvalidArgument, "weights[2] -1 is not valid"),
        (("1", "'{NaN}'", "2"), errors.InvalidArgument, "it is not a number"),
        (("1", "'{1,Infinity}'", "2"), errors.InvalidArgument, "it is not finite"),
        (("1", "'{1e30}'", "2"), errors.InvalidArgument, "it is not below 1e30"),
        (("1", "'{1e-19}'", "2"), errors.InvalidArgument, "it has 19 decimal places"),
        (("1", "'{1}'", "null"), errors.NullArgument, "scale"),
        (("1", "'{1}'", "-1"), errors.InvalidArgument, "scale -1"),
        (("1", "'{1}'", "19"), errors.InvalidArgument, "scale 19"),
    ],
)
def test_what_cannot_be_split_is_refused(conn, arguments, error, says):
    amount, weights, scale = arguments
    with pytest.raises(error) as refused:
        conn.execute(f"select pgledger_allocate({amount}, {weights}, {scale})")
    assert says in str(refused.value)
