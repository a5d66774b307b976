"""The demo tells its story to the end, notices a wrong figure, and leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.server import short_directory

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "scripts" / "demo.py"
SECONDS = 120

pytestmark = pytest.mark.slow

BALANCES = {
    "account_2 |   69.12 |       2",
    "wallet |    5.00 |       2",
    "wallet |    5.00 |     4.00 |              1.00",
    "user1.USD     |  -10.00 | USD",
    "user1.EUR     |    9.26 | EUR",
    "liquidity.USD |   10.00 | USD",
    "liquidity.EUR |   -9.26 | EUR",
}

ANSWERS = {
    "t       |   10 |    10 |         0 | within_limit",
    "f       |   10 |    10 |         0 | limit_exceeded",
    "initech   | period_started",
    "initech   | invoice_finalized",
    "period_started | 2025-02-28 00:00:00+00 | 2025-03-31 00:00:00+00",
    "overage  | Team: API calls beyond 1000 |    12000 |  22.00",
    "tax      | Sales tax 8 %               |          |   6.38",
    "pending |      86.18 |       50.00 |            36.18",
    "paid   |      86.18 |       86.18 |             0.00",
}


class Stage:
    """Where a demo runs: a temporary directory that nothing else uses."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.directory.mkdir(mode=0o755)

    def start(self, *command: str | Path) -> "subprocess.Popen[str]":
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("PG")
        }
        return subprocess.Popen(
            [sys.executable, *(str(part) for part in command or (DEMO,))],
            env={**environment, "TMPDIR": str(self.directory)},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def run(self, *command: str | Path) -> "subprocess.CompletedProcess[str]":
        process = self.start(*command)
        out, err = process.communicate(timeout=SECONDS)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def processes(self) -> list[str]:
        """Returns the command lines of all processes that name the directory."""
        listed = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,command="], capture_output=True, text=True, check=True
        )
        return [line for line in listed.stdout.splitlines() if str(self.directory) in line]

    def is_empty(self) -> bool:
        return not self.processes() and not list(self.directory.iterdir())


@pytest.fixture
def stage() -> Iterator[Stage]:
    with short_directory() as parent:
        yield Stage(parent / "a stage")


def test_the_demo_tells_its_story_twice_and_leaves_nothing_behind(stage: Stage) -> None:
    for _ in range(2):
        done = stage.run()
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        assert stage.is_empty()
        for shown in BALANCES | ANSWERS:
            assert shown in done.stdout
        assert "all as expected" in done.stdout
        assert (
            "does not allow a negative balance: 20.00 less 99.00 would leave -79.00" in done.stdout
        )
        assert "HINT:  Move a smaller amount" in done.stdout
        assert "is paid and cannot become voided" in done.stdout
        # Without a terminal neither colours nor lines that overwrite one another.
        assert "\x1b" not in done.stdout
        assert "\r" not in done.stdout
        assert not re.search(r"\n\n\n\n", done.stdout)


def test_the_demo_shows_every_statement_with_its_prompt(stage: Stage) -> None:
    shown = stage.run().stdout
    statements = re.findall(r"^demo=> (.*)", shown, re.M)
    assert len(statements) > 30
    assert "event_at => '2025-07-01T12:34:56Z'" in shown
    for function in (
        "pgledger_create_account",
        "pgledger_create_transfer",
        "pgledger_create_transfers",
        "pgledger_account_entries",
        "pgledger_freeze_account",
        "pgledger_balance_at",
        "pgledger_generate_id",
        "pgledger_verify",
        "ledger_create_feature",
        "ledger_create_plan",
        "ledger_create_subscription",
        "ledger_ingest_usage",
        "ledger_consume_entitlement",
        "ledger_advance",
        "ledger_redeem_coupon",
        "ledger_record_payment",
    ):
        assert re.search(rf"^demo[=-]> .*\b{function}\(", shown, re.M), function


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, "PostgreSQL"),
        (signal.SIGINT, "2. Transfers"),
        (signal.SIGTERM, "pgledger installed"),
        (signal.SIGHUP, "2. Transfers"),
    ],
)
def test_a_demo_that_is_interrupted_leaves_nothing_behind(
    stage: Stage, number: signal.Signals, moment: str
) -> None:
    process = stage.start()
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(moment):
            break
    process.send_signal(number)
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 128 + number, out + err
    assert "Traceback" not in err
    deadline = time.monotonic() + 10
    while not stage.is_empty() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert stage.is_empty(), stage.processes()


def test_a_figure_that_is_not_as_told_ends_the_demo(stage: Stage) -> None:
    wrong = (
        "import sys; from scripts import demo; from scripts.demo_story import ending; "
        "ending.BALANCES['bank'] = '455.01'; sys.argv[1:] = []; sys.exit(demo.main())"
    )
    done = stage.run("-c", wrong)
    assert done.returncode == 1
    assert "the balances read back are" in done.stderr
    assert "all as expected" not in done.stdout
    assert stage.is_empty()


def test_usage_that_is_not_as_told_ends_the_demo(stage: Stage) -> None:
    wrong = (
        "import sys; from scripts import demo; from scripts.demo_story import ending; "
        "ending.USAGE['acme'] = '11'; sys.argv[1:] = []; sys.exit(demo.main())"
    )
    done = stage.run("-c", wrong)
    assert done.returncode == 1
    assert "the usage read back is" in done.stderr
    assert "all as expected" not in done.stdout
    assert stage.is_empty()


def test_a_payment_that_is_not_as_told_ends_the_demo(stage: Stage) -> None:
    wrong = (
        "import sys; from scripts import demo; from scripts.demo_story import ending; "
        "ending.PAID['globex'] = '86.19'; sys.argv[1:] = []; sys.exit(demo.main())"
    )
    done = stage.run("-c", wrong)
    assert done.returncode == 1
    assert "the payments read back are" in done.stderr
    assert "all as expected" not in done.stdout
    assert stage.is_empty()


def test_an_error_in_a_statement_ends_the_demo(stage: Stage) -> None:
    wrong = (
        "import sys; from scripts import demo; "
        "page = demo.Page(sys.stdout); "
        "demo.tell_story(page, [lambda story: story.type('select 1 / 0;')])"
    )
    done = stage.run("-c", wrong)
    assert done.returncode == 1
    assert "expected no error" in done.stderr
    assert "division by zero" in done.stdout
    assert stage.is_empty()


def test_a_reader_who_has_had_enough_is_no_failure_of_the_server(stage: Stage) -> None:
    process = stage.start()
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=SECONDS) == 1
    assert "Traceback" not in err
    assert stage.is_empty()
