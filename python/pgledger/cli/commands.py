"""The commands; each takes its arguments and returns the exit code."""

import argparse
import dataclasses
import shlex
import sys
import time

from pgledger import __version__
from pgledger import migrate as migrator
from pgledger.embedded import EmbeddedServer

from .addresses import address_of, psql_command
from .connecting_late import target
from .exit_codes import DONE, FAILED, NEWER, STATUS_CODES
from .failures import Failure
from .importing import show_import, source_of
from .printing import (
    complain,
    plural,
    say,
    say_json,
    show_checks,
    show_files,
    show_findings,
    show_steps,
    summary,
)
from .progress import MigrationProgress, StepProgress, VerificationProgress, show_result


def run_migrate(arguments: argparse.Namespace) -> int:
    """Installs or upgrades, and says what is done."""
    with target(arguments, create=True) as (connection, server):
        say(f"Migrating the {address_of(connection)}")
        with MigrationProgress(verbose=arguments.verbose) as progress:
            result = migrator.migrate(
                connection,
                schema=arguments.schema,
                roles=not arguments.no_roles,
                link=arguments.link,
                compat=arguments.compat_schema if arguments.compat else None,
                drop_compat=arguments.no_compat,
                lock_timeout=arguments.lock_timeout,
                wait=arguments.wait,
                on_progress=progress.show,
            )
        show_result(result)
        say(summary(result))
        if server is not None:
            connection.close()
            _finish_embedded(server, keep_running=arguments.keep_running)
    return DONE


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
        database = connection.info.dbname
    if arguments.json:
        say_json(
            {
                "database": database,
                "package_version": __version__,
                "up_to_date": not plan.steps,
                **dataclasses.asdict(plan),
            }
        )
        return DONE
    if plan.steps:
        show_steps(plan, address, verbose=arguments.verbose)
    else:
        say(f"Nothing to do: the {address} has pgledger {__version__} in {plan.schema}.")
    if plan.stored_types:
        say(
            "PostgreSQL may refuse to change types of pgledger that are stored here; "
            "store the columns that you need instead:"
        )
        for stored in plan.stored_types:
            say(f"  {stored.column} ({stored.type})")
    return DONE


def run_status(arguments: argparse.Namespace) -> int:
    """Prints what the database has; the exit code says it in a number."""
    with target(arguments) as (connection, _):
        status = migrator.status(connection)
        address = address_of(connection)
    code = STATUS_CODES[status.state]
    if code == NEWER and arguments.accept_newer:
        code = DONE
    if arguments.json:
        say_json(
            {
                "state": status.state,
                "up_to_date": status.up_to_date,
                **dataclasses.asdict(status),
            }
        )
        return code
    if status.state == "not_installed":
        say(f"pgledger is not installed in the {address}.")
        say(f"This package is pgledger {__version__}; install it with: pgledger migrate")
        return code
    say(f"The {address}, schema {status.schema}, owned by {status.owner}:")
    show_files(status.files, verbose=arguments.verbose)
    for warning in status.warnings:
        complain(f"pgledger: warning: {warning}")
    if status.problem is not None:
        say(f"migrate would refuse: {status.problem}")
    if status.state == "newer":
        say(f"Programs of pgledger {__version__} work with this database.")
    elif any(file.state == "unrecorded" for file in status.files):
        say("The history was left out, as in a dump without data; fill it with: pgledger migrate")
    elif status.up_to_date:
        say(f"Up to date with pgledger {__version__}.")
    elif status.state == "behind":
        say(f"Behind pgledger {__version__}; upgrade with: pgledger migrate")
    show_findings(status)
    return code


def run_dump(arguments: argparse.Namespace) -> int:
    """Prints the script that installs everything."""
    sys.stdout.write(migrator.dump(arguments.schema, roles=not arguments.no_roles))
    sys.stdout.flush()
    return DONE


def run_roles(arguments: argparse.Namespace) -> int:
    """Prints the statements that make the roles."""
    if arguments.backup is not None:
        sys.stdout.write(migrator.backup_sql(arguments.backup))
    else:
        sys.stdout.write(migrator.roles_sql(arguments.schema, arguments.role))
    sys.stdout.flush()
    return DONE


def run_verify(arguments: argparse.Namespace) -> int:
    """Prints what the checks found; fails where one found a violation."""
    began = time.monotonic()
    with target(arguments) as (connection, _), VerificationProgress() as progress:
        checks = migrator.verify(
            connection, slice_size=arguments.slice_size, on_progress=progress.show
        )
    seconds = time.monotonic() - began
    transfers = progress.last.entries // 2 if progress.last else None
    failed = [check for check in checks if check.violations]
    if arguments.json:
        say_json(
            {
                "ok": not failed,
                "checks": [dataclasses.asdict(check) for check in checks],
                "transfers": transfers,
                "seconds": round(seconds, 3),
            }
        )
    else:
        show_checks(checks)
        if transfers is not None:
            rate = transfers / max(seconds, 0.001)
            say(f"{plural(transfers, 'transfer')} in {seconds:,.1f} s: {rate:,.0f} a second.")
        if not failed:
            say(f"All {plural(len(checks), 'check')} passed.")
    if not failed:
        return DONE
    complain(
        f"pgledger: {plural(len(failed), 'check')} of {len(checks)} found violations: "
        f"{', '.join(check.check_name for check in failed)}"
    )
    return FAILED


def run_import(arguments: argparse.Namespace) -> int:
    """Imports history from elsewhere; fails and lists the faults if there are any."""
    source = source_of(arguments)
    with target(arguments) as (connection, _):
        from pgledger.importing import import_history

        if not arguments.json:
            say(f"Importing into the {address_of(connection)}")
        with StepProgress() as progress:
            result = import_history(
                connection,
                source,
                app_id=arguments.app_id,
                on_progress=lambda told: progress.show(told.step, told.done),
            )
    return show_import(result, as_json=arguments.json)


def run_changes(arguments: argparse.Namespace) -> int:
    """Prints each change as a line of JSON, to its end or for ever."""
    with target(arguments) as (connection, _):
        from .following import run_changes as run

        return run(connection, arguments)


def run_seal(arguments: argparse.Namespace) -> int:
    """Seals everything up to now, and prints what proves it."""
    with target(arguments) as (connection, _):
        from .following import run_seal as run

        return run(connection, arguments)


def run_verify_seals(arguments: argparse.Namespace) -> int:
    """Compares what is sealed with its seals; fails where it was tampered with."""
    with target(arguments) as (connection, _):
        from .following import run_verify_seals as run

        return run(connection, arguments)
