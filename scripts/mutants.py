"""Plants faults in the SQL of both systems, one at a time, and looks whether a test finds each.

Each fault of ``scripts/planted`` is a small change after which something is wrong: a lock that is
not taken, a sign that is swapped, a check, a tenant or a revoke that is forgotten, a bound that is
off by one. It is put into a copy of the tree and into a copy of a server with the schema, and the
tests run there until the first one fails. First come those that the fault names, or those that the
maps of ``sql/repeatable`` name for its function; if they find nothing, the folder of tests that has
the name of the function's own, and then whatever else calls it. A test that hangs, as with a lock
that is missing, has found something, too::

    python scripts/mutants.py --list
    python scripts/mutants.py --first 1 --count 30
    python scripts/mutants.py --first 31 --count 30 --narrow
    python scripts/mutants.py --only hold --again
    python scripts/mutants.py --summary

What came of each fault is kept in ``.cache/mutants/results.jsonl``, so the next run goes on where
one was stopped; a fault whose SQL or tests have changed since is tried again. At the end the tests
that found something run once more without a fault, since one that fails then has found nothing.

``--summary`` ends with 0 if at least 95 % of all faults were found. A run ends with 1 if a fault of
its own survived or could not be tried. If the text that a fault changes is another by now, it ends
with 2, before anything runs: a fault that is not planted any more finds nothing out.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# This tree's pgledger, whichever is installed.
sys.path[:0] = [str(ROOT), str(ROOT / "python")]

import psycopg  # noqa: E402

from scripts.planted import FAULTS  # noqa: E402
from scripts.planted.bench import Bench, Outcome  # noqa: E402
from scripts.planted.fault import Fault, StaleFaultError  # noqa: E402
from scripts.planted.maps import all_tests, first_tests, in_order  # noqa: E402

RESULTS = ROOT / ".cache/mutants/results.jsonl"
WANTED = 0.95
TEST_SECONDS = 120
RUN_SECONDS = 1800
FOUND = ("found", "hung", "refused")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a fault.

    Attributes:
        name: The fault's.
        digest: Of what was planted, and of the tests that were to try it.
        verdict: ``found`` by a test, ``hung`` in one, ``refused`` by the migrator, ``survived``,
            ``broken`` if it could not be tried, or ``doubtful`` if the test fails without it too.
        test: The test.
        why: What it said.
        seconds: How long it took.
        narrow: Whether the first tests alone were tried.
    """

    name: str
    digest: str
    verdict: str
    test: str = ""
    why: str = ""
    seconds: float = 0.0
    narrow: bool = False


def try_fault(bench: Bench, fault: Fault, *, narrow: bool) -> Result:
    """Plants a fault, and runs tests until one finds it."""
    begun = time.monotonic()
    tests = first_tests(fault)
    rest = [] if narrow else [test for test in all_tests(fault) if test not in tests]
    try:
        with bench.planted(fault):
            outcome = Outcome("passed")
            if fault.like:
                outcome = bench.test(tests, like=fault.like)
            if outcome.verdict == "passed" and tests:
                outcome = bench.test(tests)
            if outcome.verdict == "passed" and rest:
                outcome = bench.test(rest)
    except subprocess.CalledProcessError as error:
        outcome = Outcome("refused", why=" ".join(str(error.stderr).split())[:200])
    except psycopg.Error as error:
        outcome = Outcome("broken", why=f"PostgreSQL does not take it: {error}")
    verdict = {"passed": "survived"}.get(outcome.verdict, outcome.verdict)
    if verdict == "found" and "Timeout" in outcome.why:
        verdict = "hung"
    seconds = round(time.monotonic() - begun, 1)
    return Result(
        fault.name, fault.digest(), verdict, outcome.test, outcome.why, seconds, narrow=narrow
    )


def known_results(path: Path) -> dict[str, Result]:
    """Returns the newest result of each fault, if it is of what the fault is now."""
    if not path.exists():
        return {}
    newest = {
        result.name: result
        for result in (Result(**json.loads(line)) for line in path.read_text().splitlines())
    }
    digests = {fault.name: fault.digest() for fault in FAULTS}
    return {name: result for name, result in newest.items() if digests.get(name) == result.digest}


def keep(path: Path, result: Result) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(asdict(result)) + "\n")


def say(result: Result, place: str) -> None:
    by = f" by {result.test}" if result.test else ""
    why = f" ({result.why})" if result.why and result.verdict not in {"found"} else ""
    print(f"{place} {result.verdict:8} {result.name}{by}{why}, {result.seconds:.0f} s", flush=True)


