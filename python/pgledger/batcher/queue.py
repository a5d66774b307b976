"""What both batchers keep: the transfers that wait, in their order, and who sends them.

Nothing here waits or talks to a database. At any time at most one call is made, so that what comes
first is sent first. If nobody makes one, who comes makes it himself, for his own request alone.
Those who come meanwhile wait, and the worker sends them together. So batches are as large as the
load makes them, and nobody waits for others to come.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from enum import Enum, auto

from pgledger._checks import require_count

from .failures import Row
from .requests import BatcherClosed, Request, Scope, Ticket

# What pgledger_create_transfers_outcomes takes in one call.
LARGEST_BATCH = 100_000


class _Turn(Enum):
    """Who makes calls."""

    NOBODY = auto()
    # Who came when nobody did, for his own request.
    CALLER = auto()
    WORKER = auto()


class TransferQueue:
    """Requests in the order they came, of which those of one batch are sent at a time.

    Every method may be called from any thread.

    Args:
        batch_size: Requests to send in one call at most.
        max_waiting: Requests to let in at most; more wait outside for room.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: One is out of range.
    """

    def __init__(self, *, batch_size: int, max_waiting: int) -> None:
        require_count("batch_size", batch_size, LARGEST_BATCH)
        require_count("max_waiting", max_waiting, None)
        self._batch_size = batch_size
        self._max_waiting = max_waiting
        self._lock = threading.Lock()
        self._waiting: deque[Request] = deque()
        self._outside: deque[Request] = deque()
        # What the worker sends now.
        self._batch: list[Request] = []
        self._turn = _Turn.NOBODY
        # Whose turn it is, where it is a caller's.
        self._caller: Request | None = None
        self._is_closed = False
        self._is_sealed = False
        self._closing: list[Ticket] = []

    def __len__(self) -> int:
        """How many requests wait to be sent."""
        return len(self._waiting) + len(self._outside)

    @property
    def is_sealed(self) -> bool:
        """Whether everybody who waited has got an answer, if only that there is none."""
        return self._is_sealed

    @property
    def is_finished(self) -> bool:
        """Whether nothing will ever be sent again."""
        with self._lock:
            return self._is_closed and (self._turn is _Turn.NOBODY or self._is_sealed)

    def enter(self, request: Request, new_ticket: Callable[[], Ticket]) -> bool:
        """Takes a request.

        Returns:
            Whether its caller has to send it himself, and then to call :meth:`pass_on`. Otherwise
            its ticket says when it is settled.

        Raises:
            BatcherClosed: Nothing is taken any more.
        """
        with self._lock:
            if self._is_closed:
                raise BatcherClosed("the batcher was closed; this transfer was not sent")
            if self._turn is _Turn.NOBODY:
                self._turn = _Turn.CALLER
                self._caller = request
                return True
            request.ticket = new_ticket()
            has_room = len(self._waiting) < self._max_waiting
            (self._waiting if has_room else self._outside).append(request)
            return False

    def pass_on(self, request: Request) -> bool:
        """Ends the turn of a request's caller, unless it has ended.

        Returns:
            Whether it is the worker's now, because others wait.
        """
        with self._lock:
            if self._caller is request:
                self._caller = None
                if self._waiting and not self._is_sealed:
                    self._turn = _Turn.WORKER
                else:
                    self._end_turn()
            return self._turn is _Turn.WORKER

    def pass_on_first(self, request: Request, new_ticket: Callable[[], Ticket]) -> bool:
        """Ends a caller's turn, and lets the worker send the request once more, before others'.

        Returns:
            Whether there will be another attempt; not if the batcher has been closed meanwhile.
        """
        with self._lock:
            if self._is_sealed:
                return False
            self._caller = None
            request.ticket = new_ticket()
            self._waiting.appendleft(request)
            self._turn = _Turn.WORKER
            return True

    def next_batch(self) -> list[Request]:
        """Returns what the worker has to send next; nothing if it is not, or no more, its turn."""
        with self._lock:
            if self._turn is not _Turn.WORKER:
                return []
            self._batch = self._take()
            self._let_in()
            if not self._batch:
                self._end_turn()
            return self._batch

    def _take(self) -> list[Request]:
        waiting = self._waiting
        taken: list[Request] = []
        passed: list[Request] = []
        scope: Scope | None = None
        while waiting and len(taken) < self._batch_size:
            request = waiting[0]
            if scope is None:
                scope = request.scope
            if request.scope == scope:
                taken.append(waiting.popleft())
            elif request.scope[0] == scope[0]:
                # Within an app the order is kept.
                break
            else:
                passed.append(waiting.popleft())
        waiting.extendleft(reversed(passed))
        return taken

    def _let_in(self) -> None:
        """Fills the room that others have left: somebody is outside only where there is none."""
        while self._outside and len(self._waiting) < self._max_waiting:
            self._waiting.append(self._outside.popleft())

    def _end_turn(self) -> None:
        self._turn = _Turn.NOBODY
        for ticket in self._closing:
            ticket.set()
        self._closing = []

    def settle(self, requests: Sequence[Request], rows: Iterable[Row]) -> None:
        """Lets requests have their answers, and wakes who waits for them."""
        with self._lock:
            tickets: list[Ticket] = []
            for request, row in zip(requests, rows, strict=True):
                if not request.is_settled:
                    request.row = row
                    if request.ticket is not None:
                        tickets.append(request.ticket)
        for ticket in tickets:
            ticket.set()

    def fail(self, requests: Iterable[Request], why: Callable[[Request], BaseException]) -> None:
        """Lets requests fail, and wakes who waits for them."""
        with self._lock:
            tickets: list[Ticket] = []
            for request in requests:
                if not request.is_settled:
                    request.error = why(request)
                    if request.ticket is not None:
                        tickets.append(request.ticket)
        for ticket in tickets:
            ticket.set()

    def leave_outside(self, request: Request) -> bool:
        """Takes back a request that there has been no room for.

        Returns:
            Whether it was still so; else it is about to be sent, or was.
        """
        with self._lock:
            return _remove(self._outside, request)

    def withdraw(self, request: Request) -> bool:
        """Takes back a request that was not sent.

        Returns:
            Whether that was still possible.
        """
        with self._lock:
            if request.is_unknown:
                return False
            is_withdrawn = _remove(self._waiting, request) or _remove(self._outside, request)
            self._let_in()
            return is_withdrawn

    def close(self, ticket: Ticket) -> bool:
        """Takes nothing more.

        Args:
            ticket: Whom to wake when everything is settled.

        Returns:
            Whether it is already.
        """
        with self._lock:
            self._is_closed = True
            if self._turn is _Turn.NOBODY:
                return True
            self._closing.append(ticket)
            return False

    def seal(self, why: str) -> bool:
        """Lets everything fail that has no answer: nobody waits any longer.

        Args:
            why: The same in words.

        Returns:
            Whether there was nothing.
        """
        with self._lock:
            self._is_closed = True
            is_idle = self._turn is _Turn.NOBODY
            unsent = [*self._waiting, *self._outside]
            batch = self._batch
            if not is_idle:
                self._is_sealed = True
                self._waiting.clear()
                self._outside.clear()
        if not is_idle:
            self.fail(batch, lambda request: request.unsettled(why))
            self.fail(unsent, lambda request: _unsent(request, why))
        return is_idle

    def abandon(self, error: BaseException) -> None:
        """Lets everything fail that the worker was to send, which has ended before its time."""
        with self._lock:
            if self._turn is not _Turn.WORKER:
                return
            unsent = [*self._waiting, *self._outside]
            batch, self._batch = self._batch, []
            self._waiting.clear()
            self._outside.clear()
            self._end_turn()
        self.fail(batch, lambda request: request.unsettled(error))
        why = f"who sends was stopped by {type(error).__name__}"
        self.fail(unsent, lambda request: _unsent(request, why))


def _remove(requests: deque[Request], request: Request) -> bool:
    try:
        requests.remove(request)
    except ValueError:
        return False
    return True


def _unsent(request: Request, why: str) -> BaseException:
    if request.is_unknown:
        return request.unsettled(why)
    return BatcherClosed(f"this transfer was not sent: {why}")
