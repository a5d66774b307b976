"""Bad input gets an error of ours, by name, and leaves nothing behind.

Every value is tried where a single call takes it, and where each form of a batch does.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any, LiteralString, cast

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from support.clock import SetClock
from support.database import Connect
from support.properties import scaled

# What PostgreSQL itself may answer: try again.
RETRY = {"40001", "40P01", "55P03"}

NOW = "2026-03-01 12:00:00+00"
NUL_IN_JSON = '{"a": "\\u0000"}'
ULID = "01JTVST7XAES5BXHWZN4KR4VEZ"
UNKNOWN = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"

# Four bytes in UTF-8, and may be seen.
WIDE = "\N{GRINNING FACE}"

INVISIBLE = {
    "space": " ",
    "tab": "\t",
    "newline": "\n",
    "carriage return": "\r",
    "start of heading": "\x01",
    "escape": "\x1b",
    "delete": "\x7f",
    "next line": "\x85",
    "no-break space": "\N{NO-BREAK SPACE}",
    "soft hyphen": "\N{SOFT HYPHEN}",
    "zero-width space": "\N{ZERO WIDTH SPACE}",
    "zero-width joiner": "\N{ZERO WIDTH JOINER}",
    "byte order mark": "\N{ZERO WIDTH NO-BREAK SPACE}",
    "right-to-left override": "\N{RIGHT-TO-LEFT OVERRIDE}",
    "word joiner": "\N{WORD JOINER}",
    "line separator": "\N{LINE SEPARATOR}",
    "em space": "\N{EM SPACE}",
    "ideographic space": "\N{IDEOGRAPHIC SPACE}",
    "hangul filler": "\N{HANGUL FILLER}",
    "braille blank": "\N{BRAILLE PATTERN BLANK}",
    "variation selector": "\N{VARIATION SELECTOR-16}",
    "tag": "\N{TAG SPACE}",
}

AMOUNTS = {
    "null": (None, "it is null"),
    "zero": ("0", "it is zero"),
    "zero with decimals": ("0.00", "it is zero"),
    "minus zero": ("-0", "it is zero"),
    "negative": ("-0.01", "it is negative"),
    "NaN": ("NaN", "it is not a number"),
    "Infinity": ("Infinity", "it is not finite"),
    "-Infinity": ("-Infinity", "it is not finite"),
    "19 decimal places": ("0.0000000000000000001", "it has 19 decimal places"),
    "19 decimal places of a large one": ("9.9999999999999999999", "it has 19 decimal places"),
    "1e30": ("1e30", "it is not below 1e30"),
    "1e131071": ("1e131071", "it is not below 1e30"),
    "1e-16383": ("1e-16383", "it has 16383 decimal places"),
    "negative and small": ("-1e-16383", "it is negative"),
}

# What an amount is shown as afterwards.
GOOD_AMOUNTS = {
    "smallest": ("0.000000000000000001", "0.000000000000000001"),
    "decimals kept": ("10.00", "10.00"),
    "exponent": ("1e29", "1" + "0" * 29),
    "zeros beyond 18 places": ("1." + "0" * 5000, "1"),
    "zeros beyond, digits before": ("1.5" + "0" * 30, "1.5"),
}

BAD_IDS = {
    "empty": "",
    "blank": " ",
    "prefix alone": "{prefix}_",
    "no prefix": ULID,
    "no underscore": "{prefix}" + ULID,
    "other prefix": "pgle_" + ULID,
    "longer prefix": "x{prefix}_" + ULID,
    "upper-case prefix": "PGLA_" + ULID,
    "lower case": "{prefix}_" + ULID.lower(),
    "one lower-case letter": "{prefix}_" + ULID[:-1] + "z",
    "I": "{prefix}_" + ULID[:-1] + "I",
    "L": "{prefix}_" + ULID[:-1] + "L",
    "O": "{prefix}_" + ULID[:-1] + "O",
    "U": "{prefix}_" + ULID[:-1] + "U",
    "25 characters": "{prefix}_" + ULID[:-1],
    "27 characters": "{prefix}_" + ULID + "0",
    "first character 8": "{prefix}_8" + ULID[1:],
    "newline at the end": "{prefix}_" + ULID + "\n",
    "newline instead of the last": "{prefix}_" + ULID[:-1] + "\n",
    "newline at the start": "\n{prefix}_" + ULID,
    "space at the end": "{prefix}_" + ULID + " ",
    "full-width digits": "{prefix}_" + ULID[:-1] + "\N{FULLWIDTH DIGIT ONE}",
    "Cyrillic letter that looks Latin": "{prefix}_" + ULID[:-1] + "\N{CYRILLIC CAPITAL LETTER A}",
    "long s, lower case of S": "{prefix}_" + ULID[:-1] + "\N{LATIN SMALL LETTER LONG S}",
    "Kelvin sign, whose lower case is k": "{prefix}_" + ULID[:-1] + "\N{KELVIN SIGN}",
    "combining accent": "{prefix}_" + ULID + "\N{COMBINING ACUTE ACCENT}",
    "right-to-left override": "{prefix}_" + "\N{RIGHT-TO-LEFT OVERRIDE}" + ULID[:-1],
    "percent": "%s%I%L" * 5,
    "quotes and backslashes": "'\"\\" * 8,
    "a megabyte": "{prefix}_" + "0" * 1_000_000,
}

TIMES = {
    "infinity": ("infinity", "not finite"),
    "-infinity": ("-infinity", "not finite"),
    "the last moment before the year 1": ("0001-12-31 23:59:59.999999+00 BC", "before the year 1"),
    "the first moment there is": ("4714-11-24 00:00:00+00 BC", "before the year 1"),
    "the first moment of the year 10000": ("10000-01-01 00:00:00+00", "after the year 9999"),
    "the last moment there is": ("294276-12-31 23:59:59.999999+00", "after the year 9999"),
}

BAD_METADATA = {
    "array": ("[]", "type array"),
    "string": ('"text"', "type string"),
    "number": ("7", "type number"),
    "boolean": ("true", "type boolean"),
    "null of JSON": ("null", "type null"),
    "array of objects": ('[{"a": 1}]', "type array"),
    "one byte too many": (json.dumps({"k": "x" * 65528}), "65537 bytes"),
    "too many bytes, not characters": (
        json.dumps({"k": WIDE * 16383}, ensure_ascii=False),
        "65541 bytes",
    ),
    "digits that the text writes out": ('{"k": 1e70000}', "308 digits"),
    "a number that Python cannot read": ('{"n": 1e5000}', "308 digits"),
    "one digit too many": ('{"n": 1e308}', "308 digits"),
    "one digit too many, written out": (f'{{"n": [{"7" * 309}]}}', "308 digits"),
    "one digit too many, negative": (f'{{"n": {{"a": -{"7" * 309}}}}}', "308 digits"),
    "one digit too many among others": (json.dumps({"k": ["x" * 500, 10**308]}), "308 digits"),
    "one level too deep": ('{"a":' * 65 + "1" + "}" * 65, "64 levels"),
    "one level too deep, empty": ('{"a":' * 64 + "{}" + "}" * 64, "64 levels"),
    "one array too deep": ('{"a":' + "[" * 64 + "]" * 64 + "}", "64 levels"),
    "deeply nested and large": ('{"deeply":' * 6000 + "1" + "}" * 6000, "64 levels"),
    "small in memory, gigabytes as text": (
        f'{{"a": [{"1e131071, " * 40_000}1]}}',
        "more than 65536 bytes",
    ),
    "decimal places that the text writes out": (
        f'{{"a": [{"0e-16383, " * 30_000}1]}}',
        "more than 65536 bytes",
    ),
    "few numbers with many decimal places": (
        f'{{"a": [{"1e-16383, " * 5}1]}}',
        "at most 65536",
    ),
    "large in memory, too": (json.dumps({"k": [[]] * 300_000}), "more than 65536 bytes"),
}

GOOD_METADATA = {
    "empty": "{}",
    "exactly 64 KiB": json.dumps({"k": "x" * 65527}),
    "exactly 64 KiB, wide": json.dumps({"k": WIDE * 16381 + "xxx"}, ensure_ascii=False),
    "64 levels": '{"a":' * 64 + "1" + "}" * 64,
    "64 levels with arrays": '{"a":' + "[" * 63 + "1" + "]" * 63 + "}",
    "308 digits": f'{{"a": {"7" * 308}, "b": [-{"9" * 308}], "c": {{"d": 1e307}}}}',
    "decimal places": '{"a": [1e-16383, 1.00, 0e-16383]}',
    "digits in a string": json.dumps({"a": "7" * 5000}),
    "the same key twice": '{"a": 1, "a": 2}',
    "null inside": '{"a": null}',
    "empty key": '{"": ""}',
    "many digits": '{"a": 0.1000000000000000000000000000000000000000000000000001}',
}


@dataclass(frozen=True)
class Books:
    """Two accounts of one currency, one of another, one of another app; a sound transfer."""

    conn: psycopg.Connection[Any]
    shop: str
    buyer: str
    euros: str
    elsewhere: str

    def execute(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        with self.conn.transaction():
            return self.conn.execute(statement.encode(), parameters).fetchall()

    def contents(self) -> tuple[Any, ...]:
        """Returns what the tables hold; an abandoned row would change it."""
        ((*contents,),) = self.execute(
            """
            select
              (select count(*) from pgledger.accounts),
              (select sum(version) from pgledger.accounts),
              (select sum(abs(balance)) from pgledger.accounts),
              (select count(*) from pgledger.transfers)
            """
        )
        return tuple(contents)

    def is_clean(self) -> bool:
        return self.execute("select sum(violations) from pgledger_verify()") == [(0,)]

    def error(self, statement: str, parameters: Any = None) -> psycopg.Error:
        """Returns what a statement raises, after which the books have to be as they were."""
        before = self.contents()
        with pytest.raises(psycopg.Error) as raised:
            self.execute(statement, parameters)
        assert self.contents() == before
        assert raised.value.sqlstate is not None, raised.value
        assert raised.value.sqlstate.startswith("LG"), raised.value
        return raised.value

    def refuses(self, name: str, statement: str, parameters: Any = None, *, says: str = "") -> None:
        error = self.error(statement, parameters)
        assert type(error).__name__ == name, error
        message = error.diag.message_primary or ""
        assert says in message
        # A message is read by people: a megabyte of input is not repeated in it.
        assert len(message) < 500

    def refuses_transfer(self, name: str, *, says: str = "", **wrong: Any) -> None:
        """Tries a transfer with a wrong argument, alone and in the middle of each batch."""
        for statement, parameters in self.forms(**wrong):
            self.refuses(name, statement, parameters, says=says)

    def forms(self, **given: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yields the statements that make a transfer with those arguments, in every form."""
        sound = {"from_account_id": self.shop, "to_account_id": self.buyer, "amount": "1"}
        arguments = {**sound, **given}
        yield (
            f"select amount from pgledger_create_transfer({named(arguments)})",
            arguments,
        )
        arrays = {
            f"{name}s": [sound.get(name), value, sound.get(name)]
            for name, value in arguments.items()
            if name != "app_id"
        }
        if "app_id" in given:
            arrays["app_id"] = given["app_id"]
        yield (
            f"select amount from pgledger_create_transfers_bulk({named(arrays)})",
            arrays,
        )
        shared = {k: v for k, v in arguments.items() if k in ("event_at", "metadata")}
        if set(arguments) == {*sound, *shared}:
            rows = (
                "row(%(shop)s, %(buyer)s, '1'),"
                " row(%(from_account_id)s, %(to_account_id)s, %(amount)s),"
                " row(%(shop)s, %(buyer)s, '1')"
            )
            parameters = {**arguments, "shop": self.shop, "buyer": self.buyer}
            if not shared:
                yield f"select amount from pgledger_create_transfers({rows})", parameters
            array = f"array[{rows}]::pgledger_transfer_request[]"
            rest = f", {named(shared)}" if shared else ""
            yield (
                f"select amount from pgledger_create_transfers_from_rows({array}{rest})",
                parameters,
            )


