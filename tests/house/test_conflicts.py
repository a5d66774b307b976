"""A conflict is handled by the name of its constraint, so that any other one is seen."""

import re
from pathlib import Path

import psycopg
import pytest

from support.database import Connect

SQL = Path(__file__).parents[2] / "sql"
SOURCES = {
    str(path.relative_to(SQL)): path.read_text(encoding="utf-8")
    for folder in ("repeatable", "install", "migrations")
    for path in sorted((SQL / folder).rglob("*.sql"))
}
# Its columns and its condition name the index: a partial one is no constraint.
PARTIAL = {"repeatable/27_invoices/store_invoice.sql"}
# Tells the id from the error's detail, and raises again what is none.
BY_DETAIL = {
    "repeatable/10_ledger/create_repeatable_transfers.sql",
    "repeatable/10_ledger/post_run.sql",
}
# Does the same once more, and names the constraint there.
TRIED_AGAIN = {"repeatable/23_usage/insert_usage.sql"}
# A statement of another kind, not an insert into a table of ours.
NO_TABLE = {"install/ensure_requirements.sql"}


def code(text: str) -> str:
    return re.sub(r"/\*.*?\*/|--[^\n]*", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("name", [name for name, text in SOURCES.items() if "conflict" in text])
def test_on_conflict_names_its_constraint(name):
    found = re.findall(r"\bon conflict\b(\s+on constraint \w+)?", code(SOURCES[name]))
    assert name in PARTIAL or all(found), name


@pytest.mark.parametrize(
    "name", [name for name, text in SOURCES.items() if "when unique_violation" in code(text)]
)
def test_a_caught_conflict_is_looked_at(name):
    text = code(SOURCES[name])
    handlers = len(re.findall(r"when unique_violation then", text))
    if name in BY_DETAIL | TRIED_AGAIN | NO_TABLE:
        return
    looked_at = re.findall(
        r"when unique_violation then\s+"
        r"get stacked diagnostics v_constraint = constraint_name;\s+"
        r"if\s+v_constraint is distinct from '\w+'\s+"
        r"(?:and v_constraint is distinct from '\w+'\s+)*then\s+raise;\s+end if;",
        text,
    )
    assert len(looked_at) == handlers > 0, name


def test_the_names_are_those_of_constraints(connect: Connect):
    """Otherwise what is meant to be handled would surface, and nobody would notice before."""
    conn = connect()
    known = {
        row[0]
        for row in conn.execute(
            "select relname from pg_class where relnamespace = 'pgledger'::regnamespace"
            " and relkind = 'i'"
        )
    }
    named = {
        name
        for text in SOURCES.values()
        for name in re.findall(
            r"on conflict on constraint (\w+)|v_constraint is distinct from '(\w+)'", code(text)
        )
        for name in name
        if name
    }
    assert len(named) > 15
    assert named - known == set()


@pytest.mark.parametrize(
    ("table", "call"),
    [
        ("plans", "select ledger_create_plan('shop', 'pro', 'Pro', 'USD')"),
        ("coupons", "select ledger_create_coupon('shop', 'TEN', percentage => 10)"),
    ],
)
def test_a_sequence_behind_its_keys_is_not_taken_for_a_name(connect: Connect, table, call):
    conn = connect(autocommit=True)
    conn.execute(call.encode())
    conn.execute(f"alter table pgledger.{table} alter column key restart with 1".encode())
    other = call.replace("pro", "new").replace("TEN", "NEW")
    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        conn.execute(other.encode())
    assert caught.value.diag.constraint_name == f"{table}_key_pk"
