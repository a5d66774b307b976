"""A session of psql that is fed as from a keyboard."""

import contextlib
import re
import secrets
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from scripts.demo_story.errors import DemoError

ANSWER_SECONDS: Final = 60.0
Rows = list[list[str]]


class PsqlSession:
    """One psql that is fed statement by statement, as from a keyboard.

    Args:
        program: Path of psql.
        environment: Its environment, which also says where to connect.
    """

    def __init__(self, program: Path, environment: Mapping[str, str]) -> None:
        # A line that no statement prints tells where the answer to one ends.
        self._end = f"end-{secrets.token_hex(8)}"
        self._process = subprocess.Popen(
            [str(program), "--no-psqlrc", "--pset=pager=off"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            # Times are shown in one zone and words in one language, whoever runs this.
            env={**environment, "PGTZ": "UTC", "LC_ALL": "C", "PGAPPNAME": "psql"},
            # Ctrl-C is for us; psql ends because its input does.
            start_new_session=True,
        )

    def run(self, text: str) -> str:
        """Types some lines and returns what psql prints about them.

        Args:
            text: Statements with their semicolons, or psql's own commands.

        Raises:
            DemoError: psql ended, or did not answer in time.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # psql cannot be asked whether it still works on something, so somebody watches the clock.
        watch = threading.Timer(ANSWER_SECONDS, self._process.kill)
        watch.daemon = True
        watch.start()
        lines: list[str] = []
        try:
            self._process.stdin.write(f"{text}\n\\echo {self._end}\n")
            self._process.stdin.flush()
            for line in self._process.stdout:
                if line.rstrip("\n") == self._end:
                    return "".join(lines)
                lines.append(line)
        except BrokenPipeError:
            lines.append(self._process.stdout.read())
        finally:
            watch.cancel()
        raise DemoError(f"psql ended early, after printing:\n{''.join(lines)}")

    def close(self) -> None:
        """Ends psql; an open transaction is rolled back."""
        with contextlib.suppress(BrokenPipeError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def table(output: str) -> Rows:
    """Returns the cells of a table as psql prints it, without its head and its count of rows."""
    lines = output.splitlines()
    (rule,) = (place for place, line in enumerate(lines) if re.fullmatch(r"[-+]+", line))
    return [
        [cell.strip() for cell in line.split("|")]
        for line in lines[rule + 1 :]
        if line and not re.fullmatch(r"\(\d+ rows?\)", line)
    ]
