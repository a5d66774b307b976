"""``pgledger status`` says what it found by its exit code, and one table says what codes mean."""

import json
import re
from pathlib import Path

import psycopg
import pytest

from pgledger import __version__
from pgledger.cli import exit_codes
from pgledger.embedded import EmbeddedServer
from pgledger.migrate import load_files, migrate, status, version
from support.cli import Cli, failed
from support.database import NewDatabase

PAGE = Path(__file__).resolve().parents[2] / "docs" / "command-line.md"


def newer(version: str) -> str:
    """Makes a database look as a newer release leaves it."""
    return f"""
      insert into pgledger.schema_history (name, kind, sha256, applied_at, package_version,
      with_roles) values
        ('migrations/9001_create_more.sql', 'versioned', repeat('0', 64), now(), '{version}', true),
        ('repeatable/10_ledger/new.sql', 'repeatable', repeat('0', 64), now(), '{version}', true);
      update pgledger.schema_history set sha256 = repeat('1', 64), package_version = '{version}'
      where name = (select max(name) from pgledger.schema_history where kind = 'repeatable');
      delete from pgledger.schema_history
      where name = (select min(name) from pgledger.schema_history where kind = 'repeatable')
    """


NEXT = "0.2.0"
WRONG = "update pgledger.schema_history set sha256 = repeat('0', 64) where name ~ '/0001_'"
BEHIND = "delete from pgledger.schema_history where kind = 'repeatable'"


@pytest.mark.parametrize(
    ("change", "code", "state"),
    [
        (None, exit_codes.DONE, "up_to_date"),
        (BEHIND, exit_codes.BEHIND, "behind"),
        (newer(NEXT), exit_codes.NEWER, "newer"),
        # By its functions alone: a release may change no table.
        (
            newer(NEXT) + "; delete from pgledger.schema_history where name ~ '/9001_'",
            exit_codes.NEWER,
            "newer",
        ),
        (newer("0.1.7"), exit_codes.NEWER, "newer"),
        (newer("1.0.0"), exit_codes.NEWER, "newer"),
        (newer("0.3.0"), exit_codes.WRONG, "wrong"),
        (newer("1.1.0"), exit_codes.WRONG, "wrong"),
        (newer("unknown"), exit_codes.WRONG, "wrong"),
        (WRONG, exit_codes.WRONG, "wrong"),
        (f"{newer(NEXT)}; {WRONG}", exit_codes.WRONG, "wrong"),
    ],
)
def test_status_ends_with_the_code_of_what_it_found(
    cli: Cli, ledger_dsn: str, change: str | None, code: int, state: str
) -> None:
    if change is not None:
        with psycopg.connect(ledger_dsn) as connection:
            connection.execute(change.encode())
    done = cli("status", ledger_dsn)
    assert done.returncode == code, done.stdout
    # Other databases of the server may have the roles too.
    assert all(line.startswith("pgledger: warning: ") for line in done.stderr.splitlines())
    as_json = cli("status", ledger_dsn, "--json")
    assert as_json.returncode == code
    parsed = json.loads(as_json.stdout)
    assert parsed["state"] == state
    assert parsed["up_to_date"] is (code == 0)
    # A probe of an old program beside new ones is content with a newer database, and only that.
    is_accepted = code in {exit_codes.DONE, exit_codes.NEWER}
    assert cli("status", ledger_dsn, "--accept-newer").returncode == (0 if is_accepted else code)
    if state == "newer":
        assert parsed["newer_version"] in done.stdout
        assert f"Programs of pgledger {__version__} work with this database." in done.stdout


def test_status_where_nothing_is(cli: Cli, database: NewDatabase) -> None:
    dsn = database()
    assert cli("status", dsn).returncode == exit_codes.NOT_INSTALLED
    assert cli("status", dsn, "--accept-newer").returncode == exit_codes.NOT_INSTALLED
    assert json.loads(cli("status", dsn, "--json").stdout)["state"] == "not_installed"


def test_status_lists_what_differs_and_all_if_asked(cli: Cli, ledger_dsn: str) -> None:
    names = [file.name for file in load_files()]
    shown = cli("status", ledger_dsn).stdout.splitlines()
    assert len(shown) == 3
    assert shown[1].strip() == f"{len(names)} files as in this package"
    listed = cli("status", ledger_dsn, "--verbose").stdout
    assert re.findall(r"^  (\w+/\S+) +applied  \d{4}-", listed, re.M) == names
    with psycopg.connect(ledger_dsn) as connection:
        connection.execute("delete from pgledger.schema_history where name = %s", (names[-1],))
    shown = cli("status", ledger_dsn).stdout.splitlines()
    assert [line.split() for line in shown[2:3]] == [[names[-1], "pending"]]


@pytest.mark.parametrize(
    ("there", "here", "works"),
    [
        ("0.1.0", "0.1.0", True),
        ("0.1.9", "0.1.0", True),
        ("0.2.0", "0.1.0", True),
        ("0.2.0.dev0", "0.1.3", True),
        ("0.3.0", "0.1.0", False),
        ("1.0", "0.9", True),
        ("1.0.4", "0.3", True),
        ("1.1", "0.9", False),
        ("2.0", "0.9", False),
        ("1.10", "1.9", True),
        ("1.0", "1", True),
        ("1.1", "1.0.0", True),
        ("0.1", "0.2", False),
        ("unknown", "0.1", False),
    ],
)
def test_a_program_works_with_its_release_and_the_next(there: str, here: str, works: bool) -> None:
    assert version.works_with(there, here) is works


