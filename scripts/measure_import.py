"""How long an import takes: ``python scripts/measure_import.py [--transfers 1000000]``.

Starts a server of its own, with PostgreSQL's default settings, fills the earlier project's tables
with a history that has ties and steps back, imports it, and compares everything. Ends with 1 if
something differs. Run it alone on the machine.
"""

import argparse
import sys
import time
from pathlib import Path

import psycopg

from pgledger.embedded import EmbeddedServer
from pgledger.importing import EarlierSchema, ImportProgress, import_history
from pgledger.migrate import migrate

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

DIFFERENCES = {
    "accounts that differ in name, currency, balance, version, flags, metadata or created_at": """
        select count(*)
        from earlier.pgledger_accounts as there
        full join pgledger_accounts_v1 as here using (id)
        where (
          there.name, there.currency, there.balance, there.version, there.allow_negative_balance,
          there.allow_positive_balance, there.metadata, there.created_at
        ) is distinct from (
          here.name, here.currency, here.balance, here.version, here.allow_negative_balance,
          here.allow_positive_balance, here.metadata, here.created_at
        )
    """,
    "transfers that differ in accounts, amount, event_at or metadata": """
        select count(*)
        from earlier.pgledger_transfers as there
        full join pgledger_transfers_v1 as here using (id)
        where (
          there.from_account_id, there.to_account_id, there.amount, there.event_at, there.metadata
        ) is distinct from (
          here.from_account_id, here.to_account_id, here.amount, here.event_at, here.metadata
        )
    """,
    "times that differ and are not listed, or are listed and do not differ": """
        select count(*)
        from earlier.pgledger_transfers as there
        inner join pgledger_transfers_v1 as here using (id)
        left join pgledger_imported_times_v1 as listed on listed.transfer_id = id
        where (there.created_at <> here.created_at) <> (listed.transfer_id is not null)
          or there.created_at <> coalesce(listed.imported_created_at, there.created_at)
          or here.created_at < there.created_at
    """,
    "entries that differ in amount, version or balances, or whose old id leads elsewhere": """
        select count(*)
        from earlier.pgledger_entries as there
        left join pgledger_imported_entries_v1 as listed on listed.imported_id = there.id
        left join pgledger_entries_v1 as here
          on here.account_id = there.account_id and here.transfer_id = there.transfer_id
        where (
          there.amount, there.account_version, there.account_previous_balance,
          there.account_current_balance
        ) is distinct from (
          here.amount, here.account_version, here.account_previous_balance,
          here.account_current_balance
        ) or listed.id is distinct from here.id
    """,
    "violations of pgledger_verify": "select sum(violations) from pgledger_verify()",
}


def main() -> int:
    """Measures, prints, and returns the exit code."""
    from support.earlier import make_earlier

    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--transfers", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=1_000)
    options = parser.parse_args()
    steps: dict[str, float] = {}

    def told(progress: ImportProgress) -> None:
        steps.setdefault(progress.step, time.monotonic())

    with (
        EmbeddedServer.temporary() as server,
        psycopg.connect(server.dsn(), autocommit=True) as conn,
    ):
        migrate(conn)
        print(f"filling the earlier tables with {options.transfers:,} transfers", flush=True)
        make_earlier(conn, "earlier", accounts=options.accounts, transfers=options.transfers)
        conn.execute("vacuum analyze")
        conn.execute("checkpoint")
        began = time.monotonic()
        result = import_history(conn, EarlierSchema("earlier"), on_progress=told)
        ended = time.monotonic()
        for (step, at), until in zip(
            steps.items(), [*list(steps.values())[1:], ended], strict=True
        ):
            print(f"{until - at:8.2f} s  {step}")
        print(f"{ended - began:8.2f} s  in all")
        print(
            f"{result.accounts:,} accounts, {result.transfers:,} transfers, "
            f"{result.lifted_times:,} of them lifted, {result.later_limits:,} later limits, "
            f"{len(result.faults):,} faults"
        )
        wrong = 0
        for what, query in DIFFERENCES.items():
            row = conn.execute(query.encode()).fetchone()
            count = 0 if row is None else int(row[0])
            print(f"{count:,} {what}", flush=True)
            wrong += count
    return 1 if wrong or result.faults else 0


if __name__ == "__main__":
    sys.exit(main())
