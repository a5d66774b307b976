"""Without libpq the command line still helps and prints scripts, and says what to install."""

from pathlib import Path

import pytest

import pgledger
from pgledger.migrate import dump, roles_sql
from support.cli import Cli, failed

# Hides all that psycopg looks for: its two compiled parts, and the library of the system.
NO_LIBPQ = """\
import ctypes.util
import sys

sys.modules["psycopg_c"] = None
sys.modules["psycopg_binary"] = None
ctypes.util.find_library = lambda name: None
"""
NO_PSYCOPG = 'import sys\n\nsys.modules["psycopg"] = None\n'


@pytest.fixture(params=[NO_LIBPQ, NO_PSYCOPG], ids=["no libpq", "no psycopg"])
def hidden(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "sitecustomize.py").write_text(request.param)
    return {"PYTHONPATH": str(tmp_path)}


def test_help_and_scripts_need_no_libpq(cli: Cli, hidden: dict[str, str]) -> None:
    assert cli("--version", env=hidden).stdout == f"pgledger {pgledger.__version__}\n"
    for command in ((), ("migrate",), ("status",), ("plan",), ("dump",), ("roles",), ("verify",)):
        done = cli(*command, "--help", env=hidden)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == cli(*command, "--help").stdout
    done = cli("dump", "--schema", "a b", "--no-roles", env=hidden)
    assert (done.stdout, done.stderr) == (dump("a b", roles=False), "")
    done = cli("roles", "--for", "x'y", env=hidden)
    assert (done.stdout, done.stderr) == (roles_sql("public", "x'y"), "")
    assert cli("status", "--wrong", env=hidden).returncode == 2


def test_what_needs_a_database_says_what_to_install(
    cli: Cli, hidden: dict[str, str], tmp_path: Path
) -> None:
    place = tmp_path / "server"
    for arguments in (
        ("migrate", "dbname=x"),
        ("migrate", "--embedded", str(place)),
        ("plan",),
        ("status",),
        ("status", "--json"),
        ("verify",),
    ):
        done = cli(*arguments, env=hidden)
        said = failed(done, "psycopg needs PostgreSQL's client library, libpq: ")
        assert "hint: Install it with: pip install 'pgledger[binary]'" in said
        assert done.stdout == ""
    # Nothing was begun that could not be finished.
    assert not place.exists()


def test_programs_are_told_when_they_ask_for_what_needs_it(
    hidden: dict[str, str], tmp_path: Path
) -> None:
    import subprocess
    import sys

    from support.cli import environment

    (tmp_path / "program.py").write_text(
        """\
import pgledger

assert not hasattr(pgledger, "nothing_of_the_kind")
for name in pgledger.__all__:
    try:
        getattr(pgledger, name)
    except ImportError as error:
        assert "pip install 'pgledger[binary]'" in str(error), error
    else:
        raise AssertionError(name)
from pgledger import Billing
"""
    )
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py")],
        capture_output=True,
        text=True,
        env=environment(hidden),
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("ImportError: psycopg needs PostgreSQL's client")
