"""Ids: SQL and Python agree bit for bit, new ones are unique and ascend, bad ones are refused."""

import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgledger import ids
from pgledger.errors import InvalidId, InvalidIdPrefix, InvalidTime
from support.clock import SetClock
from support.database import Connect

ULID = "01JTVST7XAES5BXHWZN4KR4VEZ"
LARGEST = "7" + "Z" * 25

SESSIONS = 4
IDS_PER_SESSION = 100_000

BITS = 128
EXTREMES = sorted(
    {0, 2**BITS - 1}
    | {1 << bit for bit in range(BITS)}
    | {(1 << bit) - 1 for bit in range(BITS)}
    | {2**BITS - (1 << bit) for bit in range(BITS)}
)

uuids = st.one_of(st.uuids(), st.sampled_from(EXTREMES).map(lambda bits: UUID(int=bits)))

# PostgreSQL's text holds neither NUL nor half of a surrogate pair.
characters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])

REFUSED = {
    "lower case": (ULID.lower(), "its ULID has lower-case letters"),
    "one letter in lower case": (ULID[:-1] + "z", "its ULID has lower-case letters"),
    "I": ("01JTVST7XAES5BXHWZN4KR4VEI", "I, L, O and U are not used in a ULID"),
    "L": ("01JTVST7XAES5BXHWZN4KR4VEL", "I, L, O and U are not used in a ULID"),
    "O": ("01JTVST7XAES5BXHWZN4KR4VEO", "I, L, O and U are not used in a ULID"),
    "U": ("01JTVST7XAES5BXHWZN4KR4VEU", "I, L, O and U are not used in a ULID"),
    "25 characters": (ULID[:-1], "its ULID has 25 characters instead of 26"),
    "27 characters": (ULID + "0", "its ULID has 27 characters instead of 26"),
    "first character 8": (
        "8" + ULID[1:],
        "the first character of its ULID is above 7, which is more than 128 bits hold",
    ),
    "first character Z": (
        "Z" * 26,
        "the first character of its ULID is above 7, which is more than 128 bits hold",
    ),
    "empty": ("", "its ULID has 0 characters instead of 26"),
    "hyphen": (ULID[:-1] + "-", "its ULID has characters other than 0-9 and A-Z"),
    "newline at the end": (ULID[:-1] + "\n", "its ULID has characters other than 0-9 and A-Z"),
    "newline after the end": (ULID + "\n", "its ULID has 27 characters instead of 26"),
    "quote": (ULID[:-1] + "'", "its ULID has characters other than 0-9 and A-Z"),
    "backslash": (ULID[:-1] + "\\", "its ULID has characters other than 0-9 and A-Z"),
    "other digits": (ULID[:-1] + "\N{ARABIC-INDIC DIGIT SEVEN}", "its ULID has characters other"),
    "very long": ("0" * 10_000, "its ULID has 10000 characters instead of 26"),
}

refused = pytest.mark.parametrize(("ulid", "reason"), REFUSED.values(), ids=REFUSED.keys())


def database_says(conn: psycopg.Connection[Any], function: str, value: str) -> object:
    """Returns what a function of one text returns, or the error that it raises."""
    try:
        with conn.transaction():
            row = conn.execute(f"select {function}(%s::text)".encode(), [value]).fetchone()
    except psycopg.Error as error:
        return error
    assert row is not None
    return row[0]


def python_says(function: Any, value: str) -> object:
    try:
        return function(value)
    except psycopg.Error as error:
        return error


def assert_same_refusal(in_database: object, in_python: object, argument: str = "") -> None:
    assert isinstance(in_database, psycopg.Error), in_database
    assert isinstance(in_python, psycopg.Error), in_python
    assert type(in_database) is type(in_python)
    assert in_database.diag.message_primary == argument + str(in_python)


# Conversions


@given(st.lists(uuids, min_size=1, max_size=50))
def test_uuids_survive_both_directions_and_both_sides(conn, given_uuids):
    rows = conn.execute(
        """
        select
          pgledger_uuid_to_ulid(given.uuid),
          pgledger_ulid_to_uuid(pgledger_uuid_to_ulid(given.uuid))
        from unnest(%s::uuid[]) with ordinality as given (uuid, place)
        order by given.place
        """,
        [given_uuids],
    ).fetchall()
    assert [ids.uuid_to_ulid(uuid) for uuid in given_uuids] == [ulid for ulid, _ in rows]
    assert given_uuids == [uuid for _, uuid in rows]
    assert given_uuids == [ids.ulid_to_uuid(ulid) for ulid, _ in rows]


