"""Many holds at once, on an asynchronous connection.

The synchronous twin, ``_holds_sync.py``, is generated from this file by scripts/build_sync.py.
"""

from collections.abc import Iterable

from pgledger._generated.ledger_async import AsyncLedgerCalls
from pgledger._generated.ledger_statements import HOLD_OUTCOME_ROW, HOLD_ROW, TRANSFER_ROW
from pgledger._hold_requests import hold_arrays, posting_arrays
from pgledger._wire import flag_text
from pgledger.types import Hold, HoldOutcome, HoldRequest, PostingRequest, Transfer


class AsyncHolds(AsyncLedgerCalls):
    """The part of the ledger that makes and posts many holds in one call."""

    __slots__ = ()

    async def create_holds(
        self,
        hold_requests: Iterable[HoldRequest],
        *,
        app_id: str = "",
        group_id: str | None = None,
        allow_future_event_at: bool = False,
    ) -> list[Hold]:
        """Makes up to 100,000 holds, all or none: ``pgledger_create_holds_bulk``.

        Args:
            hold_requests: What to hold, in order. Limits hold after every single one.
            app_id: Set of books that all accounts belong to.
            group_id: A name for these holds and the transfers that post them.
            allow_future_event_at: Whether an ``event_at`` may be more than a day ahead.

        Returns:
            One hold for each request, in their order; an empty list for none.

        Raises:
            PgledgerError: Any error of :meth:`create_hold`; its message begins with the request
                at fault, counted from 1, and nothing was held.
            BatchTooLarge: More than 100,000 requests.
            InvalidScope: ``app_id`` or ``group_id`` is too long or cannot be seen.
        """
        *arrays, keys = hold_arrays(hold_requests)
        return await self._fetch_all(
            HOLD_ROW,
            self._statements.create_holds,
            (
                *arrays,
                app_id,
                group_id,
                flag_text("allow_future_event_at", allow_future_event_at),
                keys,
            ),
        )

    async def create_holds_outcomes(
        self,
        hold_requests: Iterable[HoldRequest],
        *,
        app_id: str = "",
        group_id: str | None = None,
        allow_future_event_at: bool = False,
    ) -> list[HoldOutcome]:
        """Makes holds, each by itself: ``pgledger_create_holds_outcomes``.

        A request that is refused changes nothing, and those after it go on from what those before
        it did. So this raises only what is wrong with the call as a whole.

        Args:
            hold_requests: What to hold, in order.
            app_id: Set of books that all accounts belong to.
            group_id: A name for these holds and the transfers that post them.
            allow_future_event_at: Whether an ``event_at`` may be more than a day ahead.

        Returns:
            What became of each request, in their order; an empty list for none.

        Raises:
            BatchTooLarge: More than 100,000 requests, or 64 MiB of metadata.
            InvalidScope: ``app_id`` or ``group_id`` is too long or cannot be seen.
        """
        *arrays, keys = hold_arrays(hold_requests)
        return await self._fetch_all(
            HOLD_OUTCOME_ROW,
            self._statements.create_holds_outcomes,
            (
                *arrays,
                app_id,
                group_id,
                flag_text("allow_future_event_at", allow_future_event_at),
                keys,
            ),
        )

    async def post_holds(
        self,
        posting_requests: Iterable[PostingRequest | str],
        *,
        app_id: str = "",
        allow_future_event_at: bool = False,
    ) -> list[Transfer]:
        """Moves what up to 100,000 holds keep back, all or none: ``pgledger_post_holds_bulk``.

        Args:
            posting_requests: What to post, in order: each a :class:`~pgledger.PostingRequest`, or
                the id of a hold, for all that is left of it. A hold may be asked for several times.
            app_id: Set of books that all holds belong to.
            allow_future_event_at: Whether an ``event_at`` may be more than a day ahead.

        Returns:
            One transfer for each request, in their order; an empty list for none.

        Raises:
            PgledgerError: Any error of :meth:`post_hold`; its message begins with the request at
                fault, counted from 1, and nothing was posted.
            BatchTooLarge: More than 100,000 requests.
            InvalidScope: ``app_id`` is too long or cannot be seen.
        """
        *arrays, keys = posting_arrays(posting_requests)
        return await self._fetch_all(
            TRANSFER_ROW,
            self._statements.post_holds,
            (
                *arrays,
                app_id,
                flag_text("allow_future_event_at", allow_future_event_at),
                keys,
            ),
        )
