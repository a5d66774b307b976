"""The command line: ``pgledger migrate | status | plan | dump | roles | verify``."""

import argparse
import contextlib
import dataclasses
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from . import __version__
from . import migrate as migrator
from .embedded import DEFAULT_PORT, EmbeddedError, EmbeddedServer
from .migrate import MigrationError, MigrationResult, Progress
from .types import Check

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130

EMBEDDED_DATABASE: Final = "pgledger"

_DESCRIPTION: Final = "Money inside PostgreSQL: installs, upgrades and checks the ledger."

_EPILOG: Final = """\
where the database is, the first of these that is given:
  DSN             postgresql://user@host:5432/name or 'host=… dbname=…', as for psql
  PGLEDGER_DSN    the same, from the environment
  PGHOST, PGPORT, PGDATABASE, PGUSER, PGSERVICE, PGPASSFILE, …
                  libpq's own variables; they also complete a DSN
  --embedded DIR  no server at hand: run a PostgreSQL in DIR while the command runs
                  (pip install 'pgledger[embedded]')

examples:
  pgledger migrate --embedded ./money --keep-running
                                        try it: a server, the ledger, and how to reach it
  pgledger migrate postgresql://me@db.example/shop
                                        install or upgrade the ledger in the database shop
  pgledger plan                         what migrate would do now
  pgledger status --json                what is installed, for a script
  pgledger dump > pgledger.sql          for teams with a migration tool of their own
  pgledger roles --for shop_admin | psql -U postgres shop
                                        what an administrator runs where you may not make roles
  pgledger verify                       prove from the data that the books are right

exit codes:
  0  done, or nothing to do
  1  refused or failed, or verify found violations; the reason is on standard error
  2  the command line was not understood
  130  interrupted; an unfinished migration is rolled back

`pgledger COMMAND --help` says more about each.
"""


class _Failure(Exception):
    """Ends the command with a message and a hint."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


# --- arguments ------------------------------------------------------------------------------------


_UNITS: Final = {"": 1.0, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|min|h|)", text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no duration; write for example 5, 5s, 500ms or 2min"
        )
    return float(found[1]) * _UNITS[found[2]]


def _add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "dsn",
        metavar="DSN",
        nargs="?",
        help="the database; otherwise PGLEDGER_DSN or libpq's variables say where it is",
    )
    parser.add_argument(
        "--embedded",
        metavar="DIR",
        type=Path,
        help="run a PostgreSQL of its own in DIR while the command runs, and use the database "
        f"{EMBEDDED_DATABASE} in it",
    )


def _add_installation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--schema",
        metavar="NAME",
        help="schema of the public functions and views, made if it is missing "
        "(default: where they are; public in a new database)",
    )
    parser.add_argument(
        "--no-roles",
        action="store_true",
        help="in a new database: make no roles; the connecting role owns everything",
    )


def _add_link(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--link",
        metavar="ROLE",
        action="append",
        help="let tables of ROLE have foreign keys to pgledger.accounts (id); may be repeated",
    )


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="pgledger", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=raw
    )
    parser.add_argument("--version", action="version", version=f"pgledger {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(
        name: str, run: Callable[[argparse.Namespace], int], summary: str, description: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name, help=summary, description=description, formatter_class=raw
        )
        added.set_defaults(run=run)
        return added

    migrate = command(
        "migrate",
        _migrate,
        "install the ledger, or bring it to this version",
        """\
Installs pgledger in a database, or brings it to this package's version, in one
transaction: when it fails or is killed, the database is as it was before. Any number
may run at once; one does the work and the others wait for it. Run again, it does
nothing and says so.

A new database gets the roles pgledger_owner and pgledger_tenant_views (own everything,
no login) and, to grant to yours, pgledger_poster, pgledger_reader, pgledger_auditor and
pgledger_tenant. Where you may not make roles, it stops and prints the statements for an
administrator.""",
    )
    _add_target(migrate)
    _add_installation(migrate)
    _add_link(migrate)
    migrate.add_argument(
        "--lock-timeout",
        metavar="TIME",
        type=_seconds,
        default=migrator.DEFAULT_LOCK_TIMEOUT,
        help="how long a statement may wait for a lock that the application holds, "
        "before everything is rolled back (default: 5s; 0: any time)",
    )
    migrate.add_argument(
        "--wait",
        metavar="TIME",
        type=_seconds,
        default=migrator.DEFAULT_WAIT,
        help="how long to wait for another migration to finish (default: 1min)",
    )
    migrate.add_argument(
        "--keep-running",
        action="store_true",
        help="with --embedded: leave the server running until Ctrl-C",
    )

    plan = command(
        "plan",
        _plan,
        "say what migrate would do",
        """\
