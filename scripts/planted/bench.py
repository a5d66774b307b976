"""Where faults are tried: a copy of the tree, and a copy of a server for each of them."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from pgledger.embedded import EmbeddedServer
from scripts.planted.fault import ROOT, Fault
from scripts.planted.standing import DIRECTORY, SCHEMA

# All that the tests of the SQL read.
PARTS: Final = (
    *("CHANGELOG.md", "LICENSE", "Makefile", "README.md", "performance_check.py"),
    *("pyproject.toml", "docs", "python", "scripts", "sql", "tests"),
)
SETTINGS: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "timezone": "UTC",
    "deadlock_timeout": "200ms",
}
# Pytest's exit status if no test has such a name.
NO_TESTS: Final = "5"
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (tests/\S+?\.py(?:::.*?)?)(?: - (.*))?$", re.M)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What tests said.

    Attributes:
        verdict: ``found``, ``passed`` or ``broken``, if they could not be run to their end.
        test: The one that failed.
        why: What it said, in a line.
    """

    verdict: str
    test: str = ""
    why: str = ""


class Bench:
    """A copy of the tree, and a stopped server with its schema, of which each fault gets a copy.

    Args:
        directory: A directory of its own, which others may enter.
        test_seconds: How long one test may take; one that hangs has found something.
        run_seconds: How long one run of tests may take.
        warmed: Tests that are imported once, for all faults.
    """

    def __init__(
        self, directory: Path, *, test_seconds: int, run_seconds: int, warmed: Sequence[str]
    ) -> None:
        self.tree = directory / "tree"
        self.image = directory / "image"
        self.server = directory / "server"
        self.test_seconds = test_seconds
        self.run_seconds = run_seconds
        self.warmed = warmed
        self.log = directory / "log"
        self._warm: subprocess.Popen[str] | None = None
        for part in PARTS:
            source, target = ROOT / part, self.tree / part
            if source.is_dir():
                shutil.copytree(
                    source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
                )
            else:
                target.parent.mkdir(exist_ok=True)
                shutil.copy2(source, target)
        self.install(self.image)

    def install(self, directory: Path) -> None:
        """Makes a server with the schema of the copied tree, and stops it again.

        Raises:
            subprocess.CalledProcessError: The migrator refused.
        """
        shutil.rmtree(directory, ignore_errors=True)
        with EmbeddedServer(directory, settings=SETTINGS) as server:
            with psycopg.connect(server.dsn(), autocommit=True) as connection:
                connection.execute(f"create database {SCHEMA}".encode())
            self._python("-m", "pgledger", "migrate", server.dsn(SCHEMA))

    def _python(self, *arguments: str) -> None:
        subprocess.run(
            [sys.executable, *arguments],
            cwd=self.tree,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )

    def _environment(self) -> dict[str, str]:
        return os.environ | {
            "PYTHONPATH": str(self.tree / "python"),
            "PYTHONDONTWRITEBYTECODE": "",
            DIRECTORY: str(self.server),
        }

    @contextmanager
    def planted(self, fault: Fault) -> Iterator[None]:
        """Plants a fault in the tree and in a running server, and takes it out again.

        Raises:
            psycopg.Error: PostgreSQL does not take the text.
            subprocess.CalledProcessError: The migrator refuses it.
        """
        path = self.tree / fault.path
        sound = path.read_text(encoding="utf-8")
        planted = fault.planted(self.tree)
        path.write_text(planted, encoding="utf-8")
        try:
            if fault.whole:
                self.install(self.server)
            with self.running(anew=not fault.whole) as server:
                if not fault.whole:
                    with psycopg.connect(server.dsn(SCHEMA)) as connection:
                        # A body that is no SQL would fail every test, and find out nothing.
                        connection.execute("set local check_function_bodies = on")
                        connection.execute(planted.replace("@extschema@", "public").encode())
                yield
        finally:
            path.write_text(sound, encoding="utf-8")

    @contextmanager
    def running(self, *, anew: bool = True) -> Iterator[EmbeddedServer]:
        """Runs a copy of the server."""
        if anew:
            shutil.rmtree(self.server, ignore_errors=True)
            subprocess.run(["cp", "-a", str(self.image), str(self.server)], check=True)
        with EmbeddedServer(self.server, settings=SETTINGS) as server:
            yield server

    def test(self, tests: Sequence[str], *, like: str = "", all_of_them: bool = False) -> Outcome:
        """Runs tests, or those with such names, on the running server until one fails, or all."""
        arguments = [
            *("-q", "--tb=line", "-p", "no:xdist", "-p", "scripts.planted.standing"),
            *([] if all_of_them else ["-x"]),
            *(["-k", like] if like else []),
            *(f"--timeout={self.test_seconds}", *tests),
        ]
        answer = self._ask(arguments)
        output = self.log.read_text(errors="replace")
        failed = _FAILED.findall(output)
        if answer == "1" and failed:
            test, why = failed[0]
            return Outcome("found", test, " ".join(why.split())[:120])
        if answer == "0" or (like and answer == NO_TESTS):
            return Outcome("passed")
        if answer == "late":
            return Outcome("broken", why=f"the tests were not over after {self.run_seconds} s")
        return Outcome(
            "broken", why=f"pytest ended with {answer}: {' '.join(output.split())[-300:]}"
        )

    def _ask(self, arguments: Sequence[str]) -> str:
        if self._warm is None or self._warm.poll() is not None:
            self._warm = subprocess.Popen(
                [sys.executable, "-m", "scripts.planted.warm", *self.warmed],
                cwd=self.tree,
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                bufsize=1,
            )
            assert self._warm.stdout is not None
            self._warm.stdout.readline()
        assert self._warm.stdin is not None
        assert self._warm.stdout is not None
        request = {"arguments": arguments, "log": str(self.log), "seconds": self.run_seconds}
        self._warm.stdin.write(json.dumps(request) + "\n")
        return self._warm.stdout.readline().strip()

    def close(self) -> None:
        """Ends the process that the tests are forked from."""
        if self._warm is not None and self._warm.stdin is not None:
            self._warm.stdin.close()
            self._warm.wait()

    def failing(self, tests: Sequence[str]) -> list[str]:
        """Returns which of the tests fail without a fault."""
        with self.running():
            outcome = self.test(tests, all_of_them=True)
        if outcome.verdict == "passed":
            return []
        failed = [test for test, _ in _FAILED.findall(self.log.read_text(errors="replace"))]
        return failed or [f"all of them: {outcome.why}"]
