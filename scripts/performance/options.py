"""The command line: options, their defaults, and which of them go together."""

from __future__ import annotations

import argparse
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.performance.examples import EXAMPLES

MOST_ACCOUNTS = 1_000_000
MOST_IN_A_CALL = 100_000
MOST_TENANTS = 100_000
# With how few transfers or events the modes growth and entitlement begin.
GROWTH_START = 10_000
DEFAULT_ACCOUNTS = {"python": 1_000, "batcher": 201}
DEFAULT_WORKERS = {"batcher": 200, "usage": 2, "entitlement": 2, "invoice": 2}
DEFAULT_BATCH_SIZE = {"usage": 10_000, "entitlement": 10_000, "invoice": 10_000}
DEFAULT_EVENTS = {"usage": 1_000_000, "entitlement": 10_000_000, "invoice": 10_000_000}
DEFAULT_TENANTS = {"invoice": 10_000}
DEFAULT_TRANSFERS = {
    "python": 20_000,
    "bytes": 200_000,
    "history": 1_000_000,
    "times": 1_000_000,
    "growth": 5_000_000,
    "processor": 20_000,
    "calls": 20_000,
}
THROUGHPUT_MODES = ("single", "batch", "bulk")
FLOOR_MODES = (*THROUGHPUT_MODES, "usage")
USAGE_MODES = ("usage", "entitlement", "invoice")
PEER_MODES = ("single", "processor")
BASELINE_MODES = (*THROUGHPUT_MODES, "processor", *USAGE_MODES)
MODES = (
    *THROUGHPUT_MODES,
    "python",
    "bytes",
    "history",
    "times",
    "growth",
    "processor",
    "calls",
    "batcher",
    *USAGE_MODES,
)
ANSWERS = ("row", "id", "count")


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
    returning: tuple[str, ...]
    rounds: int
    tenants: int
    events: int
    floor: bool
    peer: str | None
    peer_accounts: str | None
    baseline: str | None
    purge: bool
    purge_rest: int
    json: Path | None
    plot: Path | None
    cases: tuple[tuple[int, int], ...]


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


def answers(text: str) -> tuple[str, ...]:
    """Reads what calls bring back: row, id or count, or several of them."""
    chosen = tuple(dict.fromkeys(part.strip().rstrip("s") for part in text.split(",")))
    for part in chosen:
        if part not in ANSWERS:
            raise argparse.ArgumentTypeError(f"{part!r} is not one of {', '.join(ANSWERS)}")
    return chosen


def whole_numbers(least: int, most: int) -> Callable[[str], list[int]]:
    """Reads one or more whole numbers in a range, divided by commas."""
    read = whole(least, most)
    return lambda text: list(dict.fromkeys(read(part) for part in text.split(",")))


def argument_parser(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="performance_check.py",
        description=description,
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
        type=whole_numbers(2, MOST_ACCOUNTS),
        metavar="N",
        help="accounts to make and to pick from (default: 50; with --mode python 1000, batcher "
        "201); several, such as 50,1000, are measured one after another",
    )
    add(
        "--workers",
        type=whole_numbers(1, 1000),
        metavar="N",
        help="connections at work at the same time (default: 20; of usage events 2, of a batcher's "
        "callers 200); several, such as 1,4,20, are measured one after another",
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
        help="requests a call in the modes batch, bulk and calls (default: 1000), events a call in "
        "the modes usage, entitlement and invoice (default: 10000)",
    )
    add(
        "--returning",
        type=answers,
        default=("row",),
        metavar="WHAT",
        help="what a call brings back of each transfer: row, the whole of it (default), or id; "
        "with --mode bulk, by functions of their own, also count, how many there are; several, "
        "such as row,id,count, take turns",
    )
    add(
        "--transfers",
        type=whole(1, 1_000_000_000),
        metavar="N",
        help="transfers of the modes python, bytes, history, times, growth, processor and calls",
    )
    add(
        "--rounds",
        type=whole(1, 1000),
        default=8,
        metavar="N",
        help="rounds of the modes processor and calls, of which the least counts (default: 8)",
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
        "--peer",
        metavar="DSN",
        help="measure in turn another ledger, in any database that has a "
        "pgledger_create_transfer(text, text, numeric), and the ratio",
    )
    add(
        "--peer-accounts",
        metavar="QUERY",
        help="ids of accounts of the peer's, if it has no pgledger_create_account that takes a "
        "name and a currency",
    )
    add(
        "--baseline",
        metavar="DSN",
        help="measure in turn the same in another database that has pgledger, such as an earlier "
        "commit of it, and the ratio",
    )
    add(
        "--purge",
        action="store_true",
        help="with --mode usage: measure in turn while old events are being purged, and the ratio",
    )
    add(
        "--purge-rest",
        type=whole(0, 100),
        default=0,
        metavar="N",
        help="with --purge: after each call rest N times as long as it took (default: 0)",
    )
    add("--json", type=Path, metavar="FILE", help="write the figures to FILE too")
    add(
        "--plot",
        type=Path,
        metavar="FILE.svg",
        help="draw the figures: rates beside the rivals', percentiles, bytes by table and index",
    )
    return parser


