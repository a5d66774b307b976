"""Measures ``pgledger verify`` and ``pgledger export`` on many transfers, on a standby too.

Run alone on a machine:

    python scripts/measure_verify.py --transfers 10000000

It makes a server of its own in a temporary directory, fills it with one account that takes part in
every transfer and many that share the other sides, and copies it to a standby. For each command it
says the time, the rate, and the most memory that the client and its backend had for themselves.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import psycopg

from pgledger.embedded import EmbeddedServer
from pgledger.migrate import migrate

LOOK_EVERY_SECONDS: Final = 0.1
# As many transfers as are inserted in one transaction.
CHUNK: Final = 1_000_000

# Account 1 is reached by all; the others take turns to pay. So balances and versions are known
# without adding up, and what is verified was not computed by what it is compared with.
FILL: Final = """
insert into pgledger.transfers (
  from_key, to_key, from_version, to_version, created_at, id, app_id, amount, from_balance,
  to_balance
)
select
  payer.keys[1 + number % {payers}], hot.key, number / {payers} + 1, number + 1,
  hot.created_at + interval '1 day' + number * interval '1 ms',
  'pglt_' || lpad((number + 1)::text, 26, '0'), '', 0.25,
  -0.25 * (number / {payers} + 1), 0.25 * (number + 1)
from generate_series({first}::bigint, {last}::bigint) as number
cross join (select key, created_at from pgledger.accounts where name = 'hot') as hot
cross join (
  select array_agg(key order by key) as keys from pgledger.accounts where name <> 'hot'
) as payer
"""
BALANCE: Final = """
update pgledger.accounts
set balance = total.amount, version = total.entries, updated_at = total.newest_at
from (
  select to_key, sum(amount), count(*), max(created_at) from pgledger.transfers group by to_key
  union all
  select from_key, -sum(amount), count(*), max(created_at) from pgledger.transfers group by from_key
) as total (key, amount, entries, newest_at)
where accounts.key = total.key
"""


AT_ONCE: Final = (
    "import psycopg, sys; psycopg.connect(sys.argv[1], application_name='pgledger')"
    ".execute('select * from pgledger_verify()').fetchall()"
)


def say(text: str) -> None:
    """Prints a line at once."""
    print(text, flush=True)


def fill(server: EmbeddedServer, transfers: int, accounts: int) -> None:
    """Makes books of so many transfers."""
    migrate(server.dsn())
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("set synchronous_commit = off")
        connection.execute("select pgledger_create_account('hot', 'USD')")
        connection.execute(
            "select count(pgledger_create_account('payer ' || number, 'USD'))"
            " from generate_series(1, %s) as number",
            [accounts],
        )
        # They are older than their transfers, which all lie in the past.
        connection.execute(
            "update pgledger.accounts set created_at = now() - interval '30 days',"
            " updated_at = now() - interval '30 days'"
        )
        for first in range(0, transfers, CHUNK):
            last = min(first + CHUNK, transfers) - 1
            connection.execute(FILL.format(first=first, last=last, payers=accounts).encode())
            say(f"  {last + 1:,} transfers")
        connection.execute(BALANCE)
        connection.execute("vacuum analyze pgledger.transfers, pgledger.accounts")
        connection.execute("checkpoint")
        row = connection.execute(
            "select pg_size_pretty(pg_total_relation_size('pgledger.transfers'))"
        ).fetchone()
        say(f"  {row[0] if row else ''} of transfers and their indexes")


@contextlib.contextmanager
def standby_of(primary: EmbeddedServer, directory: Path) -> Generator[EmbeddedServer]:
    """Copies a server, and runs the copy as its standby."""
    directory.mkdir(mode=0o755)
    data = directory / "pgdata"
    primary.run("pg_basebackup", "-D", str(data), "--checkpoint=fast", "-R")
    owner = primary.data_directory.stat()
    for path in [data, *data.rglob("*")]:
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
    with EmbeddedServer(directory, bin_dir=primary.bin_dir) as standby:
        yield standby


def private_bytes(pid: int) -> int:
    """Returns the memory that a process has for itself; 0 once it has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    return 0


def backends(connection: psycopg.Connection[Any]) -> Iterator[int]:
    """Yields the backends of the command, parallel workers among them."""
    for (pid,) in connection.execute(
        "select pid from pg_stat_activity where application_name = 'pgledger'"
    ):
        yield pid


def measure(name: str, server: EmbeddedServer, transfers: int, command: Sequence[str]) -> None:
    """Runs a command to its end, and says what it took."""
    began = time.monotonic()
    of_client = of_backends = 0
    with (
        psycopg.connect(server.dsn(), autocommit=True) as watching,
        subprocess.Popen(command, stdout=subprocess.DEVNULL) as process,
    ):
        while process.poll() is None:
            of_client = max(of_client, private_bytes(process.pid))
            of_backends = max(of_backends, sum(map(private_bytes, backends(watching))))
            time.sleep(LOOK_EVERY_SECONDS)
    seconds = time.monotonic() - began
    if process.returncode:
        sys.exit(f"{name} ended with {process.returncode}")
    say(
        f"{name:<34} {seconds:8.1f} s {transfers / seconds:12,.0f} a second"
        f" {of_client / 2**20:8.0f} MiB client {of_backends / 2**20:8.0f} MiB backend"
    )


def main() -> None:
    """Fills, and measures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--transfers", type=int, default=10_000_000)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--slice-size", type=int, default=50_000)
    parser.add_argument("--formats", nargs="*", default=["csv", "hledger"])
    parser.add_argument("--at-once", action="store_true", help="also pgledger_verify() in psql")
    parser.add_argument("--directory", type=Path, help="where to make the servers")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as made:
        os.chmod(made, 0o755)  # noqa: PTH101 -- the server runs as another account
        place = Path(made)
        (place / "primary").mkdir(mode=0o755)
        with EmbeddedServer(place / "primary", settings={"wal_level": "replica"}) as primary:
            say("Filling")
            fill(primary, arguments.transfers, arguments.accounts)
            with standby_of(primary, place / "standby") as standby:
                for where, server in (("primary", primary), ("standby", standby)):
                    run = [sys.executable, "-m", "pgledger"]
                    size = str(arguments.slice_size)
                    measure(
                        f"{where}: verify",
                        server,
                        arguments.transfers,
                        [*run, "verify", server.dsn(), "--slice-size", size],
                    )
                    for form in arguments.formats:
                        measure(
                            f"{where}: export --format {form}",
                            server,
                            arguments.transfers,
                            [*run, "export", server.dsn(), "--format", form],
                        )
                if arguments.at_once:
                    measure(
                        "primary: pgledger_verify()",
                        primary,
                        arguments.transfers,
                        [
                            *(sys.executable, "-c"),
                            AT_ONCE,
                            primary.dsn(),
                        ],
                    )


if __name__ == "__main__":
    main()
