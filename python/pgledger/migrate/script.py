"""Everything in one SQL script."""

from collections.abc import Sequence
from pathlib import Path

from .files import load_files, text_for
from .install import install_sql
from .roles import MIGRATOR, OWNER
from .session import DEFAULT_LOCK_TIMEOUT, MINIMUM_SERVER, file_settings
from .sqltext import identifier, literal, mask
from .surface import DEFAULT_SCHEMA, SEARCH_PATH, billing_names, check_schema_name, in_surface
from .version import package_version


def dump(schema: str | None = None, *, roles: bool = True, sql_dir: Path | None = None) -> str:
    """Returns everything in one SQL script, for ``psql -f`` or another tool's migration.

    It is one transaction and installs pgledger into a database that has nothing of it. It records
    the same history as ``migrate``, which can do all later upgrades.

    Args:
        schema: Schema of the public functions and views; by default ``public``.
        roles: As for ``migrate``.
        sql_dir: As for ``migrate``.

    Returns:
        The script; pure SQL, without psql's own commands.
    """
    surface = schema if schema is not None else DEFAULT_SCHEMA
    check_schema_name(surface)
    files = load_files(sql_dir)
    parts = [_head(surface, billing_names(files), roles=roles)]
    for file in files:
        text = in_surface(text_for(file, roles=roles, fresh=True), surface).strip()
        # The last statement of a file needs its semicolon, or it would run on into the next file.
        end = "" if mask(text).rstrip().endswith(";") else "\n;"
        parts.append(f"-- file: {file.name}\n{text}{end}\n")
    parts.append(install_sql("check_bodies.sql", surface=surface))
    version = literal(package_version())
    rows = ",\n  ".join(
        f"({literal(file.name)}, {literal(file.kind)}, {literal(file.sha256)}, "
        f"pg_catalog.now(), {version})"
        for file in files
    )
    parts.append(
        "insert into pgledger.schema_history (name, kind, sha256, applied_at, package_version)\n"
        f"values\n  {rows};\n"
    )
    parts.append("commit;\n")
    return "\n".join(parts)


def _head(surface: str, names: Sequence[str], *, roles: bool) -> str:
    """Returns everything before the first file."""
    settings = "".join(
        f"set local {name} = {literal(value)};\n"
        for name, value in file_settings(DEFAULT_LOCK_TIMEOUT)
    )
    parts = [
        f"{_comment(surface, roles=roles)}begin;\n",
        f"{settings}set local search_path = pg_catalog, pg_temp;\n",
        install_sql("guard.sql", surface=surface, names=names, minimum=MINIMUM_SERVER),
    ]
    requirements = install_sql("ensure_requirements.sql", surface=surface, migrator=MIGRATOR)
    if roles:
        parts += [requirements, f"set local role {OWNER};\n"]
    else:
        parts.append(install_sql("warn_superuser.sql"))
    parts.append(install_sql("create_surface.sql", surface=surface))
    if roles:
        parts.append(requirements)
    parts.append(f"set local search_path = {SEARCH_PATH};\n")
    return "\n".join(parts)


def _comment(surface: str, *, roles: bool) -> str:
    if roles:
        whose = f"Everything will belong to the role {OWNER}, which is made if it is missing."
    else:
        whose = "Everything will belong to the role that runs this."
    return f"""\
/*
pgledger {package_version()}, everything in one file. Generated; do not edit.

Installs into a database that has nothing of pgledger, in one transaction:

  psql -v ON_ERROR_STOP=1 -f pgledger.sql

The functions and views go into the schema {identifier(surface)};
`pgledger dump --schema NAME` writes this for another one.

{whose}
Later versions come with `pgledger migrate`, which takes over from here.
*/
"""