def refusals(given: argparse.Namespace) -> Iterator[str]:
    """Why these options do not go together."""
    mode = str(given.mode)
    several = (given.floor, given.purge, given.baseline is not None)
    rules: list[tuple[object, str]] = [
        (given.dsn is not None and given.embedded is not None, "a DSN or --embedded DIR, not both"),
        (given.purge and sum(several) > 1, "--purge, --floor or --baseline, not both"),
        (mode == "entitlement" and 0 < (given.events or 10) < 10, "at least 10 --events"),
        (mode == "growth" and 0 < (given.transfers or 10) < 10, "at least 10 --transfers"),
    ]
    yield from (f"give {text}" for wrong, text in rules if wrong)
    for is_given, option, modes in (
        (given.floor, "--floor", FLOOR_MODES),
        (given.peer is not None, "--peer", PEER_MODES),
        (given.baseline is not None, "--baseline", BASELINE_MODES),
        (given.purge, "--purge", ("usage",)),
        (given.events is not None, "--events", USAGE_MODES),
        (given.transfers is not None, "--transfers", tuple(DEFAULT_TRANSFERS)),
        ("count" in given.returning, "--returning count", ("bulk",)),
        (len(given.returning) > 1, "several --returning", THROUGHPUT_MODES),
    ):
        if is_given and mode not in modes:
            which = f"--mode {modes[0]}" if len(modes) == 1 else f"the modes {', '.join(modes)}"
            yield f"{option} goes with {which}"
    if mode in USAGE_MODES and given.driver == "pgbench":
        yield f"--mode {mode} makes idempotency keys, which pgbench cannot"
    if mode == "batcher" and given.driver == "pgbench":
        yield "--mode batcher measures Python's callers, which pgbench is not"
    if given.purge_rest and not given.purge:
        yield "--purge-rest goes with --purge"
    if given.peer_accounts is not None and given.peer is None:
        yield "--peer-accounts goes with --peer"
    if given.peer is not None and given.returning != ("row",):
        yield "a peer's answers come back whole: leave --returning out"
    several_cases = len(given.workers or [0]) * len(given.accounts or [0]) > 1
    if several_cases and mode not in THROUGHPUT_MODES:
        yield f"several --workers or --accounts go with the modes {', '.join(THROUGHPUT_MODES)}"
    for option, path in (("--json", given.json), ("--plot", given.plot)):
        if path is not None and not path.absolute().parent.is_dir():
            yield f"{option}: there is no directory {path.parent}"
    if given.plot is not None and given.plot.suffix != ".svg":
        yield f"--plot draws SVG, so {given.plot} must end in .svg"
    if given.plot is not None and mode == "growth":
        yield "--mode growth has nothing to plot: it ends in two ratios"


def read_options(arguments: Sequence[str], description: str | None) -> Options:
    parser = argument_parser(description)
    given = parser.parse_args(arguments)
    for refusal in refusals(given):
        parser.error(refusal)
    mode = str(given.mode)
    given.transfers = given.transfers or DEFAULT_TRANSFERS.get(mode, 0)
    workers = given.workers or [DEFAULT_WORKERS.get(mode, 20)]
    accounts = given.accounts or [DEFAULT_ACCOUNTS.get(mode, 50)]
    given.cases = tuple(itertools.product(workers, accounts))
    given.workers, given.accounts = given.cases[0]
    given.batch_size = given.batch_size or DEFAULT_BATCH_SIZE.get(mode, 1000)
    given.events = given.events or DEFAULT_EVENTS.get(mode, 0)
    given.tenants = given.tenants or DEFAULT_TENANTS.get(mode, 1000)
    return Options(**vars(given))
