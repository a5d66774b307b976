"""The arguments of the command line, and its help."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pgledger import __version__
from pgledger import migrate as migrator

from . import commands, exporting, importing, reading
from .addresses import EMBEDDED_DATABASE
from .exit_codes import EXIT_CODES, FAILED, STATUS_CODES, described

_DESCRIPTION: Final = "Money inside PostgreSQL: installs, upgrades and checks the ledger."

_EPILOG: Final = f"""\
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
  pgledger import --from-schema old     bring the earlier project's accounts and transfers
  pgledger verify                       prove from the data that the books are right
  pgledger changes --follow             print what happens as it happens
  pgledger export --format hledger --output shop.journal
                                        the books for another program
  pgledger trial-balance --at 2026-01-31
                                        what every account had then

exit codes:
{described(EXIT_CODES)}

`pgledger COMMAND --help` says more about each.
"""

_UNITS: Final = {"": 1.0, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|min|h|)", text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no duration; write for example 5, 5s, 500ms or 2min"
        )
    return float(found[1]) * _UNITS[found[2]]


def _slice_size(text: str) -> int:
    if re.fullmatch(r"\d{1,7}", text) is None or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 1000000")
    return int(text)


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
        help="let tables of ROLE have foreign keys to pgledger.accounts (id); may be repeated. "
        "ROLE can then act as the ledger's owner, so PGLEDGER_TRUST_LINKED=1 must say that you "
        "trust it",
    )


def command_line() -> argparse.ArgumentParser:
    """Returns the parser of all commands; what it returns holds in ``run`` what to call."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="pgledger", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=raw
    )
    parser.add_argument("--version", action="version", version=f"pgledger {__version__}")
    added_commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(
        name: str, run: Callable[[argparse.Namespace], int], summary: str, description: str
    ) -> argparse.ArgumentParser:
        added = added_commands.add_parser(
            name, help=summary, description=description, formatter_class=raw
        )
        added.set_defaults(run=run)
        return added

    migrate = command(
        "migrate",
        commands.run_migrate,
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
    compat = migrate.add_mutually_exclusive_group()
    compat.add_argument(
        "--compat",
        action="store_true",
        help="also make the earlier project's names (transfer_request, pgledger_accounts, …), and "
        "keep them up to date from then on",
    )
    compat.add_argument(
        "--no-compat", action="store_true", help="take the earlier project's names away again"
    )
    migrate.add_argument(
        "--compat-schema",
        metavar="NAME",
        default="public",
        help="schema of the earlier project's names (default: public); the public functions have "
        "to be in another one",
    )
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
        "--verbose",
        action="store_true",
        help="list each file that is applied, instead of showing a progress bar",
    )
    migrate.add_argument(
        "--keep-running",
        action="store_true",
        help="with --embedded: leave the server running until Ctrl-C",
    )

    plan = command(
        "plan",
        commands.run_plan,
        "say what migrate would do",
        """\
Prints what migrate would change now, and changes nothing. When one function or view
changed, all of them are applied again; those that did not change are counted, not
listed. Fails where migrate would refuse.""",
    )
    _add_target(plan)
    _add_installation(plan)
    _add_link(plan)
    plan.add_argument(
        "--verbose", action="store_true", help="list all steps, also those that change nothing"
    )
    plan.add_argument("--json", action="store_true", help="print one JSON object with all steps")

    status = command(
        "status",
        commands.run_status,
        "say what the database has",
        f"""\
Compares the database with this package, file by file, and changes nothing. A role that
has pgledger_auditor may run it. The exit code says what it found.

exit codes:
{described({code: EXIT_CODES[code] for code in sorted({*STATUS_CODES.values(), FAILED})})}

A pipeline that migrates may go on with 3 and 4. A probe of a running program asks with
--accept-newer, so that the old programs of a rolling deploy stay ready.""",
    )
    _add_target(status)
    status.add_argument(
        "--verbose", action="store_true", help="list all files, also those that are as they must be"
    )
    status.add_argument("--json", action="store_true", help="print one JSON object")
    status.add_argument(
        "--accept-newer",
        action="store_true",
        help="exit with 0 also where the database is of the next release, with which this "
        "package works",
    )

    dump = command(
        "dump",
        commands.run_dump,
        "print everything as one SQL script",
        """\
Prints a script that installs everything in one transaction, for psql -f, for review, or
to put into a migration tool of your own. It needs no database. `pgledger migrate` takes
over from it. The script is for one schema, the one that --schema names.""",
    )
    _add_installation(dump)

    roles = command(
        "roles",
        commands.run_roles,
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
    roles.add_argument(
        "--backup",
        metavar="ROLE",
        help="print what makes ROLE one that pg_dump can save the whole database with, instead",
    )

    verify = command(
        "verify",
        commands.run_verify,
        "prove from the data that the books are right",
        """\
Checks what pgledger_verify() checks: that balances sum to zero, that every balance follows
from its entries, that versions have no gaps and that nothing can be changed. It reads
everything, slice by slice, in one transaction that is repeatable read and read only: it
blocks nobody, works on a standby, and shows how far it has come. Exits with 1 when a check
finds a violation.""",
    )
    _add_target(verify)
    verify.add_argument(
        "--slice-size",
        metavar="ENTRIES",
        type=_slice_size,
        default=migrator.DEFAULT_SLICE_SIZE,
        help="how many entries of each side to read at once; more take more memory "
        "(default: 50000)",
    )
    verify.add_argument("--json", action="store_true", help="print one JSON object")

    import_ = command(
        "import",
        commands.run_import,
        "import accounts and transfers from elsewhere",
        """\
Imports accounts and transfers with their ids and times: from the earlier project's tables
in another schema of the database, or from CSV files whose first line names the columns.
What cannot be imported is listed, and then nothing is. All is verified before it is
committed; when it is killed, nothing was imported. Whoever may act as pgledger's owner
may run it.""",
    )
    _add_target(import_)
    importing.add_arguments(import_)
    exporting.add_arguments(
        command(
            "export",
            exporting.run_export,
            "write the books down for other programs",
            exporting.DESCRIPTION,
        ),
        _add_target,
    )
    reading.add_statement_arguments(
        command(
            "statement", reading.run_statement, "print an account's statement", reading.STATEMENT
        ),
        _add_target,
    )
    reading.add_trial_balance_arguments(
        command(
            "trial-balance",
            reading.run_trial_balance,
            "print the balances of all accounts",
            reading.TRIAL_BALANCE,
        ),
        _add_target,
    )
    _add_following(command)
    return parser


def _add_following(command: Callable[..., argparse.ArgumentParser]) -> None:
    changes = command(
        "changes",
        commands.run_changes,
        "print what changes, a line of JSON each",
        """\
Prints each change of the books and of billing once, as a line of JSON, in an order into
which nothing is ever inserted. Keep the cursor of the last line that you have dealt
with, and begin there the next time. A role that has pgledger_reader may run it.""",
    )
    _add_target(changes)
    _add_surface(changes)
    changes.add_argument(
        "--after", metavar="CURSOR", help="begin after this cursor (default: with the first)"
    )
    changes.add_argument(
        "--follow", action="store_true", help="wait for more when all are printed, until Ctrl-C"
    )
    changes.add_argument(
        "--interval",
        metavar="TIME",
        type=_seconds,
        default=1.0,
        help="with --follow: how long to wait where there is nothing new (default: 1s)",
    )

    seal = command(
        "seal",
        commands.run_seal,
        "seal everything up to now",
        """\
Runs pgledger_seal(), and prints the newest seal as JSON. Keep it where whoever could
tamper with the database cannot. A role that has pgledger_poster may run it.""",
    )
    _add_target(seal)
    _add_surface(seal)

    verify_seals = command(
        "verify-seals",
        commands.run_verify_seals,
        "prove that what was sealed was not tampered with",
        """\
Runs pgledger_verify_seals(). Exits with 1 when something that was sealed is not as it
was. A role that has pgledger_auditor may run it.""",
    )
    _add_target(verify_seals)
    _add_surface(verify_seals)
    verify_seals.add_argument(
        "--kept",
        metavar="FILE",
        type=Path,
        help="a seal that was kept, as pgledger seal printed it, or a JSON array of such",
    )


def _add_surface(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--schema",
        metavar="NAME",
        help="schema of the public functions (default: found through the search_path)",
    )