def test_every_single_bit_survives(conn):
    extremes = [UUID(int=bits) for bits in EXTREMES]
    rows = conn.execute(
        """
        select pgledger_uuid_to_ulid(given.uuid), pgledger_ulid_to_uuid(made.ulid)
        from unnest(%s::uuid[], %s::text[]) with ordinality as given (uuid, ulid, place)
        cross join lateral (select given.ulid) as made
        order by given.place
        """,
        [extremes, [ids.uuid_to_ulid(uuid) for uuid in extremes]],
    ).fetchall()
    assert rows == [(ids.uuid_to_ulid(uuid), uuid) for uuid in extremes]
    assert rows[0] == ("0" * 26, UUID(int=0))
    assert rows[-1] == (LARGEST, UUID(int=2**BITS - 1))


@given(st.lists(st.integers(0, 2**BITS - 1), min_size=2, max_size=50))
def test_ulids_sort_as_their_bits_do(given_bits):
    ulids = [ids.uuid_to_ulid(UUID(int=bits)) for bits in given_bits]
    assert sorted(ulids) == [ids.uuid_to_ulid(UUID(int=bits)) for bits in sorted(given_bits)]


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)),  # noqa: DTZ001
    st.integers(0, 2**80 - 1),
    st.sampled_from(["", "pgla_", "pglt_", "pgle_", "abcdefghijklmnop_"]),
)
def test_times_inside_ids_are_read_alike(conn, naive, low_bits, prefix):
    milliseconds = (naive - datetime(1970, 1, 1)) // timedelta(milliseconds=1)  # noqa: DTZ001
    id_ = prefix + ids.uuid_to_ulid(UUID(int=milliseconds << 80 | low_bits))
    expected = naive.replace(tzinfo=UTC, microsecond=naive.microsecond // 1000 * 1000)
    assert ids.timestamp(id_) == expected
    assert ids.timestamp(id_).utcoffset() == timedelta(0)
    assert database_says(conn, "pgledger_id_timestamp", id_) == expected


def test_the_last_time_that_a_ulid_holds_is_beyond_a_datetime(conn):
    row = conn.execute(
        "select extract(epoch from pgledger_id_timestamp(%s))::text", [LARGEST]
    ).fetchone()
    assert row == ("281474976710.655000",)
    with pytest.raises(InvalidTime, match="after the year 9999"):
        ids.timestamp(LARGEST)


# Generated ids


def test_sessions_generate_unique_ascending_ids(connect: Connect):
    generated: list[list[str]] = [[] for _ in range(SESSIONS)]
    together = threading.Barrier(SESSIONS)

    def generate(session: int, conn: psycopg.Connection[Any]) -> None:
        together.wait()
        generated[session] = [
            row[0]
            for row in conn.execute(
                "select pgledger_generate_id('pglt') from generate_series(1, %s)",
                [IDS_PER_SESSION],
            )
        ]

    threads = [
        threading.Thread(target=generate, args=(session, connect())) for session in range(SESSIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for session_ids in generated:
        assert len(session_ids) == IDS_PER_SESSION
        assert all(earlier < later for earlier, later in pairwise(session_ids))
    assert len({id_ for session_ids in generated for id_ in session_ids}) == (
        SESSIONS * IDS_PER_SESSION
    )
    assert all(ids.is_valid(id_, "pglt") for session_ids in generated for id_ in session_ids[::997])


def test_ids_ascend_between_statements(conn):
    generated = [
        conn.execute("select pgledger_generate_id('pgla')").fetchone()[0] for _ in range(1000)
    ]
    assert all(earlier < later for earlier, later in pairwise(generated))


def test_an_id_is_made_once_the_clock_has_left_its_microsecond(conn, set_clock):
    """However fast the machine: here the clock is read twenty times in each microsecond."""
    conn.execute("create sequence ticks")
    conn.execute("grant usage on sequence ticks to public")
    conn.commit()
    set_clock(
        conn,
        "timestamptz '2026-01-01Z'"
        " + nextval('public.ticks'::regclass) / 20 * interval '1 microsecond'",
    )
    one_by_one = [
        conn.execute("select pgledger_generate_id('pglt')").fetchone()[0] for _ in range(50)
    ]
    together = [
        made
        for (made,) in conn.execute(
            "select pgledger_generate_id('pglt') from generate_series(1, 50)"
        )
    ]
    made = [*one_by_one, *together]
    times = [conn.execute("select pgledger_id_timestamp(%s)", [one]).fetchone()[0] for one in made]
    assert made == sorted(made)
    assert times == sorted(times)
    # Nor does it wait for longer than that: every id has the microsecond after the last one's.
    last = conn.execute("select last_value from ticks").fetchone()[0]
    assert last <= 20 * (len(made) + 1)


@pytest.mark.parametrize(
    "now",
    [
        datetime(2025, 4, 28, 4, 24, 50, 787_722, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2400, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2025, 1, 1, 0, 0, 0, 999, tzinfo=UTC),
    ],
)
def test_python_and_database_make_the_same_id_at_the_same_time_but_for_chance(
    conn, set_clock: SetClock, monkeypatch, now
):
    set_clock(conn, now)
    microseconds = (now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    monkeypatch.setattr("time.time_ns", lambda: microseconds * 1000 + 999)

    made = [conn.execute("select pgledger_generate_id('evt')").fetchone()[0], ids.generate("evt")]

    parsed = [ids.parse(id_, "evt") for id_ in made]
    # Milliseconds, version, fraction and variant; the 62 bits after them are random.
    assert parsed[0].uuid.int >> 62 == parsed[1].uuid.int >> 62
    assert parsed[0].uuid.int != parsed[1].uuid.int
    for part in parsed:
        assert part.uuid.version == 7
        assert part.uuid.variant == "specified in RFC 4122"
        milliseconds = now.replace(microsecond=now.microsecond // 1000 * 1000)
        assert ids.timestamp(part.ulid) == milliseconds


def test_python_generates_unique_ids():
    made = [ids.generate("pglt") for _ in range(20_000)]
    assert len(set(made)) == len(made)
    assert all(ids.is_valid(id_, "pglt") for id_ in made)
    assert abs(ids.timestamp(made[0]) - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "prefix", ["", "A", "pglA", "pgl_", "pgl1", "a" * 17, " ", "pgla\n", "é", "a'b\\c", "x" * 100]
)
def test_wrong_prefixes_are_refused_alike(conn, prefix):
    in_database = database_says(conn, "pgledger_generate_id", prefix)
    in_python = python_says(ids.generate, prefix)
    assert isinstance(in_python, InvalidIdPrefix)
    assert_same_refusal(in_database, in_python)
    with pytest.raises(InvalidIdPrefix):
        ids.parse(f"{prefix}_{ULID}", prefix)


# Refusals


@refused
def test_bad_ulids_are_refused_with_the_reason(conn, ulid, reason):
    in_database = database_says(conn, "pgledger_ulid_to_uuid", ulid)
    in_python = python_says(ids.ulid_to_uuid, ulid)
    assert isinstance(in_python, InvalidId)
    assert reason in str(in_python)
    assert_same_refusal(in_database, in_python)


@refused
def test_bad_ids_are_refused_with_the_reason(conn, ulid, reason):
    id_ = f"pgla_{ulid}"
    in_python = python_says(lambda value: ids.parse(value, "pgla"), id_)
    assert isinstance(in_python, InvalidId)
    assert reason in str(in_python)
    assert not ids.is_valid(id_, "pgla")
    assert_same_refusal(database_says(conn, "pgledger_get_account", id_), in_python, "id ")
    assert_same_refusal(
        database_says(conn, "pgledger_id_timestamp", id_), python_says(ids.timestamp, id_)
    )


@pytest.mark.parametrize(
    "id_",
    [f"pglt_{ULID}", ULID, f"PGLA_{ULID}", f"pgla{ULID}", f"_{ULID}", "", "pgla", f" pgla_{ULID}"],
)
def test_ids_of_another_kind_are_refused_with_the_reason(conn, id_):
    in_python = python_says(lambda value: ids.parse(value, "pgla"), id_)
    assert isinstance(in_python, InvalidId)
    assert "it does not begin with pgla_" in str(in_python)
    assert_same_refusal(database_says(conn, "pgledger_get_account", id_), in_python, "id ")


@given(
    st.one_of(
        st.text(characters, max_size=40),
        st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=25, max_size=27),
        st.builds(
            lambda at, character: ULID[:at] + character + ULID[at + 1 :],
            st.integers(0, 25),
            characters,
        ),
        st.builds(
            lambda prefix, ulid: f"{prefix}_{ulid}",
            st.text("abz_A1", max_size=18),
            st.sampled_from([ULID, LARGEST[:-1] + "U", ULID[1:]]),
        ),
    )
)
def test_both_sides_judge_any_text_alike(conn, text):
    in_database = database_says(conn, "pgledger_ulid_to_uuid", text)
    in_python = python_says(ids.ulid_to_uuid, text)
    if isinstance(in_python, psycopg.Error):
        assert_same_refusal(in_database, in_python)
    else:
        assert in_database == in_python

    in_python = python_says(ids.timestamp, text)
    if isinstance(in_python, InvalidTime):
        return
    in_database = database_says(conn, "pgledger_id_timestamp", text)
    if isinstance(in_python, psycopg.Error):
        assert_same_refusal(in_database, in_python)
    else:
        assert in_database == in_python


def test_null_in_null_out(conn):
    assert conn.execute(
        "select pgledger_ulid_to_uuid(null), pgledger_uuid_to_ulid(null), "
        "pgledger_id_timestamp(null)"
    ).fetchone() == (None, None, None)


# Taking ids apart


def test_parse_takes_an_id_apart():
    parsed = ids.parse(f"pgla_{ULID}")
    assert parsed == ("pgla", ULID, ids.ulid_to_uuid(ULID))
    assert ids.parse(f"pgla_{ULID}", "pgla") == parsed
    assert ids.is_valid(f"plan_{ULID}")
    with pytest.raises(InvalidId, match="it does not begin with a prefix"):
        ids.parse(ULID)


def test_registered_prefixes_are_those_the_database_uses(conn):
    account = conn.execute("select * from pgledger_create_account('a', 'USD')").fetchone()
    other = conn.execute("select * from pgledger_create_account('b', 'USD')").fetchone()
    transfer = conn.execute(
        "select * from pgledger_create_transfer(%s, %s, 1)", [account[0], other[0]]
    ).fetchone()
    entry = conn.execute("select id from pgledger_entries_v1").fetchone()
    assert ids.parse(account[0]).prefix == ids.PREFIXES["account"]
    assert ids.parse(transfer[0]).prefix == ids.PREFIXES["transfer"]
    assert ids.parse(entry[0]).prefix == ids.PREFIXES["entry"]


def test_registered_prefixes_are_those_of_the_billing_store(conn):
    made = {}
    for kind, call in {
        "feature": "select id from ledger_create_feature('app', 'calls', 'Calls')",
        "plan": "select id from ledger_create_plan('app', 'pro', 'Pro', 'USD')",
        "usage_event": "select id from ledger_record_usage('app', 't', 'calls')",
    }.items():
        made[kind] = conn.execute(call.encode()).fetchone()[0]
    made["subscription"] = conn.execute(
        "select id from ledger_create_subscription('app', 't', %s)", [made["plan"]]
    ).fetchone()[0]
    for kind, id_ in made.items():
        assert ids.parse(id_).prefix == ids.PREFIXES[kind]


def test_an_id_made_in_python_is_accepted_by_the_database(conn):
    for _ in range(10):
        chosen = ids.generate(ids.PREFIXES["account"])
        assert database_says(conn, "pgledger_id_timestamp", chosen) == ids.timestamp(chosen)
        row = conn.execute(
            "select id from pgledger_create_account('a', 'USD', id => %s)", [chosen]
        ).fetchone()
        assert row == (chosen,)


def test_any_uuid_makes_an_id(conn):
    chosen = f"pgla_{ids.uuid_to_ulid(uuid4())}"
    row = conn.execute(
        "select id from pgledger_create_account('a', 'USD', id => %s)", [chosen]
    ).fetchone()
    assert row == (chosen,)
