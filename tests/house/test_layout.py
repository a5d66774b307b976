"""The house is in order: who looks for a thing finds it where its name says, and can follow it.

The rules are those of CONTRIBUTING.md. They are read off the sources and off the catalog.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from pgledger.migrate.sqltext import mask
from scripts.generated.capabilities import CAPABILITIES
from scripts.generated.catalog import REPEATABLE, ROOT, Catalog, read_catalog
from scripts.generated.maps import Room, files_that_test, pages_about, read_rooms

LONGEST_BODY: Final = 72
LONGEST_MODULE: Final = 400

# A split would cost speed where calls are counted in microseconds; their headers say so.
LONG_BODIES: Final = {
    "block_changes",
    "create_keyed_transfer",
    "create_repeatable_transfer",
    "divide_usage",
    "entitlement",
    "make_hold",
    "make_holds",
    "make_blocks",
    "make_sound_holds",
    "new_hold_places",
    "new_transfer_places",
    "post_holds",
    "post_pending_hold",
    "post_run",
    "seal_root",
    "verify_blocks",
    "verify_holds",
    "verify_keys",
    "verify_slice_entries",
    "pgledger_create_hold",
    "pgledger_create_transfer",
    "pgledger_post_hold",
    "pgledger_verify_seals",
    "post_transfers",
    "transfer_outcomes",
    "roll_up_usage",
    "usage_fault",
}

FILES: Final = sorted(REPEATABLE.rglob("*.sql"))

# Nobody is granted these: only the owner maps tenants' roles.
FOR_THE_OWNER: Final = {
    "ledger_map_tenant_role",
    "ledger_set_hook",
    "ledger_unmap_tenant_role",
    "pgledger_accept_time",
    "pgledger_import_begin",
    "pgledger_import_faults",
    "pgledger_import_history",
    "pgledger_raise_sequences",
    "pgledger_reopen_period",
    "pgledger_reverse_transfer_over_limits",
    "pgledger_set_clock_warning",
}

_CREATED: Final = re.compile(
    r"^create or replace (?:function|view) (?:pgledger|@extschema@)\.(\w+)", re.MULTILINE
)


@pytest.fixture
def surface(conn: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    conn.execute("set search_path = pg_catalog, public")
    return conn


@pytest.fixture
def catalog(surface: psycopg.Connection[Any]) -> Catalog:
    return read_catalog(surface)


@pytest.fixture
def rooms(surface: psycopg.Connection[Any]) -> dict[str, Room]:
    return read_rooms(surface)


def test_a_file_makes_what_it_is_named_after_and_nothing_else():
    for path in FILES:
        assert set(_CREATED.findall(path.read_text())) == {path.stem}, path


def test_functions_and_views_keep_apart():
    for path in FILES:
        is_view = re.search(r"^create or replace view", path.read_text(), re.MULTILINE)
        assert bool(is_view) == (path.parent.name == "views"), path


def test_every_folder_is_numbered_and_has_a_title():
    folders = sorted(path.name for path in REPEATABLE.iterdir() if path.is_dir())
    assert all(re.fullmatch(r"\d\d_[a-z]+", name) for name in folders), folders
    assert [name.split("_", 1)[1] for name in folders] == list(CAPABILITIES)
    assert not re.search(r"^\d", "\n".join(path.name for path in FILES), re.MULTILINE)


def test_no_folder_calls_into_a_later_one(rooms):
    assert len(rooms) > 250
    late = [
        f"{room.folder}/{room.name} calls {rooms[call].folder}/{call}"
        for room in rooms.values()
        for call in room.calls
        if rooms[call].folder > room.folder
    ]
    assert not late


def test_no_view_reads_what_a_later_folder_makes():
    folders = {path.stem: path.relative_to(REPEATABLE).parts[0] for path in FILES}
    for path in FILES:
        if path.parent.name != "views":
            continue
        code = re.sub(r"--[^\n]*|'(?:[^']|'')*'", " ", path.read_text().split("comment on")[0])
        for name in re.findall(r"\b(?:pgledger\.)?([a-z]\w+)\b", code):
            if name in folders and name != path.stem:
                assert folders[name] <= folders[path.stem], (path.stem, name)


def test_every_function_is_called_or_public(rooms):
    called = set().union(*(room.calls for room in rooms.values()))
    in_views = "\n".join(path.read_text() for path in FILES if path.parent.name == "views")
    # Triggers' functions, and a list that is read without being called.
    by_other_means = {"refuse_change", "keep_ended_hold", "versioned_files"}
    idle = {
        name
        for name in rooms
        if not re.match(r"(pg)?ledger_", name)
        and name not in called | by_other_means
        and not re.search(rf"\b{name}\(", in_views)
    }
    assert not idle


def test_bodies_are_short_or_say_why_not(surface):
    rows = surface.execute(
        """
        select proname, array_length(string_to_array(trim(e'\n' from prosrc), e'\n'), 1)
        from pg_proc
        where pronamespace = 'pgledger'::regnamespace
          or pronamespace = 'public'::regnamespace and proname ~ '^(pg)?ledger_'
        """
    ).fetchall()
    # The registry of errors is a list, and so are ISO 4217, the versioned files and how everything
    # is to stand.
    lists = {"error_registry", "expected_guards", "iso_currencies", "versioned_files"}
    long = {name for name, lines in rows if lines > LONGEST_BODY} - lists
    assert long <= LONG_BODIES, long - LONG_BODIES


def test_no_loop_over_a_query_takes_elements_of_arrays_out_of_order():
    """A loop over a query copies its arrays flat; there each element is sought from the first."""
    quadratic: dict[str, list[str]] = {}
    for path in FILES:
        text = path.read_text()
        sought = re.findall(r"\b(\w+) (?:text|numeric|jsonb|numrange|@extschema@\.\w+)\[\]", text)
        for _, query in re.findall(r"\n( *)for \w+ in\n(.*?)\n\1loop", text, re.DOTALL):
            found = [name for name in sought if re.search(rf"\b{name}\[[a-z]", query)]
            if found:
                quadratic[path.stem] = found
    assert quadratic == {}


def test_every_public_function_is_granted_tested_and_explained(catalog):
    assert len({function.name for function in catalog.functions}) > 80
    for function in catalog.functions:
        assert function.roles or function.name in FOR_THE_OWNER, function.name
        assert files_that_test(function), f"no test calls {function.name}"
        assert pages_about(function), f"no page mentions {function.name}"


def python_modules() -> Iterator[Path]:
    yield ROOT / "performance_check.py"
    for folder in ("python/pgledger", "scripts", ".ci"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "_generated" not in path.parts and not path.name.endswith("_sync.py"):
                yield path


def test_modules_are_short():
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in python_modules()
        # Written from the registry of errors.
        if path != ROOT / "python" / "pgledger" / "errors.py"
    }
    assert len(lengths) > 50
    assert not {name for name, lines in lengths.items() if lines > LONGEST_MODULE}


@pytest.mark.parametrize(
    ("result", "table"),
    [
        ("ledger_feature", "features"),
        ("ledger_plan", "plans"),
        ("ledger_subscription", "subscriptions"),
        ("ledger_coupon", "coupons"),
        ("ledger_coupon_redemption", "coupon_redemptions"),
        ("ledger_invoice", "invoices"),
        ("ledger_payment", "invoice_payments"),
        ("ledger_usage_event", "usage_events"),
        ("pgledger_account", "accounts"),
        ("pgledger_transfer", "transfers"),
    ],
)
def test_results_say_which_columns_can_be_null_and_what_texts_can_be(
    catalog, surface, result, table
):
    rows = surface.execute(
        """
        select
          attname,
          attnotnull,
          (
            select substring(pg_get_constraintdef(oid) from 'ARRAY\\[(.*)\\]')
            from pg_constraint
            where conrelid = attrelid
              and contype = 'c'
              and conkey = array[attnum]
              and pg_get_constraintdef(oid) ~ '= ANY \\(ARRAY\\['
          )
        from pg_attribute
        where attrelid = format('pgledger.%%I', %s::text)::regclass and attnum > 0
        """,
        [table],
    ).fetchall()
    stored = {name: (is_required, choices) for name, is_required, choices in rows}
    compared = 0
    for column in catalog.types[result].columns:
        # Reading functions know of no call that could have been a repeat.
        assert column.name != "replayed" or column.is_nullable
        if column.name not in stored or (result, column.name) in SHOWN_OTHERWISE:
            continue
        is_required, choices = stored[column.name]
        assert column.is_nullable == (not is_required), column
        if choices is not None:
            assert set(column.choices) == set(re.findall(r"'(\w+)'::text", choices)), column
        compared += 1
    assert compared >= 4


# Columns that a result fills in where the table has null, or that are null in rows nobody is shown.
SHOWN_OTHERWISE: Final = {
    ("ledger_usage_event", "quantity"),
    ("pgledger_transfer", "event_at"),
}

_CHOICE: Final = re.compile(r"check_choice\(\s*'(\w+)',\s*[\w.]+,\s*array\[([^\]]*)\]")


def test_arguments_say_what_texts_are_taken(catalog, surface, rooms):
    sources = dict(
        surface.execute(
            "select proname, string_agg(prosrc, ' ') from pg_proc "
            "where pronamespace in ('pgledger'::regnamespace, 'public'::regnamespace) "
            "group by proname"
        ).fetchall()
    )
    compared = 0
    for function in catalog.functions:
        # The function's own checks, and those that it calls.
        bodies = [sources[name] for name in (function.name, *rooms[function.name].calls)]
        taken = {
            name: tuple(re.findall(r"'(\w+)'", choices))
            for body in bodies
            for name, choices in _CHOICE.findall(body)
        }
        for argument in function.arguments:
            if argument.name in taken:
                assert set(argument.choices) == set(taken[argument.name]), (
                    function.name,
                    argument.name,
                )
                compared += 1
    assert compared >= 10


def test_every_choice_has_a_check_or_a_constraint(catalog):
    """Whatever a result's column can be is spelled out once, as its values are written."""
    for kind in catalog.types.values():
        for column in kind.columns:
            assert not re.search(r"\bone of\b", column.text, re.IGNORECASE) or column.choices, (
                kind.name,
                column,
            )
    for function in catalog.functions:
        for argument in function.arguments:
            if re.search(r"\bone of: ", argument.text, re.IGNORECASE):
                assert argument.choices, (function.name, argument)
            if (argument.default or "").upper().startswith("NULL"):
                assert argument.is_nullable, (function.name, argument)


def test_what_is_made_is_put_somewhere():
    """The path that files are applied with would put it where it was not meant to be."""
    made = re.compile(
        r"^\s*(?:(?:create|comment on|drop|alter|grant [a-z, ]+ on|revoke [a-z, ]+ on)\s+"
        r"(?:or replace\s+)?(?:function|view|type|table|sequence|column)\s+(?:if exists\s+)?"
        r"|create\s+(?:unique\s+)?index\s+\S+\s+on\s+"
        r"|(?:drop|alter|reindex)\s+index\s+(?:concurrently\s+)?(?:if exists\s+)?)(\S+)",
        re.MULTILINE,
    )
    for path in [*FILES, *sorted((ROOT / "sql" / "migrations").glob("*.sql"))]:
        names = made.findall(mask(path.read_text()))
        assert names
        for name in names:
            assert name.startswith(("@extschema@.", "pgledger.")), (path.name, name)
