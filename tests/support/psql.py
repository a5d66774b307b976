"""Running scripts through the server's own psql."""

import os
import subprocess
from collections.abc import Callable, Mapping

import pytest

from pgledger.embedded import EmbeddedServer

Psql = Callable[..., str]

SCRIPT_SECONDS = 120


@pytest.fixture
def psql(server: EmbeddedServer, request: pytest.FixtureRequest) -> Psql:
    """``psql(script)`` runs a script and returns what psql printed, as text.

    It goes to the test's own database (``ledger_dsn``) or to ``dsn=…``, reads no start-up file,
    and stops at the first error, which fails the test with psql's message. Further arguments are
    psql's (``psql("select 1", "-At")``); ``env=…`` adds to the environment; ``check=False``
    returns standard output and standard error together instead of failing.
    """

    def run(
        script: str,
        *arguments: str,
        dsn: str | None = None,
        env: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> str:
        target = dsn if dsn is not None else request.getfixturevalue("ledger_dsn")
        done = subprocess.run(
            [
                str(server.program("psql")),
                "--no-psqlrc",
                "--set=ON_ERROR_STOP=1",
                f"--dbname={target}",
                *arguments,
            ],
            input=script,
            text=True,
            encoding="utf-8",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if check else subprocess.STDOUT,
            env={**os.environ, "PGCLIENTENCODING": "UTF8", "PAGER": "cat", **(env or {})},
            timeout=SCRIPT_SECONDS,
            check=False,
        )
        if check and done.returncode != 0:
            pytest.fail(f"psql ended with {done.returncode}:\n{done.stderr}\n{done.stdout}")
        return done.stdout

    return run