Prints the steps that migrate would take now, and changes nothing. Fails where migrate
would refuse.""",
    )
    _add_target(plan)
    _add_installation(plan)
    _add_link(plan)

    status = command(
        "status",
        _status,
        "say what the database has",
        """\
Compares the database with this package, file by file, and changes nothing.""",
    )
    _add_target(status)
    status.add_argument("--json", action="store_true", help="print one JSON object")

    dump = command(
        "dump",
        _dump,
        "print everything as one SQL script",
        """\
Prints a script that installs everything in one transaction, for psql -f, for review, or
to put into a migration tool of your own. It needs no database. `pgledger migrate` takes
over from it. The setting pgledger.schema of the session that runs it goes before
--schema: PGOPTIONS='-c pgledger.schema=money' psql -f pgledger.sql""",
    )
    _add_installation(dump)

    roles = command(
        "roles",
        _roles,
        "print the statements that make the roles",
        """\
Prints what an administrator has to run, connected to the database, before somebody who
may not make roles can migrate there, or before a dump is restored into another server.
It needs no database, and running its output again changes nothing.""",
    )
    roles.add_argument(
        "--schema",
        metavar="NAME",
        default=migrator.DEFAULT_SCHEMA,
        help="schema of the public functions and views (default: public)",
    )
    roles.add_argument(
        "--for",
        metavar="ROLE",
        dest="role",
        help="role that will run pgledger migrate; it becomes a member of pgledger_owner",
    )

    verify = command(
        "verify",
        _verify,
        "prove from the data that the books are right",
        """\
