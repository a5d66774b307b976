"""A process that has imported pytest and all tests, and forks for each run of some of them.

Starting pytest and importing tests takes longer than most tests that find a fault. It is asked with
a line of JSON on standard input, ``{"arguments": [...], "log": "...", "seconds": 60}``, and answers
each with a line: the exit status of pytest, or ``late`` if it was not over in time.
"""

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

POLL_SECONDS = 0.02


def run(arguments: list[str], log: str, seconds: float) -> str:
    """Runs pytest in a fork of this process, with its output in a file."""
    child = os.fork()
    if child == 0:
        os.setsid()
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        for number in (1, 2):
            os.dup2(descriptor, number)
        code = 3
        try:
            code = int(pytest.main(arguments))
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    deadline = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return str(os.waitstatus_to_exitcode(status))
        if time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "late"
        time.sleep(POLL_SECONDS)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        # What is imported here is imported as pytest wants it, and is there in every fork.
        pytest.main(["-q", "--collect-only", *sys.argv[1:]])
    answers.write("ready\n")
    for line in sys.stdin:
        request = json.loads(line)
        answers.write(run(request["arguments"], request["log"], request["seconds"]) + "\n")


if __name__ == "__main__":
    main()
