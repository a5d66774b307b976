"""Whatever an argument's type can hold, a call answers, or refuses it by a name of ours.

The functions come from the catalog, so a new one is tried too. Each value is put in the place of
one argument, or two, of a call that succeeds. What is answered can be read in Python.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, cast

import psycopg
import pytest

from pgledger import PgledgerError
from pgledger.errors import AccountNotEmpty, HoldEnded
from scripts.generated.catalog import read_catalog
from support.calls import BEGIN, TENANT_ROLE, Call, good_calls
from support.clock import SetClock
from support.invoices import carry_clock
from support.subscriptions import Session

# An id holds times up to the year 10889, which SQL shows and Python's datetime cannot.
LATE_ULID = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"

NUMBERS: Mapping[str, tuple[str, ...]] = {
    "integer": ("-2147483648", "-1", "0", "1", "2147483647"),
    "bigint": (
        "-9223372036854775808",
        "-2147483649",
        "-1",
        "0",
        "2147483648",
        "9223372036854775807",
    ),
    "numrange": ("empty", "(,)", "[NaN,NaN]", "[-Infinity,Infinity]", "[0,0]", "[1e131071,)"),
    "numeric": (
        "NaN",
        "Infinity",
        "-Infinity",
        "1e131071",
        "-1e131071",
        "1e-16383",
        "-1e-16383",
        "0",
        "-1",
        "1e30",
        "1e29",
        "-1e29",
        "9" * 30 + "." + "9" * 18,
        "0.000000000000000001",
        "1." + "0" * 16383,
        "9" * 131072,
    ),
    "timestamp with time zone": (
        "infinity",
        "-infinity",
        "4714-11-24 00:00:00+00 BC",
        "0001-12-31 23:59:59.999999+00 BC",
        "0001-01-01 00:00:00+00",
        "1970-01-01 00:00:00+00",
        "9999-12-31 23:59:59.999999+00",
        "10000-01-01 00:00:00+00",
        "294276-12-31 23:59:59.999999+00",
    ),
    "interval": (
        "178000000 years",
        "-178000000 years",
        "2147483647 days",
        "-2147483648 days",
        "-178000000 years 2147483647 days",
        "2562047788:00:54.775807",
        "-2562047788:00:54.775807",
        "00:00:00",
        "-00:00:00.000001",
    ),
}

OTHERS: Mapping[str, tuple[str, ...]] = {
    "boolean": ("true", "false"),
    "uuid": ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    "name": ("", "x" * 63, "%s", "public", "none", "pg_database_owner"),
    "text": (
        "",
        " ",
        "\n",
        "%s%I%L",
        "'\\\"",
        "*",
        "x" * 1_000_000,
        "\N{GRINNING FACE}" * 255,
        "NaN",
        "9" * 400,
        LATE_ULID,
        f"pglt_{LATE_ULID}",
    ),
}

# Each is put in the place of every value within the JSON that a call is given.
ODD_JSON = (
    *("null", "true", "7", "-1", "0", '"text"', '""', "[]", "{}", "[[]]", "[null]", '{"a": null}'),
    *("1e30", "-1e30", "1e29", "0.1234567890123456789", "9223372036854775808", "2147483648"),
    *("1e308", "1e5000", "1e131071", "1e-16383", "0e-16383", '"NaN"', '"Infinity"'),
    "7" * 400,
    "-" + "7" * 400,
    f'"{"7" * 400}"',
    "[" * 70 + "]" * 70,
    "[" * 6000 + "]" * 6000,
    '{"a":' * 6000 + "1" + "}" * 6000,
    json.dumps("x" * 1_100_000),
    json.dumps({"k": "x" * 1_100_000}),
    json.dumps([1] * 20_000),
    json.dumps({f"k{number}": number for number in range(10_000)}),
    json.dumps(["x"] * 1000),
    json.dumps([{}] * 1000),
    # More text than PostgreSQL can hold, a tenth of a megabyte in memory.
    f"[{', '.join(['1e131071'] * 9000)}]",
    *('"0001-01-01T00:00:00Z"', '"9999-12-31T23:59:59Z"', '"9999-12-31T23:59:59.999999-15:59"'),
    json.dumps("\n%s%I'\\\""),
)

# What an array is filled with, as many times as ELEMENTS says.
ELEMENTS = 1000
# That test processes can share among them.
PARTS = 4
FILLINGS: Mapping[str, tuple[str | None, ...]] = {
    "text[]": (None, "", "%s", "x" * 1000),
    "numeric[]": (None, "NaN", "1e131071"),
    "boolean[]": (None, "true", "false"),
    "bigint[]": (None, "-1", "0", "9223372036854775807"),
    "numrange[]": (None, "empty", "(,)", "[1e131071,)"),
    "timestamp with time zone[]": (None, "infinity", "2025-01-31 12:00:00+00"),
    "jsonb[]": (None, "[]", '{"a": [1e131071]}', '{"a": 1}'),
    "pgledger_transfer_request[]": (None, "(a,b,1)"),
}

# As long as linear work on so many elements takes on a machine that is busy; what is quadratic
# takes longer.
SECONDS = 30


# Switches that allow something: null allows it as little as false does.
NULL_OF_FALSE = {"allow_future_event_at", "allow_recent"}
# The conversions, like PostgreSQL's own: null for null.
NULL_OF_NULL = {"pgledger_ulid_to_uuid", "pgledger_uuid_to_ulid", "pgledger_id_timestamp"}


@pytest.fixture
def scene(conn: Session, set_clock: SetClock) -> Iterator[Session]:
    """A session whose changes, a role among them, are never committed."""
    carry_clock(conn, set_clock, BEGIN)
    conn.execute(f"create role {TENANT_ROLE}".encode())
    conn.execute(f"set statement_timeout = '{SECONDS}s'".encode())
    yield conn
    conn.rollback()


@pytest.fixture
def calls(scene: Session) -> list[Call]:
    made = good_calls(scene)
    assert [(call.function, fault(scene, call)) for call in made] == [
        (call.function, None) for call in made
    ]
    return made


def outcome(session: Session, call: Call) -> psycopg.Error | None:
    """Makes a call, reads what it answers, undoes it, and returns what it was refused with."""
    try:
        with session.transaction(force_rollback=True):
            session.execute(call.statement(), call.given).fetchall()
    except psycopg.Error as error:
        return error
    return None


def fault(session: Session, call: Call, *, refused: bool = False) -> str | None:
    """Returns what is wrong with how a call ended, or None."""
    error = outcome(session, call)
    if error is None:
        return None
    if call.function == "pgledger_id_timestamp" and (call.given["id"] or "").endswith(LATE_ULID):
        return None
    # A message is read by people, who are not shown all that they gave.
    if not refused or not (error.sqlstate or "").startswith("LG"):
        return f"{error.sqlstate} {error}"
    length = len(error.diag.message_primary or "")
    return f"a message of {length} characters" if length > 600 else None


def faults(session: Session, call: Call, tries: Iterator[dict[str, str | None]]) -> list[Any]:
    return [
        (call.function, [f"{name}={(text or 'null')[:60]}" for name, text in odd.items()], wrong)
        for odd in tries
        if (wrong := fault(session, call.having(**odd), refused=True)) is not None
    ]


def test_one_argument_at_its_extremes(scene: Session, calls: list[Call]) -> None:
    values = {**NUMBERS, **OTHERS}
    wrong = [
        found
        for call in calls
        for name, kind in call.types.items()
        for found in faults(scene, call, ({name: text} for text in values.get(kind, ())))
    ]
    assert wrong == []


def test_null_is_taken_where_the_manual_says_so(
    scene: Session, calls: list[Call], subtests: pytest.Subtests
) -> None:
    """Of the ledger; in billing what may be null often depends on the other arguments."""
    nullable = {
        (function.name, argument.name): argument.is_nullable
        for function in read_catalog(scene).functions
        for argument in function.arguments
    }
    for call in calls:
        if not call.function.startswith("pgledger_"):
            continue
        for name in call.given:
            with subtests.test(f"{call.function}: {name}"):
                error = outcome(scene, call.having(**{name: None}))
                if name in NULL_OF_FALSE or call.function in NULL_OF_NULL:
                    assert error is None
                elif call.function == "pgledger_post_holds_bulk" and name in {"amounts", "finals"}:
                    # One hold is posted twice, and then all of it at the first time.
                    assert isinstance(error, HoldEnded)
                elif (call.function, name) == ("pgledger_close_account", "sweep_to"):
                    # This account is not empty.
                    assert error is None or isinstance(error, AccountNotEmpty)
                elif nullable[call.function, name]:
                    assert error is None
                else:
                    assert isinstance(error, PgledgerError)
        with subtests.test(f"{call.function}: all"):
            error = outcome(scene, call.having(**dict.fromkeys(call.given)))
            takes_null = all(nullable[call.function, name] for name in call.given)
            if takes_null or call.function in NULL_OF_NULL:
                assert error is None
            else:
                assert isinstance(error, PgledgerError)


def test_two_numbers_or_times_at_their_extremes(scene: Session, calls: list[Call]) -> None:
    wrong = [
        found
        for call in calls
        for one, other in combinations(call.of_type(*NUMBERS), 2)
        for text in NUMBERS[call.types[one]]
        for found in faults(
            scene, call, ({one: text, other: second} for second in NUMBERS[call.types[other]])
        )
    ]
    assert wrong == []


def test_every_type_is_tried(calls: list[Call]) -> None:
    known = {*NUMBERS, *OTHERS, *FILLINGS, "jsonb", "pgledger_transfer_request"}
    assert {kind for call in calls for kind in call.types.values()} == known


def places(value: Any) -> Iterator[tuple[Any, ...]]:
    """Yields the path of every value within JSON, itself first."""
    yield ()
    members: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        members = list(value.items())
    elif isinstance(value, list):
        members = list(enumerate(value))
    for name, member in members:
        yield from ((name, *path) for path in places(member))


def without(value: Any, path: tuple[Any, ...]) -> str:
    """Returns JSON as text, with a hole in the place of one value."""
    text = json.dumps(_with_mark(value, path))
    assert text.count('"<hole>"') == 1
    return text.replace('"<hole>"', "<hole>")


def _with_mark(value: Any, path: tuple[Any, ...]) -> Any:
    if not path:
        return "<hole>"
    name, *rest = path
    changed = value.copy()
    changed[name] = _with_mark(value[name], tuple(rest))
    return changed


def test_json_of_any_kind(scene: Session, calls: list[Call]) -> None:
    wrong: list[Any] = []
    for call in calls:
        for name in call.of_type("jsonb"):
            given = json.loads(call.given[name] or "null")
            for path in places(given):
                holed = without(given, path)
                tries: Iterator[dict[str, str | None]] = (
                    {name: holed.replace("<hole>", odd)} for odd in ODD_JSON
                )
                wrong += [(path, *found) for found in faults(scene, call, tries)]
    assert wrong == []


def array(elements: list[str | None]) -> str:
    quoted = (
        "null" if text is None else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for text in elements
    )
    return "{" + ",".join(quoted) + "}"


def elements_of(session: Session, kind: str, given: str | None) -> list[str | None] | None:
    statement = f"select %s::text::{kind}::text[]"
    ((elements,),) = session.execute(statement.encode(), [given]).fetchall()
    return cast("list[str | None] | None", elements)


@pytest.mark.parametrize("part", range(PARTS))
def test_long_arrays_end(scene: Session, calls: list[Call], part: int) -> None:
    """Many equal elements, many different ones, and many that cannot be."""
    wrong: list[Any] = []
    for call in calls[part::PARTS]:
        arrays = {
            name: elements_of(scene, kind, call.given[name])
            for name, kind in call.types.items()
            if kind.endswith("[]")
        }
        long = {
            name: None if good is None else [good[n % len(good)] for n in range(ELEMENTS)]
            for name, good in arrays.items()
        }
        for name, good in arrays.items():
            fillings: list[list[str | None]] = [
                [filling] * ELEMENTS for filling in FILLINGS[call.types[name]]
            ]
            if good is not None:
                fillings.append([good[0]] * ELEMENTS)
            if call.types[name] in {"text[]", "numeric[]"}:
                fillings.append([str(number + 1) for number in range(ELEMENTS)])
            tries: Iterator[dict[str, str | None]] = (
                {
                    other: None if texts is None else array(texts)
                    for other, texts in {**long, name: filling}.items()
                }
                for filling in fillings
            )
            wrong += faults(scene, call, tries)
    assert wrong == []


def test_odd_settings_change_no_answer(conn: Session, set_clock: SetClock) -> None:
    """Bodies are read in the session of their caller, who may have set how text is read."""
    for setting in (
        "standard_conforming_strings = off",
        "escape_string_warning = off",
        "backslash_quote = off",
        "transform_null_equals = on",
        "datestyle = 'ISO, DMY'",
        "bytea_output = 'escape'",
        "extra_float_digits = -15",
        "quote_all_identifiers = on",
        "plpgsql.variable_conflict = 'use_column'",
        "timezone = 'Pacific/Kiritimati'",
        "xmloption = 'document'",
    ):
        conn.execute(f"set {setting}".encode())
    carry_clock(conn, set_clock, BEGIN)
    conn.execute(f"create role {TENANT_ROLE}".encode())
    calls = good_calls(conn)
    assert [found for call in calls if (found := fault(conn, call)) is not None] == []
    (price, *_) = [call for call in calls if call.function == "ledger_price_usage"]
    odd = price.having(price='{"model": "flat", "flat_amount": "1x5"}')
    assert getattr(outcome(conn, odd), "sqlstate", None) == "LG102"
    conn.rollback()