Runs pgledger_verify(): that balances sum to zero, that every balance follows from its
entries, that versions have no gaps and that nothing can be changed. It reads everything,
so it takes its time on a large ledger; it blocks nobody. Exits with 1 when a check finds
a violation.""",
    )
    _add_target(verify)
    verify.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


# --- connecting -----------------------------------------------------------------------------------


def _one_line(text: str) -> str:
    return "; ".join(line.strip() for line in text.strip().splitlines() if line.strip())


def _without_secrets(text: str, dsn: str) -> str:
    secrets = [os.environ.get("PGPASSWORD"), os.environ.get("PGSSLPASSWORD")]
    with contextlib.suppress(psycopg.Error):
        parameters = conninfo_to_dict(dsn)
        secrets += [str(parameters.get(name) or "") for name in ("password", "sslpassword")]
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return text


def _connect(dsn: str, where: str) -> psycopg.Connection[Any]:
    try:
        conninfo_to_dict(dsn)
    except psycopg.Error:
        # libpq's own message repeats the text, which may hold a password.
        raise _Failure(
            f"the connection string in {where} cannot be read",
            "Write it as postgresql://user@host:5432/name or as 'host=… port=… user=… dbname=…'.",
        ) from None
    try:
        return psycopg.connect(dsn, autocommit=True, fallback_application_name="pgledger")
    except psycopg.OperationalError as error:
        reason = re.sub(r"^connection (is bad|failed): ", "", str(error))
        raise _Failure(
            f"cannot connect: {_without_secrets(_one_line(reason), dsn)}",
            "Name a server with a DSN (pgledger migrate postgresql://user@host/name), with "
            "PGLEDGER_DSN or with PGHOST and its like; or run one in a directory: --embedded DIR.",
        ) from None


def _create_database(server: EmbeddedServer) -> None:
    with (
        psycopg.connect(server.dsn(), autocommit=True) as connection,
        # There since the last time, or made by another process at this moment.
        contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation),
    ):
        connection.execute(f"create database {EMBEDDED_DATABASE}".encode())


@contextlib.contextmanager
def _embedded(directory: Path, *, create: bool) -> Generator[EmbeddedServer]:
    server = EmbeddedServer(directory)
    if not create and not server.data_directory.exists():
        raise _Failure(
            f"there is no embedded server in {server.directory}",
            f"Make one with: pgledger migrate --embedded {shlex.quote(str(directory))}",
        )
    with server:
        _create_database(server)
        yield server


@contextlib.contextmanager
def _target(
    arguments: argparse.Namespace, *, create: bool = False
) -> Generator[tuple[psycopg.Connection[Any], EmbeddedServer | None]]:
    """Connects to the database that the arguments and the environment name."""
    with contextlib.ExitStack() as stack:
        server: EmbeddedServer | None = None
        if arguments.embedded is not None:
            server = stack.enter_context(_embedded(arguments.embedded, create=create))
            dsn, where = server.dsn(EMBEDDED_DATABASE), "--embedded"
        elif arguments.dsn is not None:
            dsn, where = str(arguments.dsn), "the argument"
        else:
            dsn, where = os.environ.get("PGLEDGER_DSN", ""), "PGLEDGER_DSN"
        connection = _connect(dsn, where)
        stack.callback(connection.close)
        yield connection, server


def _psql_command(server: EmbeddedServer) -> str:
    psql = server.bin_dir / "psql"
    words = [str(psql) if psql.is_file() else "psql", "-h", server.host]
    if server.port != DEFAULT_PORT:
        words += ["-p", str(server.port)]
    return shlex.join([*words, "-U", server.user, EMBEDDED_DATABASE])


# --- commands -------------------------------------------------------------------------------------


def _say(text: str = "") -> None:
    print(text, flush=True)


def _complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _address(connection: psycopg.Connection[Any]) -> str:
    info = connection.info
    return f"database {info.dbname} at {info.host or 'the default host'}:{info.port}"


def _show(progress: Progress) -> None:
    if progress.event == "applied":
        _say(f"  {progress.name}  {progress.seconds * 1000:,.0f} ms")
    elif progress.event == "roles":
        _say(f"  made: {progress.name}")
    elif progress.event == "forgotten":
        _say(f"  forgotten: {progress.name}, which this package no longer has")
    elif progress.event == "linked":
        _say(f"  linked: {progress.name} may refer to pgledger.accounts (id)")
    elif progress.event == "waiting":
        _say(f"  waiting: {progress.name}")
    else:
        _complain(f"pgledger: warning: {progress.name}")


def _summary(result: MigrationResult) -> str:
    if not result.changed:
        return f"Nothing to do: pgledger {__version__} is in the schema {result.schema}."
    applied = f"{_plural(len(result.applied), 'file')} applied"
    if result.installed:
        return f"Installed pgledger {__version__} in the schema {result.schema}: {applied}."
    if result.applied:
        return f"Upgraded to pgledger {__version__} in the schema {result.schema}: {applied}."
    if result.linked:
        return f"Tables of {', '.join(result.linked)} may now refer to accounts."
    return f"Forgot {_plural(len(result.forgotten), 'file')} that the package no longer has."


def _migrate(arguments: argparse.Namespace) -> int:
    with _target(arguments, create=True) as (connection, server):
        _say(f"Migrating the {_address(connection)}")
        result = migrator.migrate(
            connection,
            schema=arguments.schema,
            roles=not arguments.no_roles,
            link=arguments.link,
            lock_timeout=arguments.lock_timeout,
            wait=arguments.wait,
            on_progress=_show,
        )
        _say(_summary(result))
        if server is not None:
            connection.close()
            _finish_embedded(server, keep_running=arguments.keep_running)
    return 0


def _finish_embedded(server: EmbeddedServer, *, keep_running: bool) -> None:
    if not server.is_owner:
        _say("The server was running before and goes on. Connect with:")
        _say(f"  {_psql_command(server)}")
        return
    if not keep_running:
        again = f"pgledger migrate --embedded {shlex.quote(str(server.directory))} --keep-running"
        _say("The server stops now; its data stays. To use it, run")
        _say(f"  {again}")
        _say("and, while that runs, connect with")
        _say(f"  {_psql_command(server)}")
        return
    try:
        _say("The server runs until Ctrl-C. Connect from another terminal with:")
        _say(f"  {_psql_command(server)}")
        server.wait()
    except KeyboardInterrupt:
        _say("\nStopping the server; its data stays.")
        return
    raise _Failure("the server has ended", f"Its log is {server.log_path}.")


def _plan(arguments: argparse.Namespace) -> int:
    with _target(arguments) as (connection, _):
        plan = migrator.plan(
            connection,
            schema=arguments.schema,
            roles=not arguments.no_roles,
            link=arguments.link,
        )
        address = _address(connection)
    if not plan.steps:
        _say(f"Nothing to do: the {address} has pgledger {__version__} in {plan.schema}.")
        return 0
    what = "install" if plan.fresh else "upgrade"
    owner = "pgledger_owner" if plan.roles else "the connecting role"
    _say(f"Would {what} in the {address}, schema {plan.schema}, owned by {owner}:")
    for step in plan.steps:
        verb = {"roles": "make", "forget": "forget", "link": "link"}.get(step.action, "apply")
        outside = "" if step.in_transaction else "; outside the transaction"
        _say(f"  {verb} {step.name} ({step.reason}{outside})")
    return 0


def _json_default(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _say_json(value: object) -> None:
    _say(json.dumps(value, indent=2, default=_json_default, ensure_ascii=False))


def _table(rows: Iterable[Sequence[str]], *, right: frozenset[int] = frozenset()) -> Generator[str]:
    lines = list(rows)
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _status(arguments: argparse.Namespace) -> int:
    with _target(arguments) as (connection, _):
        status = migrator.status(connection)
        address = _address(connection)
    if arguments.json:
        _say_json({**dataclasses.asdict(status), "up_to_date": status.up_to_date})
        return 0
    if not status.installed:
        _say(f"pgledger is not installed in the {address}.")
        _say(f"This package is pgledger {__version__}; install it with: pgledger migrate")
        return 0
    _say(f"The {address}, schema {status.schema}, owned by {status.owner}:")
    rows = [
        (
            file.name,
            file.state,
            file.applied_at.strftime("%Y-%m-%d %H:%M:%S %z") if file.applied_at else "",
            file.package_version or "",
        )
        for file in status.files
    ]
    for line in _table([("file", "state", "applied at", "by pgledger"), *rows]):
        _say(f"  {line}")
    if status.problem is not None:
        _say(f"migrate would refuse: {status.problem}")
    elif status.up_to_date:
        _say(f"Up to date with pgledger {__version__}.")
    else:
        _say(f"Behind pgledger {__version__}; upgrade with: pgledger migrate")
    return 0


def _dump(arguments: argparse.Namespace) -> int:
    sys.stdout.write(migrator.dump(arguments.schema, roles=not arguments.no_roles))
    sys.stdout.flush()
    return 0


def _roles(arguments: argparse.Namespace) -> int:
    sys.stdout.write(migrator.roles_sql(arguments.schema, arguments.role))
    sys.stdout.flush()
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    with _target(arguments) as (connection, _):
        checks = migrator.verify(connection)
    failed = [check for check in checks if check.violations]
    if arguments.json:
        _say_json({"ok": not failed, "checks": [dataclasses.asdict(check) for check in checks]})
    else:
        _show_checks(checks)
    if not failed:
        return 0
    _complain(
        f"pgledger: {_plural(len(failed), 'check')} of {len(checks)} found violations: "
        f"{', '.join(check.check_name for check in failed)}"
    )
    return EXIT_FAILED


def _show_checks(checks: Sequence[Check]) -> None:
    rows = [
        (check.check_name, f"{check.rows_checked:,}", f"{check.violations:,}", check.example or "")
        for check in checks
    ]
    heads = ("check", "rows checked", "violations", "example" if any(r[3] for r in rows) else "")
    for line in _table([heads, *rows], right=frozenset({1, 2})):
        _say(line)
    if not any(check.violations for check in checks):
        _say(f"All {_plural(len(checks), 'check')} passed.")


# --- the way out ----------------------------------------------------------------------------------


def _report(message: str, hint: str = "", text: str = "") -> int:
    _complain(f"pgledger: {message}")
    if hint:
        _complain(f"hint: {hint}")
    if text:
        _complain(f"\n{text}")
    return EXIT_FAILED


def _run(arguments: argparse.Namespace) -> int:
    run: Callable[[argparse.Namespace], int] = arguments.run
    try:
        return run(arguments)
    except _Failure as failure:
        return _report(failure.message, failure.hint)
    except MigrationError as error:
        return _report(error.message, error.hint, error.statements)
    except EmbeddedError as error:
        return _report(error.message, error.hint)
    except psycopg.OperationalError as error:
        # Whether the last commit arrived is not known when the connection breaks under it.
        return _report(
            f"lost the database: {_one_line(str(error))}",
            "What was not finished is rolled back; see what there is with: pgledger status",
        )
    except psycopg.Error as error:
        return _report(f"PostgreSQL says: {_one_line(str(error))}", error.diag.message_hint or "")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: Arguments without the program's name; by default those of the process.

    Returns:
        The exit code.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    if getattr(arguments, "embedded", None) is not None and arguments.dsn is not None:
        parser.error("give either a DSN or --embedded, not both")
    if getattr(arguments, "keep_running", False) and arguments.embedded is None:
        parser.error("--keep-running goes with --embedded")
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        _complain("pgledger: interrupted; what was not finished is rolled back")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader, for example `head`, has had enough; Python would complain again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
