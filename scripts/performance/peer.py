"""Another ledger: any database with a function that makes a transfer of two ids and an amount."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import psycopg
from psycopg import sql

from scripts.performance.console import note
from scripts.performance.databases import APP_ID, Control
from scripts.performance.errors import CheckFailed
from scripts.performance.options import Options
from scripts.performance.transfers import LARGEST_CENTS, random_pairs
from scripts.performance.work import Work

# An account is found in its array by walking along it, which must not cost the peer anything.
MOST_IN_A_SCRIPT = 1_000
# pgbench takes no more.
MOST_SCRIPTS = 128


@dataclass(frozen=True, slots=True)
class PeerTransfers:
    """One transfer a call, through the peer's own function, whose answer comes back."""

    function: str
    ids: tuple[str, ...]
    size: int = 1
    answers: int = 1

    @property
    def statement(self) -> str:
        return f"select * from {self.function}(%s::text, %s::text, %s::numeric)"

    def parameters(self) -> Iterator[Sequence[object]]:
        amounts = [Decimal(cents) / 100 for cents in range(1, LARGEST_CENTS + 1)]
        return random_pairs(self.ids, amounts)

    def scripts(self) -> list[str]:
        groups = -(-len(self.ids) // MOST_IN_A_SCRIPT)
        if groups > MOST_SCRIPTS:
            raise CheckFailed(
                f"pgbench can call a peer with at most {MOST_SCRIPTS * MOST_IN_A_SCRIPT:,} accounts"
            )
        return [self._script(self.ids[number::groups]) for number in range(groups)]

    def _script(self, ids: Sequence[str]) -> str:
        count = len(ids)
        array = f"({sql.Literal(list(ids)).as_string()}::text[])"
        return (
            f"\\set a random(1, {count})\n"
            f"\\set b 1 + (:a - 1 + random(1, {count - 1})) % {count}\n"
            f"\\set cents random(1, {LARGEST_CENTS})\n"
            "\\set amount :cents / 100.0\n"
            f"select * from {self.function}({array}[:a], {array}[:b], :amount::numeric);\n"
        )


def open_peer(options: Options, connection: Control) -> Work:
    """Finds the peer's function and makes its accounts."""
    found = connection.execute(
        """
        select quote_ident(n.nspname) || '.' || quote_ident(p.proname)
        from pg_catalog.pg_proc as p
        join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
        where p.proname = 'pgledger_create_transfer' and p.prokind = 'f' and p.provariadic = 0
          and p.pronargs >= 3 and p.pronargs - p.pronargdefaults <= 3
          and p.proargtypes[0] = 'text'::regtype and p.proargtypes[1] = 'text'::regtype
          and p.proargtypes[2] = 'numeric'::regtype
        order by pg_function_is_visible(p.oid) desc, p.oid
        """
    ).fetchone()
    if found is None:
        raise CheckFailed(
            "the peer has no function pgledger_create_transfer(text, text, numeric) that can be "
            "called with these three arguments"
        )
    accounts = peer_accounts(options, connection)
    return PeerTransfers(str(found[0]), tuple(accounts))


def peer_accounts(options: Options, connection: Control) -> list[str]:
    """Ids of as many accounts as ours has: of a query, or made by the peer's own function."""
    count = options.accounts
    if options.peer_accounts is None:
        note(f"Creating {count} accounts in the peer; they and their transfers stay there")
        query = account_query(connection, count)
    else:
        given = options.peer_accounts.strip().rstrip(";")
        query = f"select * from ({given}) as given limit {count}"
    try:
        ids = [str(row[0]) for row in connection.execute(query.encode()).fetchall()]
    except psycopg.Error as error:
        raise CheckFailed(f"the peer's accounts cannot be had: {error}") from error
    if len(set(ids)) != count:
        raise CheckFailed(f"{count} accounts of the peer are needed, and there are {len(set(ids))}")
    return ids


def account_query(connection: Control, count: int) -> str:
    """Makes accounts through the peer's pgledger_create_account, of which a name and a currency do.

    What else it takes must have defaults.
    """
    found = connection.execute(
        """
        select
          quote_ident(n.nspname) || '.' || quote_ident(p.proname),
          coalesce(p.proargnames[1:p.pronargs] @> '{name,currency}', false),
          p.proargtypes[0] = 'text'::regtype and p.proargtypes[1] = 'text'::regtype,
          t.typtype = 'b'
        from pg_catalog.pg_proc as p
        join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
        join pg_catalog.pg_type as t on t.oid = p.prorettype
        where p.proname = 'pgledger_create_account' and p.prokind = 'f'
          and p.pronargs >= 2 and p.pronargs - p.pronargdefaults <= 2
        order by pg_function_is_visible(p.oid) desc, p.oid
        """
    ).fetchone()
    if found is None or not (found[1] or found[2]):
        raise CheckFailed(
            "the peer has no pgledger_create_account that makes an account of a name and a "
            "currency: say with --peer-accounts QUERY which accounts to use"
        )
    function, named, _, is_scalar = found
    names = ("name => ", "currency => ") if named else ("", "")
    # A function that returns a plain value has one column, which is named after its alias.
    column = "account" if is_scalar else "account.id"
    return (
        f"select {column} from generate_series(1, {count}) as n cross join lateral "
        f"{function}({names[0]}'{APP_ID} ' || n, {names[1]}'USD') as account"
    )
