"""Kills a PostgreSQL with SIGKILL, again and again, under workers who know what they asked for.

Each worker does one thing after the other in transactions of its own: transfers with ids and with
idempotency keys, batches, holds that are posted or voided, reversals, usage, invoices that are
paid; in each it also writes a row of the application's own. Some it rolls back on purpose. In the
middle of that the process of one session is killed, or the server's first process, or all of them.
Once the server has recovered, what is there is compared with what the workers know::

    python scripts/crash_test.py --kills 60 --workers 8 --seed 1
    python scripts/crash_test.py --kills 3 --only holds,keys
    python scripts/crash_test.py --list

- acknowledged: its COMMIT was answered. If it is not there, it was *lost*.
- failed: it was rolled back, or its session ended before COMMIT was sent. If it is there, it is a
  *phantom*.
- unknown: COMMIT was sent and the answer lost. Its worker asks again with the same ids and keys, as
  it does for some that were acknowledged or failed. What is there twice then is *doubled*.
- *half*: some of it is there, or the application's row without what it is about, or the reverse.

After every recovery ``pgledger_verify`` looks through the books, and queries look whether billing's
sums and numbers hold. At the end comes a control that must lose: the same with
``synchronous_commit`` off, in which nothing is written before the kill. If nothing is lost there,
this could not see a loss.

Ends with 0 if nothing was lost, half, phantom or doubled and all checks held, and the control lost
something; otherwise with 1. The seed decides what is asked for and what is killed, not when the
operating system lets whom run. What a power cut takes besides is not tried: what PostgreSQL has
written stays with the operating system.
"""

import argparse
import contextlib
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# This tree's pgledger, whichever is installed.
sys.path[:0] = [str(ROOT), str(ROOT / "python")]

from pgledger import Ledger  # noqa: E402
from pgledger.migrate import migrate  # noqa: E402
from scripts.crashes.counting import Tally  # noqa: E402
from scripts.crashes.deeds import ACCOUNTS, Deed, Kind  # noqa: E402
from scripts.crashes.kinds import all_kinds  # noqa: E402
from scripts.crashes.stage import (  # noqa: E402
    DATABASE,
    DURABLE,
    FORGETFUL,
    WAYS,
    NotBackError,
    Stage,
    connect,
)
from scripts.crashes.workers import Worker, await_acknowledgements, do_again  # noqa: E402
from scripts.performance.console import Progress  # noqa: E402

# Of each round so many that were acknowledged, and so many that failed, are asked for again.
AGAIN = 5
# The control is killed as soon as so many were acknowledged: long before anything is written.
CONTROL_ACKNOWLEDGEMENTS = 40
PATIENCE_SECONDS = 60.0


class CrashTest:
    """Rounds on one stage: work, a kill, a recovery, a look at what is there."""

    def __init__(
        self, stage: Stage, kinds: Mapping[str, Kind], options: argparse.Namespace
    ) -> None:
        self.stage = stage
        self.kinds = kinds
        self.options = options
        self.deeds: list[Deed] = []
        self.tally = Tally()

    def prepare(self) -> None:
        """Installs the schema, and makes what the workers need."""
        with contextlib.closing(connect(self.stage.server.dsn())) as admin:
            admin.execute(f"create database {DATABASE}".encode())
        migrate(self.stage.dsn)
        with contextlib.closing(connect(self.stage.dsn)) as conn:
            conn.execute("create table deeds (name text constraint deeds_name_pk primary key)")
            ledger = Ledger(conn)
            accounts = [ledger.create_account(f"a{n}", "USD").id for n in range(ACCOUNTS)]
            for kind in self.kinds.values():
                kind.prepare(conn, accounts)

    def round(self, way: str, label: str, *, is_control: bool = False) -> None:
        """Lets the workers work, kills, and compares.

        Raises:
            NotBackError: The server did not come back.
        """
        dice = random.Random(f"{self.options.seed} {label}")
        for kind in self.kinds.values():
            kind.begin(self.stage.dsn)
        workers = [
            Worker(self.stage.dsn, number, label, self.kinds, self.options.seed)
            for number in range(self.options.workers)
        ]
        for worker in workers:
            worker.start()
        if is_control:
            await_acknowledgements(workers, CONTROL_ACKNOWLEDGEMENTS, PATIENCE_SECONDS)
        else:
            await_acknowledgements(workers, self.options.workers, PATIENCE_SECONDS)
            time.sleep(dice.uniform(0, 2 * self.options.seconds))
        seconds = self.stage.kill(way, dice, [worker.backend for worker in workers])
        self.tally.recoveries.append(seconds)
        for worker in workers:
            worker.ending.set()
            worker.join(PATIENCE_SECONDS)
            if worker.is_alive():
                self.tally.faults.add(f"{worker.name} hangs after a kill of the {way}")
            if worker.error is not None:
                self.tally.faults.add(f"{worker.name}: {worker.error!r}")
        for kind in self.kinds.values():
            kind.end()
        fresh = [deed for worker in workers for deed in worker.deeds]
        self.deeds += fresh
        self.look(fresh, dice, is_control=is_control)

    def look(self, fresh: Sequence[Deed], dice: random.Random, *, is_control: bool) -> None:
        """Compares, asks again, and compares again."""
        tally = self.tally
        tally.counts.update(deed.knowledge for deed in fresh)
        with contextlib.closing(connect(self.stage.dsn)) as conn:
            there = tally.compare(conn, self.kinds, self.deeds)
            tally.verify(conn)
        if is_control:
            return
        unknown = [deed for deed in fresh if deed.knowledge == "unknown"]
        tally.counts["unknown there"] += sum(deed.name in there for deed in unknown)
        again = list(unknown)
        for knowledge in ("acknowledged", "failed"):
            known = [deed for deed in fresh if deed.knowledge == knowledge]
            again += dice.sample(known, min(AGAIN, len(known)))
        tally.counts["again"] += len(again)
        for kind in self.kinds.values():
            kind.begin(self.stage.dsn)
        do_again(self.stage.dsn, self.kinds, again)
        for kind in self.kinds.values():
            kind.end()
        with contextlib.closing(connect(self.stage.dsn)) as conn:
            tally.compare(conn, self.kinds, again)


