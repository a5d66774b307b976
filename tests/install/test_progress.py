"""``pgledger migrate`` shows a bar to who watches, and few lines to all others."""

import re

import psycopg
import pytest

from pgledger.migrate import Progress, load_files, migrate
from support.cli import Cli, failed, watched
from support.database import NewDatabase


def test_a_log_gets_few_lines(cli: Cli, database: NewDatabase) -> None:
    done = cli("migrate", database())
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Migrating the database ")
    assert [line for line in lines[1:-1] if not line.startswith("  made: ")] == []
    assert lines[-1].startswith("Installed pgledger ")


def test_a_terminal_gets_a_bar_that_goes_away(database: NewDatabase) -> None:
    code, printed, seen = watched("migrate", database())
    assert code == 0
    assert "[" not in printed
    total = len(load_files())
    frames = seen.split("\r\x1b[K")
    counts = [
        (int(done), int(of))
        for frame in frames
        for done, of in re.findall(r"^  \[[#.]{30}\] (\d+)/(\d+)  ", frame)
    ]
    assert counts == [(number, total) for number in range(1, total + 1)]
    assert max(map(len, frames)) < 100
    # What follows has the line for itself.
    assert frames[-1] == ""


@pytest.mark.parametrize(("more", "term"), [(["--verbose"], "xterm"), ([], "dumb")])
def test_no_bar_where_it_is_not_wanted(database: NewDatabase, more: list[str], term: str) -> None:
    code, printed, seen = watched("migrate", database(), *more, term=term)
    assert (code, seen) == (0, "")
    listed = re.findall(r"^  (?:migrations|repeatable)/\S+  [\d,]+ ms$", printed, re.M)
    assert len(listed) == (len(load_files()) if more else 0)


def test_a_failure_under_the_bar_has_a_line_of_its_own(database: NewDatabase) -> None:
    dsn = database()
    with psycopg.connect(dsn) as connection:
        connection.execute("create table pgledger_accounts_v1 ()")
    code, _, seen = watched("migrate", dsn)
    assert code == 1
    assert seen.split("\r\x1b[K")[-1].startswith("pgledger: ")


def test_progress_counts_files(database: NewDatabase) -> None:
    seen: list[Progress] = []
    dsn = database()
    result = migrate(dsn, on_progress=seen.append)
    applied = [step for step in seen if step.event == "applied"]
    total = len(load_files())
    assert [(step.done, step.total) for step in applied] == [
        (number, total) for number in range(1, total + 1)
    ]
    assert [step.name for step in applied] == list(result.applied)
    assert [step.name for step in seen if step.event == "roles"] == [", ".join(result.made)]


def test_what_was_not_committed_is_not_said(cli: Cli, database: NewDatabase) -> None:
    dsn = database()
    done = cli("migrate", dsn, "--schema", "pg_money")
    failed(done, "cannot be in the schema pg_money")
    assert "made" not in done.stdout
