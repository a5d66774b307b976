"""One run of the migrator, from the first look at the database to the last commit."""

import hashlib
import time
from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg.pq import TransactionStatus

from .advice import circle_of_trust
from .bodies import check_bodies
from .decision import Decision, check_writable
from .failures import failure, line_of
from .files import SqlFile, text_for
from .guards import Findings, hand_over, known_objects, look, mend_sql, read_findings
from .install import install_sql
from .links import link_sql, unlinked_roles
from .results import Fault, MigrationError, MigrationResult, Progress, ProgressCallback
from .rights import OwnerRights, ends_transaction, position_of
from .roles import TryAgain, ensure_roles, meet_requirements
from .session import READ, WRITE, Cursor, execute, fetch, file_settings, roll_back, transaction
from .sqltext import literal, split_statements, without_roles
from .state import State
from .surface import SEARCH_PATH, check_surface_is_free, in_surface
from .trust import check_ours
from .version import package_version

# Any number does, as long as every migrator of every version uses the same one in a database:
# the first eight bytes of SHA-256 of 'pgledger.migrate', as a signed number.
ADVISORY_LOCK: Final = int.from_bytes(
    hashlib.sha256(b"pgledger.migrate").digest()[:8], "big", signed=True
)
POLL_SECONDS: Final = 0.1


def _record(rights: OwnerRights, files: Sequence[SqlFile], decision: Decision) -> None:
    """Brings the history up to date, all at once: each time costs as much as a function."""
    texts = (
        install_sql(
            "record_file.sql",
            name=file.name,
            kind=file.kind,
            sha256=file.sha256,
            package_version=package_version(),
            with_roles=decision.roles,
        )
        for file in files
    )
    if text := "\n".join(texts):
        rights.execute(text)


def _place(file: SqlFile, text: str, error: psycopg.Error) -> str:
    return f"{file.name}{line_of(text, position_of(error, text))}"


def _set_up_transaction(cursor: Cursor, lock_timeout: float) -> None:
    version = cursor.connection.info.server_version
    for name, value in file_settings(lock_timeout, server_version=version):
        execute(cursor, "select pg_catalog.set_config(%s, %s, true)", (name, value))
    execute(
        cursor,
        "select pg_catalog.set_config('search_path', %s, true)",
        (SEARCH_PATH,),
    )


