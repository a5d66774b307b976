"""Installs and upgrades the schema: the SQL files of this package, applied to a database.

Files below ``sql/migrations`` are versioned: each runs once, in order, and is never edited. Files
below ``sql/repeatable`` hold one function or view each and are all applied again when one of them
changed. ``pgledger.schema_history`` records what a database has.

A run is one transaction. Only a versioned file that starts with ``-- no transaction`` runs outside
of it, for what PostgreSQL refuses inside (``create index concurrently``); such a file must be able
to run again. In a new database even these run inside, without ``concurrently``, because there is
nobody to disturb.

Functions are created unchecked, in the order of their folders. So a function may call one that a
later file makes. After the last file all of them are checked, so nothing broken is committed.
"""

from typing import TYPE_CHECKING, Any

from .files import SqlFile, load_files
from .links import TRUST_VARIABLE
from .results import (
    Fault,
    FileStatus,
    Kind,
    MigrationError,
    MigrationResult,
    Plan,
    Progress,
    ProgressCallback,
    Status,
    StatusState,
    Step,
    StoredType,
    VerifyCallback,
    VerifyProgress,
)
from .roles import OWNER, TENANT_VIEWS, backup_sql, roles_sql
from .script import dump
from .session import DEFAULT_LOCK_TIMEOUT, DEFAULT_SLICE_SIZE, DEFAULT_WAIT, MINIMUM_SERVER
from .sqltext import split_statements, without_roles
from .surface import DEFAULT_SCHEMA

if TYPE_CHECKING:
    from .commands import migrate, plan, status, verify
    from .run import ADVISORY_LOCK
else:

    def __getattr__(name: str) -> Any:
        # What talks to a database needs psycopg, and psycopg needs libpq; the scripts do not.
        if name in {"migrate", "plan", "status", "verify"}:
            from . import commands

            return getattr(commands, name)
        if name == "ADVISORY_LOCK":
            from .run import ADVISORY_LOCK

            return ADVISORY_LOCK
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "ADVISORY_LOCK",
    "DEFAULT_LOCK_TIMEOUT",
    "DEFAULT_SCHEMA",
    "DEFAULT_SLICE_SIZE",
    "DEFAULT_WAIT",
    "MINIMUM_SERVER",
    "OWNER",
    "TENANT_VIEWS",
    "TRUST_VARIABLE",
    "Fault",
    "FileStatus",
    "Kind",
    "MigrationError",
    "MigrationResult",
    "Plan",
    "Progress",
    "ProgressCallback",
    "SqlFile",
    "Status",
    "StatusState",
    "Step",
    "StoredType",
    "VerifyCallback",
    "VerifyProgress",
    "backup_sql",
    "dump",
    "load_files",
    "migrate",
    "plan",
    "roles_sql",
    "split_statements",
    "status",
    "verify",
    "without_roles",
]
