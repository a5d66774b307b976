"""What differs between the two batchers: how their callers wait."""

import asyncio
import threading


class WaitingTicket:
    """Wakes a thread, once."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        # A bare lock takes a fifth of the time of an Event, of which each caller would need one.
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        """Wakes who waits, or else who waits next."""
        self._lock.release()

    def wait(self, seconds: float | None) -> bool:
        """Waits until it is set or the time is up; not again once it was set.

        Returns:
            Whether it is set.
        """
        return self._lock.acquire(timeout=-1 if seconds is None else seconds)


class AsyncWaitingTicket:
    """Wakes a task, once."""

    __slots__ = ("_future",)

    def __init__(self) -> None:
        self._future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def set(self) -> None:
        """Wakes who waits, or else who waits next."""
        if not self._future.done():
            self._future.set_result(None)

    async def wait(self, seconds: float | None) -> bool:
        """Waits until it is set or the time is up; not again once it was set.

        Returns:
            Whether it is set.
        """
        if seconds is None:
            await self._future
        else:
            await asyncio.wait([self._future], timeout=seconds)
        return self._future.done()
