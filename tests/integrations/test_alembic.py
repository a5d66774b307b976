"""Alembic: a revision installs pgledger on Alembic's own connection, and can be run again."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import make_url
from sqlalchemy.exc import StatementError

from pgledger.embedded import EmbeddedServer
from pgledger.migrate import dump, status
from support.database import NewDatabase

ENVIRONMENT = """
from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration={per_migration})
    with context.begin_transaction():
        context.run_migrations()
"""

INSTALL = """
from alembic import op
from pgledger.migrate import migrate

revision = "{revision}"
down_revision = {after}

def upgrade():
    with op.get_context().autocommit_block():
        migrate(op.get_bind().connection.driver_connection)
"""

FILE = """
from pathlib import Path
from alembic import op

revision = "1"
down_revision = None

def upgrade():
    {apply}
"""

OWN = """
from alembic import op

revision = "{revision}"
down_revision = {after}

def upgrade():
    op.execute("create table {table} (id text)")
    {then}
"""

Project = Callable[..., Config]


@pytest.fixture
def project(tmp_path: Path, server: EmbeddedServer) -> Project:
    """``project(dsn, {name: revision})`` returns the configuration of a new Alembic project."""

    def make(dsn: str, revisions: dict[str, str], *, per_migration: bool = False) -> Config:
        versions = tmp_path / "migrations" / "versions"
        versions.mkdir(parents=True, exist_ok=True)
        environment = ENVIRONMENT.format(per_migration=per_migration)
        (versions.parent / "env.py").write_text(environment)
        for name, text in revisions.items():
            (versions / f"{name}.py").write_text(text)
        database = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
        url = make_url("postgresql+psycopg://").set(
            username=server.user,
            database=str(database),
            query={"host": str(server.host), "port": str(server.port)},
        )
        config = Config()
        config.set_main_option("script_location", str(versions.parent))
        shown = url.render_as_string(hide_password=False)
        config.set_main_option("sqlalchemy.url", shown.replace("%", "%%"))
        return config

    return make


def rows(dsn: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def install(revision: str = "1", after: str | None = None) -> str:
    return INSTALL.format(revision=revision, after=repr(after))


def own(revision: str, after: str | None, table: str, then: str = "pass") -> str:
    return OWN.format(revision=revision, after=repr(after), table=table, then=then)


@pytest.mark.parametrize("per_migration", [False, True])
def test_a_revision_installs_between_others(
    database: NewDatabase, project: Project, per_migration: bool
) -> None:
    dsn = database()
    revisions = {"a": own("0", None, "before"), "b": install("1", "0"), "c": own("2", "1", "after")}
    config = project(dsn, revisions, per_migration=per_migration)
    command.upgrade(config, "head")
    assert status(dsn).up_to_date
    assert rows(dsn, "select version_num from alembic_version") == [("2",)]
    assert rows(dsn, "select from before, after") == []
    command.upgrade(config, "head")
    # A later version of the package comes by another revision, which finds nothing to do here.
    command.upgrade(project(dsn, {"d": install("3", "2")}), "head")
    assert rows(dsn, "select version_num from alembic_version") == [("3",)]


def test_what_fails_after_the_installation_can_be_run_again(
    database: NewDatabase, project: Project
) -> None:
    dsn = database()
    broken = own("2", "1", "orders", "raise KeyError('the deployment dies')")
    config = project(dsn, {"a": install(), "b": broken})
    with pytest.raises(KeyError):
        command.upgrade(config, "head")
    assert status(dsn).up_to_date
    assert rows(dsn, "select to_regclass('orders') is null") == [(True,)]
    command.upgrade(project(dsn, {"b": own("2", "1", "orders")}), "head")
    assert rows(dsn, "select version_num from alembic_version") == [("2",)]


def test_the_file_goes_past_sqlalchemy(
    database: NewDatabase, project: Project, tmp_path: Path
) -> None:
    dsn = database()
    file = tmp_path / "ledger.sql"
    file.write_text(dump())
    text = f"Path({str(file)!r}).read_text()"
    plain = FILE.format(apply=f"op.execute({text})")
    with pytest.raises(StatementError, match="A value is required for bind parameter"):
        command.upgrade(project(dsn, {"a": plain}), "head")
    assert not status(dsn).installed
    good = FILE.format(
        apply="with op.get_context().autocommit_block(): "
        f"op.get_bind().connection.driver_connection.execute({text})"
    )
    command.upgrade(project(dsn, {"a": good}), "head")
    assert status(dsn).up_to_date
    assert rows(dsn, "select version_num from alembic_version") == [("1",)]
