"""What is installed is the same under any settings of the session, the role or the database."""

import re
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgledger.embedded import EmbeddedServer
from pgledger.migrate import dump, migrate, status
from support.database import NewDatabase
from support.psql import Psql

# Every setting that says how statements are read, how values become text, or where tables go.
# Twice, because some have more than one way to be odd.
ODD_SETTINGS = (
    {
        "array_nulls": "off",
        "backslash_quote": "off",
        "bytea_output": "escape",
        "check_function_bodies": "on",
        "client_min_messages": "error",
        "datestyle": "German, DMY",
        "default_table_access_method": "other_heap",
        "default_tablespace": "nowhere",
        "default_toast_compression": "pglz",
        "default_transaction_isolation": "serializable",
        "enable_hashjoin": "off",
        "enable_indexscan": "off",
        "enable_seqscan": "off",
        "escape_string_warning": "on",
        "extra_float_digits": "-15",
        "gin_fuzzy_search_limit": "1",
        "intervalstyle": "sql_standard",
        "plpgsql.variable_conflict": "use_column",
        "quote_all_identifiers": "on",
        "row_security": "off",
        "search_path": "nowhere",
        "standard_conforming_strings": "off",
        "timezone": "Pacific/Kiritimati",
        "transform_null_equals": "on",
        "xmlbinary": "hex",
        "xmloption": "document",
    },
    {
        "array_nulls": "on",
        "backslash_quote": "on",
        "check_function_bodies": "off",
        "datestyle": "SQL, MDY",
        "enable_hashagg": "off",
        "enable_nestloop": "off",
        "enable_sort": "off",
        "escape_string_warning": "off",
        "extra_float_digits": "3",
        "intervalstyle": "iso_8601",
        "lc_messages": "C",
        "plan_cache_mode": "force_generic_plan",
        "plpgsql.variable_conflict": "use_variable",
        "standard_conforming_strings": "off",
        "timezone": "America/St_Johns",
        "transform_null_equals": "on",
    },
)

EACH_ODD = pytest.mark.parametrize("odd", ODD_SETTINGS, ids=["first", "second"])

# What a definition is made of, each as the catalog holds it.
DEFINITIONS = """
    select 'function', pg_proc.oid::regprocedure::text,
      concat_ws(' ', prosrc, pg_get_expr(proargdefaults, 0), proconfig::text, proacl::text,
        provolatile, proparallel, prosecdef, obj_description(pg_proc.oid, 'pg_proc'))
    from pg_proc
    where pronamespace in ('pgledger'::regnamespace, 'public'::regnamespace)
    union all
    select 'column', attrelid::regclass || '.' || attname,
      concat_ws(' ', format_type(atttypid, atttypmod), pg_get_expr(adbin, adrelid), attnotnull,
        attcollation, attstorage, attcompression, col_description(attrelid, attnum))
    from pg_attribute
    inner join pg_class on pg_class.oid = attrelid
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where relnamespace in ('pgledger'::regnamespace, 'public'::regnamespace)
    union all
    select 'constraint', conrelid::regclass || '.' || conname,
      concat_ws(' ', pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint'))
    from pg_constraint
    where connamespace in ('pgledger'::regnamespace, 'public'::regnamespace)
    union all
    select 'relation', pg_class.oid::regclass::text,
      concat_ws(' ', relkind, amname, reltablespace, relacl::text, reloptions::text, relowner,
        case when relkind = 'v' then pg_get_viewdef(pg_class.oid) end,
        case when relkind = 'i' then pg_get_indexdef(pg_class.oid) end,
        obj_description(pg_class.oid, 'pg_class'))
    from pg_class
    left join pg_am on pg_am.oid = relam
    where relnamespace in ('pgledger'::regnamespace, 'public'::regnamespace)
    union all
    select 'policy', polrelid::regclass || '.' || polname,
      concat_ws(' ', pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    from pg_policy
    union all
    select 'trigger', tgrelid::regclass || '.' || tgname,
      concat_ws(' ', pg_get_triggerdef(oid), tgenabled)
    from pg_trigger
    where not tgisinternal
    union all
    select 'history', name, concat_ws(' ', kind, sha256) from pgledger.schema_history
    order by 1, 2, 3
"""