TYPES = {
    "amount": "numeric",
    "event_at": "timestamptz",
    "metadata": "jsonb",
    "page_size": "integer",
    "after_version": "bigint",
    "at": "timestamptz",
    "newest_first": "boolean",
    "allow_future_event_at": "boolean",
    "allow_negative_balance": "boolean",
    "allow_positive_balance": "boolean",
}


def named(arguments: Mapping[str, Any]) -> str:
    """Writes arguments by name, each a text that is cast, so that every value can be sent."""
    written = []
    for name in arguments:
        kind = TYPES.get(name) or TYPES.get(name.removesuffix("s"), "text")
        array = "[]" if isinstance(arguments[name], list) else ""
        written.append(f"{name} => %({name})s::text{array}::{kind}{array}")
    return ", ".join(written)


@pytest.fixture
def books(connect: Connect) -> Books:
    conn = connect(autocommit=True)

    def create(statement: LiteralString) -> str:
        row = conn.execute(statement).fetchone()
        assert row is not None
        return cast("str", row[0])

    made = Books(
        conn,
        shop=create("select id from pgledger_create_account('shop', 'USD')"),
        buyer=create("select id from pgledger_create_account('buyer', 'USD')"),
        euros=create("select id from pgledger_create_account('euros', 'EUR')"),
        elsewhere=create("select id from pgledger_create_account('x', 'USD', app_id => 'other')"),
    )
    made.execute(
        "select pgledger_create_transfer(%s, %s, 7, id => %s)",
        [made.shop, made.buyer, f"pglt_{ULID}"],
    )
    return made