def test_an_unprivileged_role_is_told_the_least_that_suffices(
    cli: Cli, ledger_dsn: str, server: EmbeddedServer
) -> None:
    with psycopg.connect(ledger_dsn, autocommit=True) as connection:
        connection.execute("create role passer_by login")
        try:
            mine = psycopg.conninfo.make_conninfo(ledger_dsn, user="passer_by")
            for command in ("status", "plan", "verify"):
                said = failed(cli(command, mine), "the role passer_by may not")
                assert 'run: grant pgledger_auditor to "passer_by"\n' in said
            connection.execute("grant pgledger_auditor to passer_by")
            for command in ("status", "plan", "verify"):
                assert cli(command, mine).returncode == 0
        finally:
            connection.execute("drop role passer_by")


def test_one_table_says_what_exit_codes_mean(cli: Cli) -> None:
    codes = exit_codes.EXIT_CODES
    shown = cli("--help").stdout
    assert re.findall(r"^  (\d+) +(.+)$", shown[shown.index("exit codes:") :], re.M) == [
        (str(code), meaning) for code, meaning in codes.items()
    ]
    assert set(exit_codes.STATUS_CODES.values()) <= set(codes)
    assert len(set(exit_codes.STATUS_CODES.values())) == len(exit_codes.STATUS_CODES)
    of_status = cli("status", "--help").stdout
    for code in exit_codes.STATUS_CODES.values():
        assert f"  {code:<4} {codes[code]}\n" in of_status
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", PAGE.read_text(), re.M)
    assert rows == [(str(code), meaning) for code, meaning in codes.items()]


def json_forms() -> dict[str, dict[str, list[str]]]:
    """Reads the page's lists of members: by command, and by the list that they are in."""
    forms: dict[str, dict[str, list[str]]] = {}
    for command, body in re.findall(
        r"^### (\w+) --json$\n(.*?)(?=^#|\Z)", PAGE.read_text(), re.M | re.S
    ):
        members = re.findall(r"^\| `(?:(\w+)\[\]\.)?(\w+)` \|", body, re.M)
        forms[command] = {}
        for where, name in members:
            forms[command].setdefault(where, []).append(name)
    return forms


def test_what_is_printed_as_json_is_documented(cli: Cli, ledger_dsn: str) -> None:
    with psycopg.connect(ledger_dsn) as connection:
        connection.execute("create table kept (paid pgledger_transfer)")
        connection.execute(BEHIND)
        connection.execute("alter table pgledger.accounts disable trigger all")
    forms = json_forms()
    assert set(forms) == {"plan", "status", "verify"}
    for command, form in forms.items():
        parsed = json.loads(cli(command, ledger_dsn, "--json").stdout)
        assert list(parsed) == form[""], command
        for where in set(form) - {""}:
            assert parsed[where], f"{command}: nothing to compare in {where}"
            for item in parsed[where]:
                assert list(item) == form[where], (command, where)


def test_plan_prints_what_changes_and_counts_the_rest(cli: Cli, ledger_dsn: str) -> None:
    files = load_files()
    changed = next(file.name for file in files if file.kind == "repeatable")
    with psycopg.connect(ledger_dsn) as connection:
        connection.execute(
            "update pgledger.schema_history set sha256 = repeat('0', 64) where name = %s",
            (changed,),
        )
        connection.execute(
            "insert into pgledger.schema_history (name, kind, sha256, applied_at, package_version, "
            "with_roles) values "
            "('repeatable/10_ledger/old.sql', 'repeatable', repeat('0', 64), now(), '0', true)"
        )
    others = sum(file.kind == "repeatable" for file in files) - 1
    shown = cli("plan", ledger_dsn).stdout.splitlines()
    # A clone of the schema lacks the grant on the database itself.
    steps = [line for line in shown[1:] if not line.startswith("  make ")]
    assert steps == [
        f"  apply {changed} (changed)",
        "  forget repeatable/10_ledger/old.sql (gone from the package)",
        (
            f"  apply {others} other files again, which did not change: functions and views are "
            "all applied together"
        ),
    ]
    everything = cli("plan", ledger_dsn, "--verbose").stdout.splitlines()
    assert sum("(again, because others are applied)" in line for line in everything) == others
    planned = json.loads(cli("plan", ledger_dsn, "--json").stdout)
    reasons = [step["reason"] for step in planned["steps"] if step["action"] == "apply"]
    assert (reasons.count("changed"), reasons.count("again")) == (1, others)
    assert planned["up_to_date"] is False
    migrate(ledger_dsn)
    assert json.loads(cli("plan", ledger_dsn, "--json").stdout)["steps"] == []
    assert status(ledger_dsn).up_to_date


def test_a_refused_migration_says_nothing_of_what_it_undid(cli: Cli, database: NewDatabase) -> None:
    dsn = database()
    with psycopg.connect(dsn) as connection:
        connection.execute("create function pgledger_get_transfer() returns int return 1")
    for more in ((), ("--verbose",)):
        done = cli("migrate", dsn, *more)
        failed(done, "has objects of these names already: function pgledger_get_transfer")
        assert "made" not in done.stdout
        assert len(done.stdout.splitlines()) == 1
    with psycopg.connect(dsn) as connection:
        connection.execute("drop function pgledger_get_transfer()")
    assert "  made: " in cli("migrate", dsn).stdout