def definitions(dsn: str) -> list[tuple[str, str, str]]:
    """Returns every definition of ours, read in a session whose settings are plain."""
    with psycopg.connect(dsn) as connection:
        connection.execute("reset all")
        return connection.execute(DEFINITIONS.encode()).fetchall()


def make_odd(server: EmbeddedServer, dsn: str, settings: dict[str, str]) -> None:
    name = conninfo_to_dict(dsn)["dbname"]
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "create access method other_heap type table handler heap_tableam_handler"
        )
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        for setting, value in settings.items():
            listed = setting in {"search_path", "datestyle"}
            given = value if listed else f"'{value}'"
            connection.execute(f"alter database {name} set {setting} to {given}".encode())


def make_plain(server: EmbeddedServer, dsn: str) -> None:
    name = conninfo_to_dict(dsn)["dbname"]
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(f"alter database {name} reset all".encode())


@pytest.fixture
def plain(ledger_dsn: str) -> list[tuple[str, str, str]]:
    found = definitions(ledger_dsn)
    assert len(found) > 1000
    return found


@EACH_ODD
@pytest.mark.parametrize("way", ["migrate", "psql", "one query"])
def test_settings_of_the_database_change_nothing(
    server: EmbeddedServer,
    database: NewDatabase,
    psql: Psql,
    plain: list[tuple[str, str, str]],
    odd: dict[str, str],
    way: str,
) -> None:
    dsn = database()
    make_odd(server, dsn, odd)
    if way == "migrate":
        # Where no search path names a schema, one has to be named.
        migrate(dsn, schema="public")
    elif way == "psql":
        psql(dump("public"), "--quiet", dsn=dsn)
    else:
        # All of it is read before any of it runs, and with it the settings that it begins with.
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(dump("public").encode())
    make_plain(server, dsn)
    assert definitions(dsn) == plain


@EACH_ODD
def test_settings_of_the_session_change_nothing(
    database: NewDatabase, psql: Psql, plain: list[tuple[str, str, str]], odd: dict[str, str]
) -> None:
    dsn = database()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "create access method other_heap type table handler heap_tableam_handler"
        )
    options = " ".join(
        f"-c {name}={value.replace(' ', '')}"
        for name, value in odd.items()
        if name not in {"client_min_messages", "default_tablespace"}
    )
    psql(dump("public"), "--quiet", dsn=dsn, env={"PGOPTIONS": options})
    assert definitions(dsn) == plain


@EACH_ODD
def test_what_is_installed_is_found_to_be_as_it_should(
    server: EmbeddedServer, database: NewDatabase, odd: dict[str, str]
) -> None:
    dsn = database()
    migrate(dsn)
    make_odd(server, dsn, odd)
    found = status(dsn)
    assert (found.up_to_date, found.problem, found.faults) == (True, None, ())
    with psycopg.connect(dsn, autocommit=True) as connection:
        faults = connection.execute("select * from public.pgledger_verify() where violations > 0")
        assert faults.fetchall() == []


def test_no_ordinary_text_in_a_source_has_a_backslash(subtests: pytest.Subtests) -> None:
    """What it means depends on a setting of the session that reads it, in a body at every call."""
    sources = Path(__file__).parents[2] / "sql"
    for path in sorted(sources.glob("*/**/*.sql")):
        with subtests.test(path.name):
            text = re.sub(r"--[^\n]*|/\*.*?\*/", " ", path.read_text(), flags=re.DOTALL)
            # A comment of a function, between dollars, is no text that is read.
            text = re.sub(r"\$\$[A-Z].*?\$\$", " ", text, flags=re.DOTALL)
            found = re.findall(r"\bE'(?:[^'\\]|''|\\.)*'(?:\s*\n\s*'(?:[^'\\]|''|\\.)*')*|"
                               r"('(?:[^']|'')*')", text)  # fmt: skip
            assert [literal for literal in found if "\\" in literal] == []