@pytest.fixture
def noon(conn: psycopg.Connection[Any], set_clock: SetClock) -> None:
    set_clock(conn, f"timestamptz '{NOW}'")


@pytest.fixture
def at_noon(noon: None, books: Books) -> Books:
    """Books that were opened at noon, which it still is."""
    return books


# Amounts


def test_amounts_refused(books, subtests):
    for label, (amount, says) in AMOUNTS.items():
        with subtests.test(label):
            books.refuses_transfer("InvalidAmount", amount=amount, says=says)
    assert books.is_clean()


def test_amounts_taken(books, subtests):
    for label, (amount, shown) in GOOD_AMOUNTS.items():
        with subtests.test(label):
            for statement, parameters in books.forms(amount=amount):
                with books.conn.transaction(force_rollback=True):
                    rows = books.execute(statement, parameters)
                    assert f"{rows[len(rows) // 2][0]:f}" == shown
                    assert books.is_clean()


def test_largest_amount_and_balance(books):
    largest = "9" * 30 + "." + "9" * 18
    for call in (
        "pgledger_create_transfer(%s, %s, %s::numeric)",
        "pgledger_create_transfers((%s, %s, %s))",
        "pgledger_create_transfers_bulk(array[%s], array[%s], array[%s::numeric])",
    ):
        ((full,), (empty,)) = (
            books.execute("select id from pgledger_create_account('x', 'USD')")[0] for _ in range(2)
        )
        assert books.execute(
            f"select amount, to_account_balance, from_account_balance from {call}",
            [empty, full, largest],
        ) == [(Decimal(largest), Decimal(largest), Decimal(f"-{largest}"))]
        smallest = "0.000000000000000001"
        for source, target in ((books.shop, full), (empty, books.shop)):
            books.refuses(
                "BalanceOutOfRange",
                f"select * from {call}",
                [source, target, smallest],
                says="1" + "0" * 30,
            )
        # Money can go back where it came from.
        books.execute(f"select * from {call}", [full, empty, largest])
    assert books.is_clean()


def test_zeros_do_not_reach_balances(books):
    """A scale, once in a balance, would be shown with it and kept by every sum for ever."""
    amount = "1." + "0" * 5000
    for statement, parameters in books.forms(amount=amount):
        books.execute(statement, parameters)
    shown = books.execute(
        "select max(scale(balance)) from pgledger_accounts_v1"
        " union all select max(scale(amount)) from pgledger_entries_v1"
        " union all select max(scale(account_previous_balance)) from pgledger_entries_v1"
    )
    assert all(scale <= 18 for (scale,) in shown)


