"""Looks for failing examples, for as many minutes as it is told.

Every test that tries many cases is run again and again. Each round has a seed of its own, and so
tries new cases. A failure is printed with the command that repeats it, and its test is left out of
later rounds. An ordinary run of the tests tries the same cases each time.

PGLEDGER_HYPOTHESIS=10 tries ten times as many examples in a round.
Ends with 0 if nothing was found, 1 if something was, 2 if the tests could not be run.
"""

import argparse
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent
# More seconds than a test server takes to stop.
PATIENCE_SECONDS = 60.0
# Pytest's exit status if there is nothing left to run.
NO_TESTS = 5
OUTCOME = re.compile(r"(\S+\.py::.+?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL)(?: .*)?$")


@dataclass
class Round:
    """One run of the tests with one seed."""

    seed: int
    code: int = 0
    in_time: bool = True
    passed: int = 0
    found: list[str] = field(default_factory=list)
    output: list[str] = field(default_factory=list)

    def failures(self) -> str:
        """Returns what pytest says about what failed."""
        begins = [n for n, line in enumerate(self.output) if re.match(r"=+ (FAIL|ERR)", line)]
        return "".join(self.output[begins[0] :]) if begins else ""


def command(paths: list[str], known: list[str]) -> list[str]:
    return [
        *(sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir"),
        *(str(ROOT), "-m", "hunted", "-v", "--tb=short"),
        *(f"--deselect={name}" for name in known),
        *paths,
    ]


def files_of(paths: list[str]) -> list[str]:
    """Returns the files that may hold tests with many cases."""
    found = {
        str(file)
        for path in map(Path, paths)
        for file in ([path] if path.is_file() else path.rglob("test_*.py"))
        if re.search("hypothesis|support.properties", file.read_text())
    }
    return sorted(found)


def run_round(files: list[str], seed: int, known: list[str], deadline: float, log: TextIO) -> Round:
    this = Round(seed)
    # In another order each time, so that a short hunt does not always miss the same tests.
    shuffled = random.Random(seed).sample(files, len(files))
    process = subprocess.Popen(
        command(shuffled, known),
        cwd=ROOT,
        # Lines are printed without buffering, so that they are seen at once.
        env={**os.environ, "PGLEDGER_SEED": str(seed), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def end() -> None:
        this.in_time = False
        process.send_signal(signal.SIGINT)

    left = max(deadline - time.monotonic(), 0.0)
    timers = [threading.Timer(left, end), threading.Timer(left + PATIENCE_SECONDS, process.kill)]
    for timer in timers:
        timer.start()
    assert process.stdout is not None
    try:
        for line in process.stdout:
            log.write(line)
            this.output.append(line)
            # Tests that are interrupted may fail because of that.
            if this.in_time and (outcome := OUTCOME.match(line)):
                this.passed += outcome[2] == "PASSED"
                if outcome[2] in {"FAILED", "ERROR"} and outcome[1] not in this.found:
                    this.found.append(outcome[1])
            minutes = max(deadline - time.monotonic(), 0) / 60
            said = f"seed {seed}: {this.passed} passed, {len(this.found)} failed"
            progress(f"{said}, {minutes:.1f} minutes left")
        this.code = process.wait()
    finally:
        for timer in timers:
            timer.cancel()
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE_SECONDS)
    return this


def progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def say(text: str, log: TextIO) -> None:
    progress("")
    print(text, flush=True)
    print(text, file=log, flush=True)


def hunt(options: argparse.Namespace, log: TextIO) -> int:
    deadline = time.monotonic() + options.minutes * 60
    files = files_of(options.paths)
    seeds = random.Random(options.seed)
    known: list[str] = []
    rounds = tests = 0
    scale = os.environ.get("PGLEDGER_HYPOTHESIS", "1")
    while rounds < options.rounds and time.monotonic() < deadline:
        this = run_round(files, seeds.getrandbits(32), known, deadline, log)
        rounds += 1
        tests += this.passed + len(this.found)
        ended = "" if this.in_time else ", ended by the clock"
        counts = f"{this.passed} passed, {len(this.found)} failed"
        say(f"round {rounds}, seed {this.seed}: {counts}{ended}", log)
        if this.found:
            print(this.failures(), flush=True)
        for name in this.found:
            say(f"found {name}", log)
            settings = f"PGLEDGER_SEED={this.seed} PGLEDGER_HYPOTHESIS={scale}"
            again = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml")]
            say(f"again: {settings} {shlex.join([*again, '--rootdir', str(ROOT), name])}", log)
        known += this.found
        # If the clock ended the round, its exit status says nothing; what it found still counts.
        expected = 1 if this.found else 0
        if this.in_time and this.code != expected:
            # Every test may have failed in an earlier round, so that none is left.
            if known and this.code == NO_TESTS:
                break
            print("".join(this.output[-40:]), flush=True)
            say(f"pytest ended with {this.code}: no tests, or none that can be run", log)
            return 2
    say(f"{rounds} rounds, {tests} tests tried, {len(known)} found; log: {log.name}", log)
    return 1 if known else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="*", default=["tests"], help="tests to try (default: all)")
    parser.add_argument("--minutes", type=float, default=15, help="how long (default: 15)")
    parser.add_argument(
        "--rounds", type=int, default=10**9, help="at most so many (default: any number)"
    )
    parser.add_argument("--seed", type=int, help="repeats the rounds of another hunt")
    parser.add_argument(
        "--log", type=Path, help="where all output goes (default: a file in .cache/hunt)"
    )
    options = parser.parse_args()
    options.paths = [str(Path(path).resolve()) for path in options.paths]
    for path in options.paths:
        if not (Path(path).exists() and Path(path).is_relative_to(ROOT)):
            parser.error(f"{path} is no file or folder of {ROOT}")
    if options.seed is None:
        options.seed = random.SystemRandom().getrandbits(32)
    # A shell's background job ignores SIGINT, and pytest would inherit that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    path = options.log or ROOT / f".cache/hunt/{datetime.now(UTC):%Y-%m-%dT%H%M%S}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", buffering=1) as log:
        say(f"hunting for {options.minutes:g} minutes, --seed={options.seed}", log)
        return hunt(options, log)


if __name__ == "__main__":
    sys.exit(main())
