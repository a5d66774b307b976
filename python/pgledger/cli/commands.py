"""The commands; each takes its arguments and returns the exit code."""

import argparse
import dataclasses
import shlex
import sys

from pgledger import __version__
from pgledger import migrate as migrator
from pgledger.embedded import EmbeddedServer

from .connecting import address_of, psql_command, target
from .failures import EXIT_FAILED, Failure
from .printing import complain, plural, say, say_json, show, show_checks, show_steps, summary, table


def run_migrate(arguments: argparse.Namespace) -> int:
    """Installs or upgrades, and says what is done."""
    with target(arguments, create=True) as (connection, server):
        say(f"Migrating the {address_of(connection)}")
        result = migrator.migrate(
            connection,
            schema=arguments.schema,
            roles=not arguments.no_roles,
            link=arguments.link,
            lock_timeout=arguments.lock_timeout,
            wait=arguments.wait,
            on_progress=show,
        )
        say(summary(result))
        if server is not None:
            connection.close()
            _finish_embedded(server, keep_running=arguments.keep_running)
    return 0


def _finish_embedded(server: EmbeddedServer, *, keep_running: bool) -> None:
    if not server.is_owner:
        say("The server was running before and goes on. Connect with:")
        say(f"  {psql_command(server)}")
        return
    if not keep_running:
        again = f"pgledger migrate --embedded {shlex.quote(str(server.directory))} --keep-running"
        say("The server stops now; its data stays. To use it, run")
        say(f"  {again}")
        say("and, while that runs, connect with")
        say(f"  {psql_command(server)}")
        return
    try:
        say("The server runs until Ctrl-C. Connect from another terminal with:")
        say(f"  {psql_command(server)}")
        server.wait()
    except KeyboardInterrupt:
        say("\nStopping the server; its data stays.")
        return
    raise Failure("the server has ended", f"Its log is {server.log_path}.")


def run_plan(arguments: argparse.Namespace) -> int:
    """Prints what ``migrate`` would do."""
    with target(arguments) as (connection, _):
        plan = migrator.plan(
            connection,
            schema=arguments.schema,
            roles=not arguments.no_roles,
            link=arguments.link,
        )
        address = address_of(connection)
    if plan.steps:
        show_steps(plan, address)
    else:
        say(f"Nothing to do: the {address} has pgledger {__version__} in {plan.schema}.")
    if plan.stored_types:
        say(
            "PostgreSQL may refuse to change types of pgledger that are stored here; "
            "store the columns that you need instead:"
        )
        for stored in plan.stored_types:
            say(f"  {stored.column} ({stored.type})")
    return 0


def run_status(arguments: argparse.Namespace) -> int:
    """Prints what the database has."""
    with target(arguments) as (connection, _):
        status = migrator.status(connection)
        address = address_of(connection)
    if arguments.json:
        say_json({**dataclasses.asdict(status), "up_to_date": status.up_to_date})
        return 0
    if not status.installed:
        say(f"pgledger is not installed in the {address}.")
        say(f"This package is pgledger {__version__}; install it with: pgledger migrate")
        return 0
    say(f"The {address}, schema {status.schema}, owned by {status.owner}:")
    rows = [
        (
            file.name,
            file.state,
            file.applied_at.strftime("%Y-%m-%d %H:%M:%S %z") if file.applied_at else "",
            file.package_version or "",
        )
        for file in status.files
    ]
    for line in table([("file", "state", "applied at", "by pgledger"), *rows]):
        say(f"  {line}")
    for warning in status.warnings:
        complain(f"pgledger: warning: {warning}")
    if status.problem is not None:
        say(f"migrate would refuse: {status.problem}")
    elif status.up_to_date:
        say(f"Up to date with pgledger {__version__}.")
    else:
        say(f"Behind pgledger {__version__}; upgrade with: pgledger migrate")
    return 0


def run_dump(arguments: argparse.Namespace) -> int:
    """Prints the script that installs everything."""
    sys.stdout.write(migrator.dump(arguments.schema, roles=not arguments.no_roles))
    sys.stdout.flush()
    return 0


def run_roles(arguments: argparse.Namespace) -> int:
    """Prints the statements that make the roles."""
    if arguments.backup is not None:
        sys.stdout.write(migrator.backup_sql(arguments.backup))
    else:
        sys.stdout.write(migrator.roles_sql(arguments.schema, arguments.role))
    sys.stdout.flush()
    return 0


def run_verify(arguments: argparse.Namespace) -> int:
    """Prints what the checks found; fails where one found a violation."""
    with target(arguments) as (connection, _):
        checks = migrator.verify(connection)
    failed = [check for check in checks if check.violations]
    if arguments.json:
        say_json({"ok": not failed, "checks": [dataclasses.asdict(check) for check in checks]})
    else:
        show_checks(checks)
    if not failed:
        return 0
    complain(
        f"pgledger: {plural(len(failed), 'check')} of {len(checks)} found violations: "
        f"{', '.join(check.check_name for check in failed)}"
    )
    return EXIT_FAILED
