"""The earlier project's tables, and a history in them as its functions leave it.

Several transfers of one transaction have one created_at, and a transaction that began before
another may end after it: then a later version has an earlier time.
"""

from typing import Any, LiteralString

import psycopg
from psycopg import sql

Session = psycopg.Connection[Any]

TABLES: LiteralString = """
    create table {schema}.pgledger_accounts (
      id text primary key,
      name text not null,
      currency text not null,
      balance numeric not null default 0,
      version bigint not null default 0,
      allow_negative_balance boolean not null,
      allow_positive_balance boolean not null,
      metadata jsonb,
      created_at timestamptz not null,
      updated_at timestamptz not null
    );
    create table {schema}.pgledger_transfers (
      id text primary key,
      from_account_id text not null references {schema}.pgledger_accounts (id),
      to_account_id text not null references {schema}.pgledger_accounts (id),
      amount numeric not null check (amount > 0),
      created_at timestamptz not null,
      event_at timestamptz not null,
      metadata jsonb,
      check (from_account_id <> to_account_id)
    );
    create table {schema}.pgledger_entries (
      id text primary key,
      account_id text not null references {schema}.pgledger_accounts (id),
      transfer_id text not null references {schema}.pgledger_transfers (id),
      amount numeric not null,
      account_previous_balance numeric not null,
      account_current_balance numeric not null,
      account_version bigint not null,
      created_at timestamptz not null
    )
"""

ACCOUNTS: LiteralString = """
    insert into {schema}.pgledger_accounts
    select
      'pgla_' || pgledger.derived_ulid(at, 1, n), 'account ' || n,
      case when n %% 2 = 0 then 'USD' else 'EUR' end, 0, 0, true, n %% 5 <> 4,
      case when n %% 3 = 0 then jsonb_build_object('n', n) end, at, at
    from generate_series(1, %(accounts)s) as n
    cross join (select timestamptz '2024-01-01 00:00:00+00') as given (at)
"""

# In the order in which the transactions ended. Every third transaction has three transfers, and
# every seventh began long before. Accounts of a currency are every second one.
TRANSFERS: LiteralString = """
    insert into {schema}.pgledger_transfers
    with numbered as materialized (
      select id, row_number() over (order by id) as n
      from {schema}.pgledger_accounts
    )
    select
      'pglt_' || pgledger.derived_ulid(given.at + i * interval '1 ms', 2, i),
      source.id, target.id, round((i::bigint * 7919 %% 100000 + 1) / 100.0, 2),
      began.at, case when i %% 10 = 0 then began.at - interval '1 day' else began.at end,
      case when i %% 4 = 0 then jsonb_build_object('order', i) end
    from generate_series(1, %(transfers)s) as i
    cross join (select timestamptz '2024-01-02 00:00:00+00') as given (at)
    cross join lateral (select case when i / 3 %% 3 = 0 then i / 3 * 3 else i end) as run (number)
    cross join lateral (
      select
        given.at + run.number * interval '1 ms'
        - case when run.number %% 7 = 0 then interval '20 ms' else interval '0' end
    ) as began (at)
    cross join lateral (
      select
        i * 31 %% (%(accounts)s / 2) as first,
        (i * 31 + 1 + i * 17 %% (%(accounts)s / 2 - 1)) %% (%(accounts)s / 2) as second,
        i %% 2 as odd
    ) as chosen
    inner join numbered as source on source.n = 2 * chosen.first + 1 + chosen.odd
    inner join numbered as target on target.n = 2 * chosen.second + 1 + chosen.odd
"""

ENTRIES: LiteralString = """
    insert into {schema}.pgledger_entries
    select
      'pgle_' || pgledger.derived_ulid(
        timestamptz '2024-01-02 00:00:00+00', 3,
        row_number() over (order by leg.id, leg.amount > 0)
      ),
      leg.account_id, leg.id, leg.amount,
      sum(leg.amount) over along - leg.amount, sum(leg.amount) over along,
      row_number() over along, leg.created_at
    from (
      select id, from_account_id as account_id, -amount as amount, created_at
      from {schema}.pgledger_transfers
      union all
      select id, to_account_id, amount, created_at
      from {schema}.pgledger_transfers
    ) as leg
    window along as (partition by leg.account_id order by leg.id rows unbounded preceding)
"""

TOTALS: LiteralString = """
    update {schema}.pgledger_accounts as account
    set balance = total.balance, version = total.version, updated_at = total.updated_at
    from (
      select account_id, sum(amount), count(*), max(created_at)
      from {schema}.pgledger_entries
      group by account_id
    ) as total (account_id, balance, version, updated_at)
    where total.account_id = account.id
"""


def make_earlier(conn: Session, schema: str, *, accounts: int = 10, transfers: int = 200) -> None:
    """Makes the tables in a schema, and fills them; pgledger has to be installed beside them."""
    run(conn, "create schema {schema}", schema)
    run(conn, TABLES, schema)
    numbers = {"accounts": accounts, "transfers": transfers}
    conn.execute(sql.SQL(ACCOUNTS).format(schema=sql.Identifier(schema)), numbers)
    conn.execute(sql.SQL(TRANSFERS).format(schema=sql.Identifier(schema)), numbers)
    run(conn, ENTRIES, schema)
    run(conn, TOTALS, schema)


def run(conn: Session, statement: LiteralString, schema: str) -> None:
    """Runs a statement in which ``{schema}`` stands for the schema."""
    conn.execute(sql.SQL(statement).format(schema=sql.Identifier(schema)))