def ways_of(kills: int, seed: int) -> list[str]:
    """Returns what is killed each time: each way as often as the others, in some order."""
    dice = random.Random(seed)
    ways: list[str] = []
    while len(ways) < kills:
        ways += dice.sample(WAYS, len(WAYS))
    return ways[:kills]


def say(title: str, tally: Tally) -> None:
    print(title)
    for line in tally.lines():
        print(f"  {line}")


def run(options: argparse.Namespace, kinds: Mapping[str, Kind], directory: Path) -> int:
    ways = ways_of(options.kills, options.seed)
    test = CrashTest(Stage(directory / "data", DURABLE), kinds, options)
    begun = time.monotonic()
    with Progress(options.kills + options.control_kills, "kills") as progress:
        with test.stage.running():
            test.prepare()
            for number, way in enumerate(ways, 1):
                test.round(way, f"{number}")
                progress.step(1)
        control = CrashTest(Stage(directory / "data", FORGETFUL), kinds, options)
        with control.stage.running():
            for number in range(1, options.control_kills + 1):
                control.round("server", f"control{number}", is_control=True)
                progress.step(1)
    seconds = time.monotonic() - begun
    counted = ", ".join(f"{ways.count(way)} of a {way}" for way in WAYS)
    say(
        f"{options.kills} kills ({counted}) under {options.workers} workers, seed {options.seed}, "
        f"{seconds:.0f} s",
        test.tally,
    )
    is_sharp = True
    if options.control_kills:
        say("control, which must lose: synchronous_commit = off", control.tally)
        others = control.tally.half | control.tally.phantom | control.tally.doubled
        is_sharp = bool(control.tally.lost) and not others and not control.tally.faults
        if not control.tally.lost:
            print("The control lost nothing: this run could not have seen a loss.")
    return 0 if test.tally.is_clean and is_sharp else 1


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = all_kinds()
    parser.add_argument("--kills", type=int, default=60, help="how many (default: 60)")
    parser.add_argument("--workers", type=int, default=8, help="how many (default: 8)")
    parser.add_argument(
        "--seed", type=int, default=1, help="decides what is asked for (default: 1)"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=0.5,
        help="of work before a kill, about (default: 0.5)",
    )
    parser.add_argument(
        "--control-kills", type=int, default=2, help="of the control; 0 for none (default: 2)"
    )
    parser.add_argument("--only", default="", help="kinds of work, with commas between them")
    parser.add_argument("--list", action="store_true", help="list the kinds of work, and end")
    options = parser.parse_args(arguments)
    if options.list:
        for name, kind in kinds.items():
            module = sys.modules[type(kind).__module__]
            print(f"{name:12} {(module.__doc__ or '').strip()}")
        return 0
    if options.kills < 1 or options.workers < 1 or options.control_kills < 0:
        parser.error("--kills and --workers must be at least 1, --control-kills at least 0")
    wanted = options.only.split(",") if options.only else list(kinds)
    if unknown := [name for name in wanted if name not in kinds]:
        parser.error(f"there is no kind of work {unknown[0]!r}; --list shows them")
    directory = Path(tempfile.mkdtemp(prefix="pgl-crash-"))
    directory.chmod(0o755)
    try:
        return run(options, {name: kinds[name] for name in wanted}, directory)
    except NotBackError as error:
        print(f"crash_test.py: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
