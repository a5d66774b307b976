"""Django: models and transfers are one transaction on Django's own connection."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import psycopg
import pytest

from pgledger.embedded import EmbeddedServer
from pgledger.migrate import dump, status
from support.database import NewDatabase

# Settings hold for a process, so each project has processes of its own.
SETTINGS = """
SECRET_KEY = "for a test"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["shop"]
DATABASES = {{
    "default": {{
        "ENGINE": "django.db.backends.postgresql",
        "NAME": {name!r},
        "HOST": {host!r},
        "PORT": {port!r},
        "USER": {user!r},
        "OPTIONS": {options!r},
    }}
}}
"""

MODELS = """
from django.db import models

class Order(models.Model):
    id = models.TextField(primary_key=True)
"""

INSTALL = """
from pathlib import Path
from django.db import migrations
from pgledger.migrate import migrate

def install(apps, schema_editor):
    connection = schema_editor.connection
    connection.ensure_connection()
    migrate(connection.connection)

class Migration(migrations.Migration):
    atomic = False
    operations = [{operation}]
"""

BEGINNING = """
import django
django.setup()

from decimal import Decimal
from django.db import DatabaseError, connection, transaction
from pgledger import Ledger, errors
from shop.models import Order

def ledger():
    connection.ensure_connection()
    return Ledger(connection.connection)

def orders():
    return list(Order.objects.order_by("id").values_list("id", flat=True))

wallet = ledger().create_account("wallet", "USD", allow_negative_balance=False, metadata={"a": 1.5})
sales = ledger().create_account("sales", "USD")
"""


class Shop:
    """A Django project in a directory."""

    def __init__(self, directory: Path, server: EmbeddedServer, name: str) -> None:
        self.directory = directory
        self.server = server
        self.name = name
        self.write("shop/__init__.py", "")
        self.write("shop/migrations/__init__.py", "")
        self.write("shop/models.py", MODELS)
        self.settings({})

    def settings(self, options: dict[str, object]) -> None:
        text = SETTINGS.format(
            name=self.name,
            host=str(self.server.host),
            port=str(self.server.port),
            user=self.server.user,
            options=options,
        )
        self.write("settings.py", text)

    def write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def python(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.directory,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": "."},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout.strip()

    def migrate(self) -> str:
        self.python("-m", "django", "makemigrations", "shop")
        return self.python("-m", "django", "migrate")

    def run(self, script: str) -> str:
        return self.python("-c", BEGINNING + textwrap.dedent(script))


@pytest.fixture
def shop(tmp_path: Path, server: EmbeddedServer, ledger_dsn: str) -> Shop:
    """A project whose database has pgledger and the table of orders."""
    with psycopg.connect(ledger_dsn) as connection:
        made = Shop(tmp_path, server, connection.info.dbname)
    made.migrate()
    return made


OPERATIONS = {
    "by call": "migrations.RunPython(install, migrations.RunPython.noop)",
    "by file": "migrations.RunSQL(Path('ledger.sql').read_text())",
}


@pytest.mark.parametrize("how", OPERATIONS)
def test_a_migration_installs(
    tmp_path: Path, server: EmbeddedServer, database: NewDatabase, how: str
) -> None:
    dsn = database(f"django {how}")
    project = Shop(tmp_path, server, f"django {how}")
    project.write("ledger.sql", dump())
    operation = OPERATIONS[how]
    project.write("shop/migrations/0001_pgledger.py", INSTALL.format(operation=operation))
    assert "Applying shop.0001_pgledger... OK" in project.migrate()
    assert status(dsn).up_to_date
    assert "No migrations to apply" in project.migrate()
    # Installed, and the deployment died before Django recorded it.
    with psycopg.connect(dsn) as connection:
        connection.execute("delete from django_migrations where app = 'shop'")
        connection.execute("drop table shop_order")
    if how == "by call":
        assert "Applying shop.0001_pgledger... OK" in project.migrate()
    else:
        with pytest.raises(AssertionError, match="is installed in the database"):
            project.migrate()
        project.python("-m", "django", "migrate", "--fake", "shop", "0001")
        assert "Applying shop.0002_initial... OK" in project.migrate()
    assert status(dsn).up_to_date


@pytest.mark.parametrize("options", [{}, {"server_side_binding": True}, {"pool": False}])
def test_row_and_transfer_stand_or_fall_together(shop: Shop, options: dict[str, object]) -> None:
    shop.settings(options)
    printed = shop.run("""
        with transaction.atomic():
            Order.objects.create(id="kept")
            ledger().create_transfer(sales.id, wallet.id, Decimal("20"))
        try:
            with transaction.atomic():
                ledger().create_transfer(wallet.id, sales.id, Decimal("5"))
                Order.objects.create(id="lost")
                raise KeyError
        except KeyError:
            pass
        print(orders(), ledger().get_account(wallet.id).balance)
        print(ledger().get_account(wallet.id).metadata)
    """)
    assert printed == "['kept'] 20\n{'a': 1.5}"


@pytest.mark.parametrize("early", [False, True])
def test_a_block_in_a_block_is_a_savepoint(shop: Shop, early: bool) -> None:
    """It is open at once, so a ledger from before the block is as good as one made in it."""
    printed = shop.run(f"""
        with transaction.atomic():
            Order.objects.create(id="before")
            early = ledger()
            try:
                with transaction.atomic():
                    Order.objects.create(id="inside")
                    (early if {early} else ledger()).create_transfer(wallet.id, sales.id, 99)
            except errors.InsufficientFunds:
                Order.objects.create(id="waits")
        print(orders())
    """)
    assert printed == "['before', 'waits']"


def test_an_error_that_is_caught_inside_loses_the_block(shop: Shop) -> None:
    printed = shop.run("""
        with transaction.atomic():
            Order.objects.create(id="lost")
            try:
                ledger().create_transfer(wallet.id, sales.id, 99)
            except errors.InsufficientFunds:
                pass
        print(orders())
    """)
    assert printed == "[]"


def test_our_error_is_the_cause_of_djangos(shop: Shop) -> None:
    printed = shop.run("""
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(
                    "select id from pgledger_create_transfer(%s, %s, %s)",
                    [wallet.id, sales.id, Decimal("99")],
                )
        except DatabaseError as error:
            print(type(error.__cause__) is errors.InsufficientFunds)
        try:
            ledger().create_transfer(wallet.id, sales.id, 99)
        except errors.InsufficientFunds as error:
            print(isinstance(error, DatabaseError))
    """)
    assert printed == "True\nFalse"
