"""The billing store on an asynchronous connection.

The synchronous twin, ``_billing_sync.py``, is generated from this file by scripts/build_sync.py.
"""

from collections.abc import Iterable

from psycopg.rows import scalar_row

from pgledger._billing_store import CLOSED, IS_INSTALLED, closed_error, store_name
from pgledger._generated.billing_async import AsyncBillingCalls
from pgledger._generated.billing_statements import USAGE_ANSWER_ROW
from pgledger._installing import install_async
from pgledger._requests import usage_arrays
from pgledger.billing_types import UsageAnswer, UsageRecord
from pgledger.migrate import DEFAULT_LOCK_TIMEOUT, DEFAULT_WAIT, MigrationError, MigrationResult

__all__ = ["AsyncBilling"]


class AsyncBilling(AsyncBillingCalls):
    """The billing store's functions, called on a connection of the caller's.

    Every method is one call of the SQL function of the same name, ``ledger_`` in front, inside
    whatever transaction the connection is in: it never commits, rolls back or opens a connection.
    The exceptions are about the store as a whole: :meth:`start` and :meth:`migrate` migrate on a
    connection of their own, :meth:`ping` finds out whether the store is there, :meth:`close` ends
    the use of this object and leaves the connection open. Like any error from the database, a
    refusal aborts the transaction; to go on after one, make the call inside ``async with
    conn.transaction():``, which is then a savepoint.

    Any connection will do, as for :class:`~pgledger.AsyncLedger`; to record usage from many places
    without waiting for the database, there is :class:`~pgledger.AsyncMeter`.

    Every call names the app that its data belongs to, and the tenant if the data is a tenant's. It
    does not find the data of other apps and tenants. Only :meth:`price_usage` names none, because
    it reads nothing that is stored.

    Quantities and amounts are :class:`~decimal.Decimal` or int, never float. The same holds for
    numbers in plans, prices, lines and tax rates, which may also be texts. Times are aware
    datetimes, durations are timedeltas. A value of a wrong type is a TypeError, a naive time a
    ValueError; both are raised before anything is sent, and leave the transaction as it was. What
    the store refuses arrives as one of :mod:`pgledger.errors`. Calls raise InvalidScope and
    NullArgument where an app, a tenant or a required argument is missing or cannot be one.

    Args:
        conn: The connection to call on.
        schema: The schema that pgledger's public functions were migrated into; None finds them
            through the connection's ``search_path``.

    Attributes:
        conn: The connection given.
        schema: The schema given.

    Raises:
        TypeError: ``conn`` is not a psycopg AsyncConnection.
    """

    __slots__ = ()

    async def start(self) -> MigrationResult:
        """Brings the database to this package's version; for the start of every program.

        It may be called any number of times, and by many processes at once: one does the work, and
        the others wait for it. If there is nothing to do, nothing is written. It migrates as
        :func:`pgledger.migrate.migrate` does, on a connection of its own that has the parameters of
        this one. The role needs the rights to migrate. If the program's role does not have them,
        run ``pgledger migrate`` when deploying, and call :meth:`ping` here.

        A database of the next release is left as it is, because this one works with it. So in a
        rolling deploy old programs may start beside new ones; the logger ``pgledger`` says so.

        Returns:
            What was done; ``newer_version`` is set where the database is newer.

        Raises:
            MigrationError: There is something to do, and the connection is in a transaction. Or
                migrating was refused or failed.
            psycopg.OperationalError: The further connection cannot be made.
        """
        self._require_open()
        return await install_async(
            self.conn,
            schema=self.schema,
            lock_timeout=DEFAULT_LOCK_TIMEOUT,
            wait=DEFAULT_WAIT,
            accept_newer=True,
        )

    async def migrate(
        self, *, lock_timeout: float = DEFAULT_LOCK_TIMEOUT, wait: float = DEFAULT_WAIT
    ) -> MigrationResult:
        """Does what :meth:`start` does, but refuses a newer database.

        Args:
            lock_timeout: Seconds that one statement may wait for a lock; 0 for any time.
            wait: Seconds to wait for another migration to finish.

        Returns:
            What was done.

        Raises:
            MigrationError: There is something to do, and the connection is in a transaction. Or
                migrating was refused, as for a newer database, or failed.
            psycopg.OperationalError: The further connection cannot be made.
        """
        self._require_open()
        return await install_async(
            self.conn, schema=self.schema, lock_timeout=lock_timeout, wait=wait
        )

    async def ping(self) -> None:
        """Asks the database whether the billing store is there.

        Raises:
            MigrationError: It is not there, or not where this connection looks for it.
            psycopg.OperationalError: The database does not answer.
        """
        self._require_open()
        is_installed: bool = await self._fetch_one(
            scalar_row, IS_INSTALLED, (store_name(self.schema),)
        )
        if not is_installed:
            place = "search_path" if self.schema is None else f"schema {self.schema}"
            raise MigrationError(
                f"there is no billing store in the {place} of the database {self.conn.info.dbname}",
                "Install it with Billing.start() or pgledger migrate, or name the schema it is in.",
            )

    async def close(self) -> None:
        """Ends the use of this object; the connection is the caller's and stays open.

        Every later call but :meth:`close` raises ``psycopg.InterfaceError``.
        """
        self._statements = CLOSED

    async def ingest_usage(self, app_id: str, events: Iterable[UsageRecord]) -> list[UsageAnswer]:
        """Records up to 100,000 events of usage: ``ledger_ingest_usage``.

        If an event is wrong, only that event is rejected. An event is not counted again if its
        tenant has used its key before, so a batch with keys may be sent as often as needed.

        Args:
            app_id: App.
            events: What was used, by any of the app's tenants.

        Returns:
            One answer for each event, in their order; an empty list for none.

        Raises:
            BatchTooLarge: More than 100,000 events.
        """
        return await self._fetch_all(
            USAGE_ANSWER_ROW, self._statements.ingest_usage, (app_id, *usage_arrays(events))
        )

    def _require_open(self) -> None:
        if self._statements is CLOSED:
            raise closed_error()