def without_fault(bench: Bench, results: Sequence[Result], path: Path) -> list[Result]:
    """Runs the tests that found something without a fault; returns what they did not find."""
    finders = in_order(result.test for result in results if result.test)
    if not finders:
        return []
    print(f"running {len(finders)} tests that found something without a fault", flush=True)
    failing = bench.failing(finders)
    for test in failing:
        print(f"fails without a fault, too: {test}")
    everything = any(test.startswith("all of them") for test in failing)
    doubtful = [
        Result(**asdict(result) | {"verdict": "doubtful"})
        for result in results
        if result.test and (everything or result.test in failing)
    ]
    for result in doubtful:
        keep(path, result)
    return doubtful


def summarize(path: Path) -> int:
    known = known_results(path)
    results = [known[fault.name] for fault in FAULTS if fault.name in known]
    found = [result for result in results if result.verdict in FOUND]
    for result in results:
        if result.verdict not in FOUND:
            say(result, "-")
    for verdict in ("found", "hung", "refused", "survived", "broken", "doubtful"):
        count = sum(result.verdict == verdict for result in results)
        print(f"{verdict:9}{count:5}")
    missing = len(FAULTS) - len(results)
    print(f"of {len(FAULTS)} faults {len(results)} were tried and {len(found)} found", end="")
    print(f" ({len(found) / max(len(results), 1):.1%}), {missing} are still to be tried")
    return 0 if not missing and len(found) >= WANTED * len(FAULTS) else 1


def run(options: argparse.Namespace, chosen: Sequence[tuple[int, Fault]]) -> int:
    known = {} if options.again else known_results(options.results)
    left = [(number, fault) for number, fault in chosen if fault.name not in known]
    print(f"{len(chosen)} faults, of which {len(chosen) - len(left)} have been tried", flush=True)
    results: list[Result] = []
    if options.control:
        results = [known[fault.name] for _, fault in chosen if fault.name in known]
        results = [result for result in results if result.verdict in FOUND]
        left = []
    if not left and not results:
        return 0
    parent = "/dev/shm" if Path("/dev/shm").is_dir() else None
    directory = Path(tempfile.mkdtemp(prefix="pgl-", dir=parent))
    directory.chmod(0o755)
    begun = time.monotonic()
    try:
        bench = Bench(
            directory,
            test_seconds=options.test_seconds,
            run_seconds=options.run_seconds,
            warmed=in_order(
                [
                    *(test for _, fault in left for test in first_tests(fault)),
                    *(result.test.partition("::")[0] for result in results if result.test),
                ]
            ),
        )
        for number, fault in left:
            result = try_fault(bench, fault, narrow=options.narrow)
            keep(options.results, result)
            results.append(result)
            minutes = (time.monotonic() - begun) / 60
            say(result, f"[{number}/{len(FAULTS)}, {minutes:.1f} min]")
        doubtful = without_fault(bench, results, options.results)
        bench.close()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    found = sum(result.verdict in FOUND for result in results) - len(doubtful)
    print(f"{found} of {len(results)} were found")
    return 0 if found == len(results) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--first", type=int, default=1, help="number to begin with (default: 1)")
    parser.add_argument("--count", type=int, default=10**6, help="how many (default: all)")
    parser.add_argument("--only", default="", help="only faults in whose name or file this stands")
    parser.add_argument("--narrow", action="store_true", help="try the first tests alone")
    parser.add_argument("--again", action="store_true", help="also those that have been tried")
    parser.add_argument(
        "--control",
        action="store_true",
        help="run what found a fault again, without any, as a run"
        " does at its end; for those that were stopped before it",
    )
    parser.add_argument("--list", action="store_true", help="list the faults, and run nothing")
    parser.add_argument("--summary", action="store_true", help="say what came of all so far")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="file of results (default: in .cache/mutants)"
    )
    parser.add_argument(
        "--test-seconds", type=int, default=TEST_SECONDS, help="after which a test hangs (120)"
    )
    parser.add_argument(
        "--run-seconds", type=int, default=RUN_SECONDS, help="for all tests of a fault (1800)"
    )
    options = parser.parse_args(arguments)
    try:
        for fault in FAULTS:
            fault.check()
    except StaleFaultError as error:
        print(f"mutants.py: {error}", file=sys.stderr)
        return 2
    if options.summary:
        return summarize(options.results)
    chosen = [
        (number, fault)
        for number, fault in enumerate(FAULTS, 1)
        if options.only in f"{fault.name} {fault.file}"
    ][options.first - 1 :][: options.count]
    if options.list:
        for number, fault in chosen:
            print(f"{number:4} {fault.name} ({fault.path})")
        return 0
    if not chosen:
        parser.error("there are no such faults")
    return run(options, chosen)


if __name__ == "__main__":
    sys.exit(main())