class Run:
    """One call of migrate: what it was asked to do, and what it has done so far."""

    def __init__(
        self,
        cursor: Cursor,
        files: Sequence[SqlFile],
        *,
        schema: str | None,
        roles: bool,
        link: tuple[str, ...],
        lock_timeout: float,
        wait: float,
        on_progress: ProgressCallback | None,
        accept_newer: bool = False,
    ) -> None:
        self.cursor = cursor
        self.files = files
        self.schema = schema
        self.roles = roles
        self.link = link
        self.lock_timeout = lock_timeout
        self.deadline = time.monotonic() + wait
        self.wait = wait
        self.on_progress = on_progress
        self.accept_newer = accept_newer
        self.newer_version: str | None = None
        self.total = 0
        self.made: list[str] = []
        self.applied: list[str] = []
        self.recorded: list[str] = []
        self.forgotten: list[str] = []
        self.linked: list[str] = []
        self.warnings: list[str] = []
        self.mended: list[str] = []
        self.faults: dict[str, Fault] = {}
        # Files that ran outside a transaction. The next transaction records them, and the last one
        # also applies the repeatable files. So a run that dies in between starts over there.
        self.unrecorded: list[SqlFile] = []
        self.has_session_lock = False
        self.is_waiting = False

    def tell(self, event: Any, name: str, seconds: float = 0.0) -> None:
        """Reports one thing that was done."""
        if self.on_progress is not None:
            self.on_progress(Progress(event, name, seconds, len(self.applied), self.total))

    def warn(self, text: str) -> None:
        """Reports what deserves attention, and keeps it for the result."""
        self.warnings.append(text)
        self.tell("warning", text)

    def result(self, decision: Decision, *, fresh: bool) -> MigrationResult:
        """Returns what was done."""
        return MigrationResult(
            schema=decision.surface,
            roles=decision.roles,
            installed=fresh,
            applied=tuple(self.applied),
            recorded=tuple(self.recorded),
            forgotten=tuple(self.forgotten),
            linked=tuple(self.linked),
            warnings=tuple(self.warnings),
            made=tuple(self.made),
            newer_version=self.newer_version,
            mended=tuple(self.mended),
        )

    def read(self) -> tuple[State, Decision, Findings]:
        """Looks at the database and decides."""
        state, decision, findings = look(
            self.cursor, self.files, self.schema, roles=self.roles, accept_newer=self.accept_newer
        )
        self.newer_version = decision.newer_version
        return state, decision, findings

    def run(self) -> MigrationResult:
        """Does everything, or raises an error that says why not."""
        with transaction(self.cursor, READ):
            state, decision, findings = self.read()
            unlinked = self._unlinked(decision)
        if decision.is_empty and not unlinked and not findings.faults:
            return self.result(decision, fresh=False)
        check_writable(state)
        fresh = decision.fresh
        self.total = len(decision.files)
        try:
            while not self._run_part():
                pass
        finally:
            self._release_session_lock()
        return self.result(decision, fresh=fresh and bool(self.applied))

    def _unlinked(self, decision: Decision) -> list[str]:
        roles = unlinked_roles(self.cursor, self.link)
        # As long as the tables do not exist, everything is still to be granted.
        return list(self.link) if decision.fresh else roles

    def _pause(self, reason: str) -> None:
        if time.monotonic() >= self.deadline:
            raise MigrationError(
                f"{reason}, and did not finish within {self.wait:g} seconds",
                "Nothing was changed. Run this again, or wait longer with --wait.",
            )
        if not self.is_waiting:
            self.is_waiting = True
            self.tell("waiting", reason)
        time.sleep(POLL_SECONDS)

    def _run_part(self) -> bool:
        """Runs up to the next file outside the transaction, or to the end; False to go on."""
        outside: SqlFile | None = None
        try:
            with transaction(self.cursor, WRITE):
                # Tries again and again instead of waiting: a session that waits for a lock holds a
                # snapshot, and CREATE INDEX CONCURRENTLY waits for all sessions that hold one.
                locked = fetch(
                    self.cursor, "select pg_catalog.pg_try_advisory_xact_lock(%s)", (ADVISORY_LOCK,)
                )[0][0]
                if locked:
                    outside = self._run_transaction()
        except TryAgain:
            self._pause("another database's migration is making the same roles")
            return False
        if not locked:
            self._pause("another migration of this database is running")
            return False
        if outside is None:
            return True
        self._run_outside(outside)
        return False

    def _run_transaction(self) -> SqlFile | None:
        """Runs the next transaction, and returns the file that has to run after it, outside."""
        cursor = self.cursor
        state, decision, findings = self.read()
        unlinked = self._unlinked(decision)
        if decision.is_empty and not unlinked and not self.unrecorded and not findings.faults:
            return None
        self.faults |= {fault.text: fault for fault in findings.faults}
        done = {file.name for file in self.unrecorded}
        files = [file for file in decision.files if file.name not in done]
        outside: SqlFile | None = None
        if not decision.fresh:
            for position, file in enumerate(files):
                if not file.in_transaction:
                    outside, files = file, files[:position]
                    break
        _set_up_transaction(cursor, self.lock_timeout)
        if decision.roles and (decision.files or findings.faults):
            self._make_roles(state, decision)
        # On what this run makes, nobody has been granted anything yet.
        known = known_objects(cursor, decision.surface)
        if findings.faults:
            hand_over(cursor, self.files, state, decision)
        rights = OwnerRights(cursor, decision.owner, state.user)
        rights.take()
        if decision.fresh:
            self._prepare_new(state, decision, rights)
        self._run_files(files, decision, rights)
        roles = decision.roles
        rights.execute(
            mend_sql(self.files, decision.surface, roles=roles, mended_by="owner", known=known)
        )
        if outside is not None:
            # The lock has to be held after this transaction, too.
            self._take_session_lock()
            self.unrecorded = []
            return outside
        self._finish(decision, unlinked, rights)
        self.unrecorded = []
        return None

    def _make_roles(self, state: State, decision: Decision) -> None:
        missing = ensure_roles(self.cursor, decision.surface)
        if missing:
            self.made = missing
            self.tell("roles", ", ".join(missing))
        if "the role pgledger_owner" in missing:
            self.tell("note", circle_of_trust(state.database))

    def _run_files(self, files: Sequence[SqlFile], decision: Decision, rights: OwnerRights) -> None:
        """Applies files, and brings the history up to date."""
        for file in decision.unrecorded:
            self.recorded.append(file.name)
            self.tell("recorded", file.name)
        for file in files:
            text = text_for(file, roles=decision.roles, fresh=decision.fresh)
            self._apply(file, in_surface(text, decision.surface), rights)
        _record(rights, [*decision.unrecorded, *self.unrecorded, *files], decision)

    def _finish(self, decision: Decision, unlinked: Sequence[str], rights: OwnerRights) -> None:
        """Does what has to be done after the last file."""
        cursor = self.cursor
        if decision.files:
            check_bodies(cursor, self.files, decision.surface)
            # Somebody may have put something of our names there meanwhile.
            check_ours(cursor, decision.surface, self.files)
        for name in decision.forgotten:
            rights.execute(
                f"delete from pgledger.schema_history where schema_history.name = {literal(name)}"
            )
            self.forgotten.append(name)
            self.tell("forgotten", name)
        for role in unlinked:
            rights.execute(link_sql(role))
            self.linked.append(role)
        if decision.changes_owner:
            own = "true" if decision.roles else "false"
            rights.execute(f"update pgledger.schema_history set with_roles = {own}")
        left = read_findings(cursor, self.files, decision.surface, roles=decision.roles)
        for role in unlinked:
            self.tell("linked", role)
        self._tell_mended(left.faults)

    def _tell_mended(self, left: Sequence[Fault]) -> None:
        """Says what stands otherwise than before, and what could not be put right."""
        texts = [fault.text for fault in left]
        self.mended += [text for text in self.faults if text not in texts]
        for text in self.mended:
            self.tell("mended", text)
        if left:
            more = f"; and {len(texts) - 5} more" if len(texts) > 5 else ""
            self.warn(f"not put right: {'; '.join(texts[:5])}{more}")

    def _prepare_new(self, state: State, decision: Decision, rights: OwnerRights) -> None:
        check_surface_is_free(self.cursor, decision.surface, decision.files)
        rows = fetch(
            self.cursor,
            "select from pg_catalog.pg_namespace where nspname = %s",
            (decision.surface,),
        )
        if not rows:
            rights.execute(install_sql("create_surface.sql", surface=decision.surface))
            if decision.roles:
                # Now that the schema is there, the roles need grants on it.
                meet_requirements(self.cursor, decision.surface)
        if decision.roles:
            return
        if state.is_superuser:
            self.warn(
                f"everything will belong to {state.user}, a superuser: a fault in a function would "
                "open the whole server. Migrate as an ordinary role, or without --no-roles."
            )

    def _apply(self, file: SqlFile, text: str, rights: OwnerRights) -> None:
        start = time.monotonic()
        has_ended = False
        try:
            rights.execute(text)
        except psycopg.Error as error:
            if self.cursor.connection.closed:
                raise
            has_ended = ends_transaction(error)
            if not has_ended:
                raise failure(_place(file, text, error), error) from error
        if has_ended or self.cursor.connection.info.transaction_status != TransactionStatus.INTRANS:
            raise MigrationError(
                f"{file.name} ends the migration's transaction",
                "Take its begin, commit or rollback out. What ran before it may have been kept.",
            )
        self.applied.append(file.name)
        self.tell("applied", file.name, time.monotonic() - start)

    # Files outside the transaction.

    def _take_session_lock(self) -> None:
        if not self.has_session_lock:
            rows = fetch(
                self.cursor, "select pg_catalog.pg_try_advisory_lock(%s)", (ADVISORY_LOCK,)
            )
            self.has_session_lock = bool(rows[0][0])

    def _release_session_lock(self) -> None:
        connection = self.cursor.connection
        if self.has_session_lock and not connection.closed:
            roll_back(connection)
            execute(self.cursor, f"select pg_catalog.pg_advisory_unlock({ADVISORY_LOCK})")
        self.has_session_lock = False

    def _check_same_session(self) -> None:
        # In a transaction, because its search_path is ours.
        with transaction(self.cursor, READ):
            rows = fetch(self.cursor, install_sql("holds_lock.sql", key=ADVISORY_LOCK))
        if not rows[0][0]:
            raise MigrationError(
                "a pooler gives every transaction of this connection another session, and a file "
                "that runs outside transactions needs one of its own",
                "Connect to the server directly.",
            )

    def _run_outside(self, file: SqlFile) -> None:
        cursor = self.cursor
        self._check_same_session()
        with transaction(cursor, READ):
            state, decision, _ = self.read()
        settings = [
            ("lock_timeout", f"{max(0, round(self.lock_timeout * 1000))}ms"),
            ("statement_timeout", "0"),
            ("search_path", SEARCH_PATH),
        ]
        if decision.owner != state.user:
            settings.append(("role", decision.owner))
        before = [
            (name, str(fetch(cursor, "select pg_catalog.current_setting(%s)", (name,))[0][0]))
            for name, _ in settings
        ]
        start = time.monotonic()
        try:
            for name, value in settings:
                execute(cursor, "select pg_catalog.set_config(%s, %s, false)", (name, value))
            for statement in split_statements(file.text):
                text = statement if decision.roles else without_roles(f"{statement};")
                text = in_surface(text, decision.surface)
                try:
                    execute(cursor, text)
                except psycopg.Error as error:
                    if cursor.connection.closed:
                        raise
                    raise failure(_place(file, text, error), error) from error
        finally:
            if not cursor.connection.closed:
                for name, value in reversed(before):
                    execute(cursor, "select pg_catalog.set_config(%s, %s, false)", (name, value))
        self.unrecorded = [file]
        self.applied.append(file.name)
        self.tell("applied", file.name, time.monotonic() - start)