@settings(max_examples=scaled(50))
@given(
    st.one_of(
        st.decimals(allow_nan=True, allow_infinity=True),
        st.decimals(min_value=0, max_value=10**31, places=19),
        st.decimals(min_value=0, max_value=10**29, places=18),
    )
)
def test_any_amount_is_taken_or_refused_the_same_in_every_form(books, amount):
    good = (
        amount.is_finite()
        and 0 < amount < 10**30
        and cast("int", amount.normalize(Context(prec=100)).as_tuple().exponent) >= -18
    )
    for statement, parameters in books.forms(amount="NaN" if amount.is_nan() else str(amount)):
        if good:
            with books.conn.transaction(force_rollback=True):
                rows = books.execute(statement, parameters)
                assert rows[len(rows) // 2] == (amount,)
        else:
            books.refuses("InvalidAmount", statement, parameters)


# Ids


@pytest.mark.parametrize("argument", ["from_account_id", "to_account_id", "id"])
def test_ids_refused(books, argument, subtests):
    prefix = "pglt" if argument == "id" else "pgla"
    for label, form in BAD_IDS.items():
        with subtests.test(label):
            wrong = form.replace("{prefix}", prefix)
            books.refuses_transfer("InvalidId", says=argument, **{argument: wrong})
    assert books.is_clean()


def test_ids_refused_by_the_other_functions(books, subtests):
    for label, form in BAD_IDS.items():
        account_id, transfer_id = (form.replace("{prefix}", p) for p in ("pgla", "pglt"))
        for statement, wrong in (
            ("select pgledger_get_account(%s)", account_id),
            ("select pgledger_get_transfer(%s)", transfer_id),
            ("select pgledger_account_entries(%s)", account_id),
            ("select pgledger_balance_at(%s, now())", account_id),
            ("select pgledger_balance_at_version(%s, 0)", account_id),
            ("select pgledger_create_account('x', 'USD', id => %s)", account_id),
        ):
            with subtests.test(f"{label}: {statement}"):
                books.refuses("InvalidId", statement, [wrong])


def test_ids_of_one_kind_are_not_taken_for_another(books):
    transfer_id = f"pglt_{ULID}"
    books.refuses("InvalidId", "select pgledger_get_account(%s)", [transfer_id])
    books.refuses("InvalidId", "select pgledger_get_transfer(%s)", [books.shop])
    books.refuses_transfer("InvalidId", id=books.shop)


@pytest.mark.parametrize("argument", ["from_account_id", "to_account_id"])
def test_accounts_that_do_not_exist_here(books, argument):
    for account_id in (f"pgla_{UNKNOWN}", f"pgla_{'0' * 26}", books.elsewhere):
        books.refuses_transfer("AccountNotFound", **{argument: account_id}, says=account_id)


def test_account_of_another_app(books):
    for statement in (
        "select pgledger_get_account(%s)",
        "select pgledger_get_account(%s, app_id => 'third')",
        "select pgledger_account_entries(%s)",
        "select pgledger_balance_at(%s, now())",
        "select pgledger_balance_at_version(%s, 0)",
    ):
        books.refuses("AccountNotFound", statement, [books.elsewhere])
        # No word on whether it exists somewhere else.
        known = str(books.error(statement, [books.elsewhere]))
        unknown = str(books.error(statement, [f"pgla_{UNKNOWN}"]))
        assert known.replace(books.elsewhere, "") == unknown.replace(f"pgla_{UNKNOWN}", "")
    books.refuses_transfer("AccountNotFound", app_id="other", says="in app 'other'")
    books.refuses(
        "TransferNotFound",
        "select pgledger_get_transfer(%s, app_id => 'other')",
        [f"pglt_{ULID}"],
    )


def test_same_account(books):
    books.refuses_transfer("SameAccount", to_account_id=books.shop, says=books.shop)


def test_different_currencies(books):
    books.refuses_transfer("CurrencyMismatch", to_account_id=books.euros, says="EUR")
    books.refuses_transfer("CurrencyMismatch", from_account_id=books.euros, says="EUR")


def test_currency_is_compared_as_given(books):
    ((other,),) = books.execute("select id from pgledger_create_account('x', 'usd')")
    books.refuses_transfer("CurrencyMismatch", to_account_id=other, says="usd")


# Names


def test_names(books, subtests):
    statement = "select name from pgledger_create_account(%s, 'USD')"
    bad = {
        "empty": "",
        "256 characters": "x" * 256,
        "256 wide characters": WIDE * 256,
        "a megabyte": "x" * 1_000_000,
        **INVISIBLE,
        "many invisible": "".join(INVISIBLE.values()),
        "255 spaces": " " * 255,
    }
    for label, name in {**bad, "null": None}.items():
        with subtests.test(label):
            books.refuses("InvalidName", statement, [name])
    good = {
        "one": "x",
        "255 characters": "x" * 255,
        "255 wide characters": WIDE * 255,
        "spaces inside": "Petty cash ",
        "newline inside": "a\nb",
        "accents of both normal forms": "e\N{COMBINING ACUTE ACCENT}\u00e9",
        "format's own": "%s %I",
        "quotes": "'\"\\",
        **{f"{label} inside": f"a{character}b" for label, character in INVISIBLE.items()},
    }
    for label, name in good.items():
        with subtests.test(label):
            assert books.execute(statement, [name]) == [(name,)]


def test_currencies(books, subtests):
    statement = "select currency from pgledger_create_account('x', %s)"
    bad = {
        "empty": "",
        "33 characters": "x" * 33,
        **INVISIBLE,
        **{f"{label} inside": f"U{character}D" for label, character in INVISIBLE.items()},
        **{f"{label} at the end": f"USD{character}" for label, character in INVISIBLE.items()},
        "null": None,
    }
    for label, currency in bad.items():
        with subtests.test(label):
            books.refuses("InvalidCurrency", statement, [currency])
    for currency in ("USD", "x", "x" * 32, WIDE * 32, "points/2026", "\N{EURO SIGN}", "%s"):
        assert books.execute(statement, [currency]) == [(currency,)]


SCOPES: Mapping[str, tuple[str, int]] = {
    "app_id": ("select app_id from pgledger_create_account('x', 'USD', app_id => %s)", 128),
    "tenant_id": (
        "select tenant_id from pgledger_create_account('x', 'USD', tenant_id => %s)",
        128,
    ),
    "group_id": (
        """
        select group_id
        from pgledger_create_transfers_from_rows(array[{request}], group_id => %s)
        """,
        255,
    ),
}


@pytest.mark.parametrize("name", SCOPES)
def test_scopes(books, name, subtests):
    statement, longest = SCOPES[name]
    request = f"row('{books.shop}', '{books.buyer}', 1)::pgledger_transfer_request"
    statement = statement.replace("{request}", request)
    bad = {
        f"{longest + 1} characters": "x" * (longest + 1),
        "a megabyte": "x" * 1_000_000,
        **INVISIBLE,
        **{f"{label} inside": f"a{character}b" for label, character in INVISIBLE.items()},
    }
    for label, value in bad.items():
        with subtests.test(label):
            books.refuses("InvalidScope", statement, [value], says=name)
    # The longest of the widest characters, which no compression makes shorter, fit the indexes.
    wide = "".join(chr(0x20000 + 37 * place) for place in range(longest))
    for value in ("x", "x" * longest, WIDE * longest, wide, "a/b:c-d_e", "%s"):
        assert books.execute(statement, [value]) == [(value,)]
    if name == "group_id":
        books.refuses("InvalidScope", statement, [""], says=name)
    else:
        assert books.execute(statement, [""]) == [("",)]
        books.refuses("NullArgument", statement, [None], says=name)


def test_app_id_is_checked_wherever_it_is_given(books):
    arrays = "array[%(shop)s], array[%(buyer)s], array[1]"
    for call in (
        "create_transfer(%(shop)s, %(buyer)s, 1, app_id => %(app_id)s)",
        "create_transfer(%(shop)s, %(buyer)s, 1, metadata => '{}', app_id => %(app_id)s)",
        "create_transfers_from_rows('{}'::pgledger_transfer_request[], app_id => %(app_id)s)",
        f"create_transfers_bulk({arrays}, app_id => %(app_id)s)",
        "create_transfers_bulk('{}', '{}', '{}', app_id => %(app_id)s)",
        "get_account(%(shop)s, app_id => %(app_id)s)",
        f"get_transfer('pglt_{ULID}', app_id => %(app_id)s)",
        "account_entries(%(shop)s, app_id => %(app_id)s)",
        "balance_at(%(shop)s, now(), app_id => %(app_id)s)",
        "balance_at_version(%(shop)s, 0, app_id => %(app_id)s)",
    ):
        statement = f"select pgledger_{call}"
        accounts = {"shop": books.shop, "buyer": books.buyer}
        for app_id in ("a b", "x" * 129, "\N{ZERO WIDTH SPACE}"):
            books.refuses("InvalidScope", statement, {**accounts, "app_id": app_id}, says="app_id")
        books.refuses("NullArgument", statement, {**accounts, "app_id": None}, says="app_id")


def test_widest_of_everything_fits_the_indexes(books):
    """A row of a B-tree has at most about 2,700 bytes; more is an error of PostgreSQL's."""
    characters = [chr(0x20000 + 41 * place) for place in range(255)]
    wide = "".join(characters)
    ((shop,), (buyer,)) = (
        books.execute(
            "select id from pgledger_create_account(%s, 'USD', app_id => %s, tenant_id => %s)",
            [wide, wide[:128], wide[-128:]],
        )[0]
        for _ in range(2)
    )
    assert books.execute(
        "select group_id, app_id, from_account_name, from_tenant_id"
        " from pgledger_create_transfers_bulk(%s, %s, '{1}', app_id => %s, group_id => %s)",
        [[shop], [buyer], wide[:128], wide],
    ) == [(wide, wide[:128], wide, wide[-128:])]
    assert books.is_clean()


def test_nul_cannot_be_sent(books):
    for statement in (
        "select pgledger_create_account(%s, 'USD')",
        "select pgledger_get_account(%s)",
    ):
        with pytest.raises(psycopg.DataError):
            books.execute(statement, ["a\0b"])
    with pytest.raises(psycopg.errors.UntranslatableCharacter):
        books.execute(
            """select pgledger_create_account('x', 'USD', metadata => '{"a":"\\u0000"}')"""
        )


# Metadata


def test_metadata_refused(books, subtests):
    account = "select pgledger_create_account('x', 'USD', metadata => %s)"
    for label, (metadata, says) in BAD_METADATA.items():
        with subtests.test(label):
            books.refuses_transfer("InvalidMetadata", metadata=metadata, says=says)
            books.refuses("InvalidMetadata", account, [metadata], says=says)
    assert books.is_clean()


def test_metadata_taken(books, subtests):
    for label, metadata in GOOD_METADATA.items():
        with subtests.test(label):
            assert books.execute(
                "select metadata = %s::jsonb"
                " from pgledger_create_account('x', 'USD', metadata => %s)",
                [metadata, metadata],
            ) == [(True,)]
            for statement, parameters in books.forms(metadata=metadata):
                stored = books.execute(
                    statement.replace("select amount", "select metadata = %(metadata_)s::jsonb"),
                    {**parameters, "metadata_": metadata},
                )
                assert (True,) in stored
                assert (False,) not in stored
    assert books.is_clean()


def test_last_of_two_equal_keys_counts(books):
    assert books.execute(
        "select metadata from pgledger_create_transfer(%s, %s, 1, metadata => %s)",
        [books.shop, books.buyer, GOOD_METADATA["the same key twice"]],
    ) == [({"a": 2},)]


# Times


def test_times_refused(at_noon, subtests):
    for label, (event_at, says) in TIMES.items():
        for allow in (None, "false", "true"):
            with subtests.test(f"{label}, {allow}"):
                rest = {} if allow is None else {"allow_future_event_at": allow}
                for statement, parameters in at_noon.forms(event_at=event_at):
                    written = statement
                    if rest:
                        written = f"{statement[:-1]}, allow_future_event_at => {allow})"
                    at_noon.refuses("InvalidTime", written, parameters, says=says)
    assert at_noon.is_clean()


def test_a_day_ahead_is_allowed_and_not_a_microsecond_more(at_noon):
    for statement, parameters in at_noon.forms(event_at="2026-03-02 12:00:00.000001+00"):
        at_noon.refuses("EventAtInFuture", statement, parameters, says="2026-03-02")
        assert at_noon.execute(f"{statement[:-1]}, allow_future_event_at => true)", parameters)
        # Null lifts nothing.
        at_noon.refuses(
            "EventAtInFuture", f"{statement[:-1]}, allow_future_event_at => null)", parameters
        )
    for statement, parameters in at_noon.forms(event_at="2026-03-02 12:00:00+00"):
        assert at_noon.execute(statement, parameters)
    assert at_noon.is_clean()


def test_first_and_last_moments_are_taken(at_noon):
    for event_at in ("0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00"):
        for statement, parameters in at_noon.forms(event_at=event_at):
            written = statement.replace(
                "select amount", "select count(*) filter (where event_at = %(moment)s)"
            )
            ((count,),) = at_noon.execute(
                f"{written[:-1]}, allow_future_event_at => true)",
                {**parameters, "moment": event_at},
            )
            assert count >= 1
    assert at_noon.is_clean()


def test_balance_at_any_time(books, subtests):
    statement = "select pgledger_balance_at(%s, %s::timestamptz)"
    for label, at, balance in (
        ("-infinity", "-infinity", 0),
        ("first moment there is", "4714-11-24 00:00:00+00 BC", 0),
        ("last moment there is", "294276-12-31 23:59:59.999999+00", 7),
        ("infinity", "infinity", 7),
    ):
        with subtests.test(label):
            assert books.execute(statement, [books.buyer, at]) == [(balance,)]
    books.refuses("NullArgument", statement, [books.buyer, None], says="at must")


# Arrays


def bulk(books: Books, **arrays: str) -> tuple[str, dict[str, Any]]:
    """Writes a call of the bulk function; values are SQL in which {shop} and {buyer} stand."""
    given = {
        "from_account_ids": "array['{shop}', '{shop}']",
        "to_account_ids": "array['{buyer}', '{buyer}']",
        "amounts": "array[1, 2]",
        **arrays,
    }
    arguments = ", ".join(
        f"{name} => {value.replace('{shop}', books.shop).replace('{buyer}', books.buyer)}"
        for name, value in given.items()
    )
    return f"select amount from pgledger_create_transfers_bulk({arguments})", {}


ARRAYS = {
    "from_account_ids": ("'{shop}'", "text"),
    "to_account_ids": ("'{buyer}'", "text"),
    "amounts": ("1", "numeric"),
    "event_ats": ("'2025-01-01'", "timestamptz"),
    "metadatas": ("'{}'", "jsonb"),
    "ids": ("null", "text"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_refused(books, name, subtests):
    element, kind = ARRAYS[name]
    wrong = {
        "empty": f"'{{}}'::{kind}[]",
        "short": f"array[{element}]::{kind}[]",
        "long": f"array[{element}, {element}, {element}]::{kind}[]",
        "2 by 1": f"array[array[{element}], array[{element}]]::{kind}[]",
        "1 by 2": f"array[array[{element}, {element}]]::{kind}[]",
        "2 by 2": f"array_fill({element}::{kind}, array[2, 2])",
        "1 by 1 by 2": f"array_fill({element}::{kind}, array[1, 1, 2])",
    }
    if name in ("from_account_ids", "to_account_ids", "amounts"):
        wrong["null"] = "null"
    for label, value in wrong.items():
        with subtests.test(label):
            says = name if name != "from_account_ids" else ""
            books.refuses("InvalidBatch", *bulk(books, **{name: value}), says=says)


def test_all_arrays_two_dimensional(books):
    books.refuses(
        "InvalidBatch",
        *bulk(
            books,
            from_account_ids="array_fill('{shop}'::text, array[1, 2])",
            to_account_ids="array_fill('{buyer}'::text, array[1, 2])",
            amounts="array_fill(1::numeric, array[1, 2])",
            ids="array_fill(null::text, array[1, 2])",
        ),
        says="from_account_ids has 2 dimensions",
    )


def test_arrays_that_do_not_begin_at_1(books):
    """Where an array begins says nothing about its requests."""
    calls = [
        bulk(books, amounts="'[5:6]={3,4}'::numeric[]"),
        bulk(
            books,
            from_account_ids="'[0:1]={{shop},{shop}}'::text[]",
            to_account_ids="'[-7:-6]={{buyer},{buyer}}'::text[]",
            amounts="'[5:6]={3,4}'::numeric[]",
            event_ats="'[100:101]={2025-01-01,NULL}'::timestamptz[]",
            metadatas="""'[3:4]={"{}",NULL}'::jsonb[]""",
            ids=f"'[-1:0]={{pglt_{UNKNOWN},NULL}}'::text[]",
        ),
        bulk(books, amounts="'[5:6]={3,4}'::numeric[]", ids="'[2:3]={NULL,NULL}'::text[]"),
        bulk(books, amounts="array[3, 4]", ids=f"'[2:3]={{NULL,pglt_{ULID[:-1]}0}}'::text[]"),
    ]
    for statement, parameters in calls:
        assert [int(amount) for (amount,) in books.execute(statement, parameters)] == [3, 4]
    assert books.is_clean()
    # The request is counted from 1 all the same.
    books.refuses(
        "InvalidAmount",
        *bulk(books, amounts="'[5:6]={3,0}'::numeric[]"),
        says="request 2 of 2",
    )
    request = f'"({books.shop},{books.buyer},3)"'
    assert books.execute(
        "select amount from pgledger_create_transfers_from_rows(%s::pgledger_transfer_request[])",
        [f"[7:8]={{{request},{request}}}"],
    ) == [(3,), (3,)]


def test_nulls_inside_arrays(books):
    books.refuses(
        "NullArgument",
        *bulk(books, from_account_ids="array['{shop}', null]"),
        says="request 2 of 2: from_account_id",
    )
    books.refuses(
        "NullArgument",
        *bulk(books, to_account_ids="array[null, '{buyer}']"),
        says="request 1 of 2: to_account_id",
    )
    books.refuses(
        "InvalidAmount", *bulk(books, amounts="array[1, null]"), says="request 2 of 2: amount null"
    )
    assert len(books.execute(*bulk(books, event_ats="array[null, null]::timestamptz[]"))) == 2
    assert len(books.execute(*bulk(books, metadatas="array[null, '{}']::jsonb[]"))) == 2
    assert len(books.execute(*bulk(books, ids="array[null, null]::text[]"))) == 2


def test_rows_refused(books, subtests):
    request = f"('{books.shop}', '{books.buyer}', 1)::pgledger_transfer_request"
    for label, arguments, name, says in (
        ("null", "null::pgledger_transfer_request[], app_id => ''", "InvalidBatch", "null"),
        (
            "two dimensions",
            f"array_fill({request}, array[2, 1])",
            "InvalidBatch",
            "2 dimensions",
        ),
        ("null row", f"{request}, null", "NullArgument", "request 2 of 2: from_account_id"),
        (
            "null row in an array",
            f"array[{request}, null], app_id => ''",
            "NullArgument",
            "request 2 of 2: from_account_id",
        ),
        ("row of nulls", "(null, null, null)", "NullArgument", "request 1 of 1: from_account_id"),
        (
            "100,001",
            f"array_fill({request}, array[100001])",
            "BatchTooLarge",
            "100001 requests",
        ),
        (
            "100,001 with all else",
            f"array_fill({request}, array[100001]), now(), '{{}}', '', 'order'",
            "BatchTooLarge",
            "100001 requests",
        ),
    ):
        with subtests.test(label):
            is_array = arguments.startswith(("array", "null::"))
            rows = "create_transfers_from_rows" if is_array else "create_transfers"
            books.refuses(name, f"select pgledger_{rows}({arguments})", says=says)


def test_large_shared_metadata_does_not_break_the_size_check(books):
    """Copied for every request before they are counted, it would exceed what memory can hold."""
    request = f"('{books.shop}', '{books.buyer}', 1)::pgledger_transfer_request"
    books.refuses(
        "BatchTooLarge",
        f"select pgledger_create_transfers_from_rows(array_fill({request}, array[200000]),"
        " metadata => jsonb_build_object('k', repeat('x', 60000)))",
    )


def test_empty_batches_return_no_rows(books):
    before = books.contents()
    for call in (
        "pgledger_create_transfers_from_rows('{}', app_id => '')",
        "pgledger_create_transfers_from_rows('{}', now(), '{}', '', 'order')",
        "pgledger_create_transfers_bulk('{}', '{}', '{}')",
        "pgledger_create_transfers_bulk('{}', '{}', '{}', '{}', '{}', '{}', '', 'order', true)",
    ):
        assert books.execute(f"select * from {call}") == []
    assert books.contents() == before


def test_100_000_requests_are_taken(books):
    ((count, total),) = books.execute(
        "select count(*), sum(amount) from pgledger_create_transfers_bulk("
        "array_fill(%s::text, array[100000]), array_fill(%s::text, array[100000]),"
        " array_fill(0.01, array[100000]))",
        [books.shop, books.buyer],
    )
    assert (count, total) == (100_000, 1000)


# Pages

BIGINT = (-(2**63), 2**63 - 1)
INTEGER = (-(2**31), 2**31 - 1)


def test_pages_refused(books, subtests):
    statement = "select pgledger_account_entries(%s, {} => %s)"
    for name, values in (
        ("page_size", [0, -1, 10001, *INTEGER]),
        ("after_version", [-1, BIGINT[0]]),
    ):
        for value in values:
            for rest in ("", ", newest_first => false", ", newest_first => true"):
                with subtests.test(f"{name} {value} {rest}"):
                    call = statement.format(name)[:-1] + rest + ")"
                    books.refuses("InvalidPage", call, [books.buyer, value], says=f"{name} {value}")
    for name in ("page_size", "newest_first"):
        books.refuses("NullArgument", statement.format(name), [books.buyer, None], says=name)


@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_beyond_the_end(books, newest_first):
    statement = "select account_version from pgledger_account_entries(%s, 10000, %s, %s)"
    for after_version, expected in (
        (0, [] if newest_first else [1]),
        (1, []),
        (2, [1] if newest_first else []),
        (BIGINT[1], [1] if newest_first else []),
        (None, [1]),
    ):
        rows = books.execute(statement, [books.buyer, newest_first, after_version])
        assert [version for (version,) in rows] == expected, after_version


def test_page_of_an_account_without_entries(books):
    for newest_first in (True, False):
        assert (
            books.execute("select pgledger_account_entries(%s, 1, %s)", [books.euros, newest_first])
            == []
        )


# Every public function, with anything


@dataclass(frozen=True)
class Function:
    """A public function as the catalog has it: its oid and its arguments' names and types."""

    signature: str
    name: str
    arguments: tuple[tuple[str, str], ...]


def public_functions(conn: psycopg.Connection[Any]) -> list[Function]:
    """Returns the ledger's functions; billing's have bad input of their own in test_billing_*."""
    rows = conn.execute(
        """
        select
          pg_proc.oid::regprocedure::text,
          pg_proc.proname,
          (
            select array_agg(array[
              pg_proc.proargnames[argument.place], format_type(argument.type, null)
            ] order by argument.place)
            from unnest(pg_proc.proargtypes::oid[]) with ordinality as argument (type, place)
          )
        from pg_proc
        where pg_proc.proname ~ '^pgledger_'
        order by 1
        """
    ).fetchall()
    return [
        Function(signature, name, tuple((argument, kind) for argument, kind in arguments or []))
        for signature, name, arguments in rows
    ]


def call(function: Function, values: Sequence[str]) -> str:
    """Writes a call by position, with SQL for each value."""
    arguments = [
        f"{value}::{kind}" for value, (_, kind) in zip(values, function.arguments, strict=True)
    ]
    if function.name == "pgledger_create_transfers":
        # Its arguments are the rows themselves.
        arguments = [f"(({values[0]})::pgledger_transfer_request[])[{n}]" for n in (1, 2)]
    return f"select {function.name}({', '.join(arguments)})"


def literal(value: str | None) -> str:
    return "null" if value is None else sql.Literal(value).as_string(None)


characters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])


def texts(books: Books) -> st.SearchStrategy[str | None]:
    known = [books.shop, books.buyer, books.euros, books.elsewhere, f"pglt_{ULID}"]
    generated = st.from_regex(r"\A(pgla|pglt)_[0-7][0-9A-HJKMNP-TV-Z]{25}\Z")
    wrong = [form.replace("{prefix}", "pgla") for form in BAD_IDS.values() if len(form) < 1000]
    return st.one_of(
        st.sampled_from([*known, "", "USD", "other", None]),
        st.sampled_from([*wrong, *INVISIBLE.values(), "x" * 128, WIDE * 255, "x" * 256, "%s"]),
        generated,
        st.text(characters, max_size=40),
    )


NUMERICS = [amount for amount, _ in [*AMOUNTS.values(), *GOOD_AMOUNTS.values()]]
NUMERICS += ["999999999999999999999999999999", "1", "2.50"]
TIME_VALUES: list[str | None] = [time for time, _ in TIMES.values()]
TIME_VALUES += ["now", "tomorrow", "2025-01-01", "9999-12-31 23:59:59.999999+00", None]
JSON = [value for value, _ in BAD_METADATA.values() if len(value) < 1000]
JSON += [value for value in GOOD_METADATA.values() if len(value) < 1000]


def values_of(kind: str, books: Books) -> st.SearchStrategy[str]:
    """Returns SQL that is a value of a type."""
    if kind.endswith("pgledger_transfer_request[]"):
        row = st.one_of(
            st.just("null::pgledger_transfer_request"),
            st.tuples(
                values_of("text", books), values_of("text", books), values_of("numeric", books)
            ).map(lambda v: f"row({v[0]}, {v[1]}, {v[2]}::numeric)::pgledger_transfer_request"),
        )
        return arrays_of(row, "pgledger_transfer_request")
    if kind.endswith("[]"):
        element = kind.removesuffix("[]")
        return arrays_of(values_of(element, books).map(lambda v: f"{v}::{element}"), element)
    choices: dict[str, st.SearchStrategy[str | None]] = {
        "text": texts(books),
        "numeric": st.sampled_from(NUMERICS),
        "interval": st.sampled_from(["1 minute", "-1 day", "2 days", "178000000 years", None]),
        "timestamp with time zone": st.sampled_from(TIME_VALUES),
        "jsonb": st.sampled_from([*JSON, None]),
        "boolean": st.sampled_from(["true", "false", None]),
        "integer": st.sampled_from(["1", "100", "0", "-1", *map(str, INTEGER), None]),
        "bigint": st.sampled_from(["1", "100", "0", "-1", *map(str, BIGINT), None]),
        "numrange": st.sampled_from(["[0,100]", "(,5)", "empty", "[1e131000,)", "(,)", None]),
        "uuid": st.one_of(st.uuids().map(str), st.none()),
    }
    return choices[kind].map(literal)


def arrays_of(element: st.SearchStrategy[str], kind: str) -> st.SearchStrategy[str]:
    flat = st.lists(element, max_size=4).map(lambda v: f"array[{', '.join(v)}]::{kind}[]")
    return st.one_of(
        flat,
        flat,
        st.just("null"),
        st.just(f"'{{}}'::{kind}[]"),
        element.map(lambda v: f"array_fill({v}, array[2], array[-3])"),
        element.map(lambda v: f"array_fill({v}, array[1, 2])"),
    )


def test_nothing_but_errors_of_ours_reaches_the_caller(books):
    """Whatever is sent that PostgreSQL itself can read, in any combination, to any function."""
    functions = public_functions(books.conn)
    sound = st.fixed_dictionaries(
        {
            "from_account_id": st.just(literal(books.shop)),
            "to_account_id": st.just(literal(books.buyer)),
            "account_id": st.just(literal(books.buyer)),
            "app_id": st.just("''"),
            "tenant_id": st.just("''"),
            "amount": st.just("2.50"),
            "name": st.just("'x'"),
            "currency": st.just("'USD'"),
            "page_size": st.just("10"),
            "from_account_ids": st.just(f"array['{books.shop}', '{books.buyer}']"),
            "to_account_ids": st.just(f"array['{books.buyer}', '{books.shop}']"),
            "amounts": st.just("array[1, 2]"),
            "group_id": st.just("null"),
            "id": st.just("null"),
            "ids": st.just("null"),
            "metadata": st.just("null"),
            "event_at": st.just("null"),
        }
    )

    @settings(max_examples=scaled(300))
    @given(st.data())
    def fuzz(data: st.DataObject) -> None:
        function = data.draw(st.sampled_from(functions), label="function")
        good = data.draw(sound)
        values = [
            good[name]
            if name in good and data.draw(st.booleans(), label=f"sound {name}")
            else data.draw(values_of(kind, books), label=name)
            for name, kind in function.arguments
        ]
        statement = call(function, values)
        before = books.contents()
        refusal: psycopg.Error | None = None
        try:
            books.execute(statement.replace("%", "%%"), [])
        except psycopg.Error as error:
            refusal = error
        # An id may carry a time after the year 9999, which PostgreSQL holds and Python does not.
        if refusal is not None and "after year 10K" not in str(refusal):
            state = refusal.sqlstate or ""
            assert state.startswith("LG") or state in RETRY, (state, refusal, statement)
            assert refusal.diag.message_primary
            assert books.contents() == before

    fuzz()
    assert books.is_clean()
