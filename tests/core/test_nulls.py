"""No argument that is null, whichever it is, ends in an error of PostgreSQL's own."""

from typing import Any

import psycopg
import pytest

from pgledger import PgledgerError
from support.database import Connect

# What each kind of argument is given while another is null.
BY_NAME = {
    "from_account_ids": "array[{shop}]",
    "to_account_ids": "array[{buyer}]",
    "amounts": "array[1]",
    "from_account_id": "{shop}",
    "to_account_id": "{buyer}",
    "account_id": "{shop}",
    "amount": "1",
    "app_id": "'app'",
    "tenant_id": "'acme'",
    "tenant_ids": "array['acme']",
    "feature_keys": "array['calls']",
    "feature_key": "'calls'",
    "key": "'calls'",
    "keys": "array['calls']",
    "quantity": "1",
    "quantities": "array[1]",
    "plan_id": "{plan}",
    "slug": "'pro'",
    "id": "{id}",
    "code": "'WELCOME'",
    "currency": "'USD'",
    "name": "'A name'",
    "type": "'metered'",
    "aggregation": "'sum'",
    "discount": "'percentage'",
    "percentage": "10",
    "features": "'[]'",
    "pricing": "'{{}}'",
    "price": '\'{{"model": "per_unit", "unit_amount": "1"}}\'',
    "lines": '\'[{{"description": "Work", "amount": "1"}}]\'',
    "starts_at": "'2025-01-01Z'",
    "ends_at": "'2025-02-01Z'",
    "period_start": "'2025-01-01Z'",
    "period_end": "'2025-02-01Z'",
    "at": "'2025-01-01Z'",
    "before": "'2024-01-01Z'",
    "subscription_id": "{subscription}",
    "role_name": "'pgledger_reader'",
    "prefix": "'pgla'",
    "ulid": "{shop}",
    "uuid": "gen_random_uuid()",
}
BY_TYPE = {
    "text": "'x'",
    "integer": "1",
    "bigint": "1",
    "numeric": "1",
    "boolean": "true",
    "jsonb": "'{{}}'",
    "interval": "'1 hour'",
    "timestamp with time zone": "'2025-01-01Z'",
    "uuid": "gen_random_uuid()",
}
# Whose id a function means by "id".
OWN = {
    "plan": "plan",
    "feature": "feature",
    "subscription": "subscription",
    "invoice": "invoice",
    "payment": "invoice",
    "account": "shop",
}


@pytest.fixture
def ids(connect: Connect) -> dict[str, str]:
    conn = connect(autocommit=True)

    def one(statement: Any) -> str:
        row = conn.execute(statement).fetchone()
        assert row is not None
        return str(row[0])

    app = "app_id => 'app'"
    made = {
        "shop": one(f"select id from pgledger_create_account('shop', 'USD', {app})"),
        "buyer": one(f"select id from pgledger_create_account('buyer', 'USD', {app})"),
        "feature": one("select id from ledger_create_feature('app', 'calls', 'Calls', 'metered')"),
        "plan": one("select id from ledger_create_plan('app', 'pro', 'Pro', currency => 'USD')"),
    }
    made["subscription"] = one(
        f"select id from ledger_create_subscription('app', 'acme', '{made['plan']}')"
    )
    made["invoice"] = one(
        "select id from ledger_create_invoice('app', 'acme', 'USD',"
        """ '[{"description": "Work", "amount": "1"}]')"""
    )
    return made


def value(function: str, name: str, kind: str, ids: dict[str, str]) -> str:
    own = next((ids[key] for word, key in OWN.items() if word in function), ids["shop"])
    text = BY_NAME.get(name) or BY_TYPE.get(kind, "null")
    literals = {key: f"'{given}'" for key, given in {**ids, "id": own}.items()}
    return f"({text.format(**literals)})::{kind}"


def raw_errors(conn: psycopg.Connection[Any], ids: dict[str, str]) -> tuple[int, list[str]]:
    """Calls each public function once for each argument, with that null and the others sound."""
    functions = conn.execute(
        """
        select
          pg_proc.proname,
          pg_proc.proargnames[1:pg_proc.pronargs],
          array(
            select format_type(kind.type, null)
            from unnest(pg_proc.proargtypes::oid[]) with ordinality as kind (type, place)
            order by kind.place
          ),
          pg_proc.pronargs - pg_proc.pronargdefaults,
          pg_proc.provariadic <> 0
        from pg_proc
        where pg_proc.pronamespace = 'public'::regnamespace
          and pg_proc.proname ~ '^(pg)?ledger_'
        order by pg_proc.oid::regprocedure::text
        """
    ).fetchall()
    tried, wrong = 0, list[str]()
    for function, names, kinds, required, is_variadic in functions:
        for place, (null, kind) in enumerate(zip(names or [], kinds, strict=True)):
            given = [
                f"{name} => {value(function, name, other, ids)}"
                for index, (name, other) in enumerate(zip(names, kinds, strict=True))
                if index != place and index < required
            ]
            call = f"select {function}({', '.join([*given, f'{null} => null::{kind}'])})"
            if is_variadic:
                # What is variadic takes no names.
                call = f"select {function}(variadic null::{kind})"
            tried += 1
            try:
                with conn.transaction(force_rollback=True):
                    conn.execute(call.encode())
            except PgledgerError:
                pass
            except psycopg.Error as error:
                wrong.append(f"{call}: {error.sqlstate} {error.diag.message_primary}")
    return tried, wrong


def test_a_null_argument_never_ends_in_an_error_of_postgresql(conn, ids):
    tried, wrong = raw_errors(conn, ids)
    assert tried > 350
    assert wrong == []
