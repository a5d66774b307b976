"""The functions that the command line and other programs call."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .advice import read_advice
from .compat import keep_compat
from .decision import check_writable, compare, newer_version, refusal
from .files import SqlFile, load_files
from .guards import Findings, look, read_findings
from .install import install_sql
from .links import as_names, unlinked_roles
from .results import (
    FileStatus,
    MigrationResult,
    Plan,
    ProgressCallback,
    Status,
    Step,
    StoredType,
    VerifyCallback,
)
from .roles import OWNER, missing_requirements
from .run import Run
from .session import (
    DEFAULT_LOCK_TIMEOUT,
    DEFAULT_SLICE_SIZE,
    DEFAULT_WAIT,
    READ,
    Connection,
    Cursor,
    check_server,
    fetch,
    open_session,
    transaction,
)
from .state import State, read_state
from .surface import check_surface_is_free
from .verifying import (
    as_checks,
    prepare_verifying,
    verify_at_once,
    verify_in_slices,
)
from .version import package_version

if TYPE_CHECKING:
    from pgledger.types import Check


def migrate(
    target: Connection | str = "",
    *,
    schema: str | None = None,
    roles: bool = True,
    link: str | Sequence[str] | None = None,
    compat: str | None = None,
    drop_compat: bool = False,
    lock_timeout: float = DEFAULT_LOCK_TIMEOUT,
    wait: float = DEFAULT_WAIT,
    accept_newer: bool = False,
    on_progress: ProgressCallback | None = None,
    sql_dir: Path | None = None,
) -> MigrationResult:
    """Installs pgledger in a database, or brings it to this package's version.

    Does nothing, and says so in the result, when there is nothing to do. Any number of processes
    may call it at once: one does the work, the others wait for it.

    Args:
        target: Connection string (libpq's variables fill in what it leaves out), or an idle
            connection, which is left open and as it was.
        schema: Schema of the public functions and views, made if it is missing. By default the one
            they are in, or ``public`` in a new database.
        roles: Whether a new database gets pgledger's own roles, which then own everything. With
            False the migrating role owns everything. A database that has
            pgledger already stays as it is with True.
        link: Roles whose tables may refer to ``pgledger.accounts (id)``. Such a role can act as
            the ledger's owner, so this is refused unless the environment variable
            ``PGLEDGER_TRUST_LINKED`` is 1.
        compat: Schema to make the earlier project's names in; kept up to date from then on.
        drop_compat: Whether to take these names away again.
        lock_timeout: Seconds that one statement may wait for a lock; 0 for any time.
        wait: Seconds to wait for another migration to finish.
        accept_newer: Whether to leave a database of the next release as it is and say so in the
            result, instead of refusing it: for programs that start beside newer ones.
        on_progress: Called after each step, and once when waiting begins.
        sql_dir: Directory of the SQL files; by default the package's own.

    Returns:
        What was done.

    Raises:
        MigrationError: Refused or failed. Nothing was changed, unless a file ran outside the
            transaction: that file and all before it stay applied, and the next run goes on there.
        psycopg.OperationalError: The connection cannot be made, or was lost.
    """
    files = load_files(sql_dir)
    with open_session(target) as cursor:
        check_server(cursor.connection.info.server_version)
        result = Run(
            cursor,
            files,
            schema=schema,
            roles=roles,
            link=as_names(link),
            lock_timeout=lock_timeout,
            wait=wait,
            on_progress=on_progress,
            accept_newer=accept_newer,
        ).run()
        if result.newer_version is not None:
            return result
        done = keep_compat(cursor, files, asked=compat, drop=drop_compat, lock_timeout=lock_timeout)
    return result if done is None else replace(result, made=(*result.made, done))


def plan(
    target: Connection | str = "",
    *,
    schema: str | None = None,
    roles: bool = True,
    link: str | Sequence[str] | None = None,
    sql_dir: Path | None = None,
) -> Plan:
    """Says what ``migrate`` would do, without doing it.

    Args:
        target: As for ``migrate``.
        schema: As for ``migrate``.
        roles: As for ``migrate``.
        link: As for ``migrate``.
        sql_dir: As for ``migrate``.

    Returns:
        The steps, and what may stop a later upgrade.

    Raises:
        MigrationError: ``migrate`` would refuse.
    """
    files = load_files(sql_dir)
    names = as_names(link)
    with open_session(target) as cursor:
        check_server(cursor.connection.info.server_version)
        with transaction(cursor, READ):
            state, decision, findings = look(cursor, files, schema, roles=roles, to_look=True)
            steps: list[Step] = []
            if decision.roles and (decision.files or findings.faults):
                missing = missing_requirements(cursor, decision.surface)
                steps += [Step("roles", name, "missing") for name in missing]
            if decision.fresh:
                check_surface_is_free(cursor, decision.surface, decision.files)
            unlinked = unlinked_roles(cursor, names)
            stored = fetch(cursor, install_sql("read_stored_types.sql", surface=decision.surface))
        steps += [Step("mend", fault.text, "wrong") for fault in findings.faults]
        steps += [Step("record", file.name, "history") for file in decision.unrecorded]
        for file in decision.files:
            inside = file.in_transaction or decision.fresh
            steps.append(Step("apply", file.name, decision.reasons[file.name], inside))
        steps += [Step("forget", name, "gone") for name in decision.forgotten]
        steps += [Step("link", name, "asked") for name in (names if decision.fresh else unlinked)]
        if steps:
            check_writable(state)
    return Plan(
        decision.surface,
        decision.roles,
        decision.fresh,
        tuple(steps),
        tuple(StoredType(name, kind) for name, kind in stored),
    )


def status(target: Connection | str = "", *, sql_dir: Path | None = None) -> Status:
    """Compares what a database has with this package.

    Args:
        target: As for ``migrate``.
        sql_dir: As for ``migrate``.

    Returns:
        The comparison, also where ``migrate`` would refuse.

    Raises:
        MigrationError: The state of the database cannot be read: the role may not read the history,
            or something else is in the schema ``pgledger``.
    """
    files = load_files(sql_dir)
    with open_session(target) as cursor:
        version = cursor.connection.info.server_version
        check_server(version)
        with transaction(cursor, READ):
            state = read_state(cursor, files, to_look=True)
            comparison = compare(files, state.history)
            findings = _findings(cursor, files, state, comparison)
            warnings = read_advice(cursor, state.database, state.surface) if state.surface else ()
    problem = refusal(comparison)
    return Status(
        installed=state.owner is not None,
        database=state.database,
        server_version=version,
        schema=state.surface,
        owner=state.owner,
        package_version=package_version(),
        files=tuple(comparison),
        problem=problem.message if problem else None,
        newer_version=newer_version(comparison),
        faults=findings.faults,
        others_rights=findings.others,
        warnings=warnings,
    )


def _findings(
    cursor: Cursor, files: Sequence[SqlFile], state: State, comparison: Sequence[FileStatus]
) -> Findings:
    """Returns what stands otherwise than it should; what an upgrade brings is not missing yet."""
    # What a newer release made is compared with its own list, not with ours.
    is_newer = newer_version(comparison) is not None
    if state.owner is None or state.surface is None or is_newer:
        return Findings()
    roles = state.owner == OWNER or state.with_roles
    findings = read_findings(cursor, files, state.surface, roles=roles)
    if all(file.state == "applied" for file in comparison):
        return findings
    kept = tuple(fault for fault in findings.faults if fault.aspect != "missing")
    return replace(findings, faults=kept)


def verify(
    target: Connection | str = "",
    *,
    slice_size: int = DEFAULT_SLICE_SIZE,
    on_progress: VerifyCallback | None = None,
) -> tuple["Check", ...]:
    """Proves from the data that the books are right, as ``pgledger_verify()`` does, in slices.

    All of it reads one snapshot, in a transaction that is read only, so it works on a standby.
    What it needs of memory does not grow with the ledger. In a database of a release that has no
    slices it is done at once.

    Args:
        target: As for ``migrate``.
        slice_size: How many entries that left an account, and how many that reached one, are read
            at once: 1 to 1,000,000.
        on_progress: Called after each slice.

    Returns:
        One row a check; all is well when none has violations.

    Raises:
        MigrationError: pgledger is not installed in the database, something in it is somebody
            else's, or the role may not verify.
    """
    with open_session(target) as cursor:
        check_server(cursor.connection.info.server_version)
        # All slices read one snapshot, because transfers go on meanwhile.
        with transaction(cursor, READ):
            surface, has_slices = prepare_verifying(cursor, load_files())
            if not has_slices:
                return as_checks(verify_at_once(cursor, surface))
            return as_checks(verify_in_slices(cursor, surface, slice_size, on_progress))
