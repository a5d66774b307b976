"""What differs between threads and tasks: how they wait, and who sends for them meanwhile.

A meter or a batcher has a worker, which is a thread, or a task of an event loop. It is started when
it is first needed, and belongs to the process, and to the loop, in which that was.
"""

import asyncio
import atexit
import concurrent.futures
import contextlib
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any


class Signal:
    """Wakes a thread."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Wakes who waits, or else who waits next."""
        self._event.set()

    def wait(self, seconds: float | None) -> None:
        """Waits until it is set or the time is up, and resets it."""
        self._event.wait(seconds)
        self._event.clear()


class AsyncSignal:
    """Wakes a task."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wakes who waits, or else who waits next."""
        self._event.set()

    async def wait(self, seconds: float | None) -> None:
        """Waits until it is set or the time is up, and resets it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        self._event.clear()


class Worker:
    """A thread that is started when it is first needed.

    It does not keep the interpreter from ending. At its end, ``at_exit`` is called, while the
    thread is still running.

    Args:
        owner: Whose worker it is, for messages: a meter, for example.
        closed: What is raised in a fork of the process.
        work: What it does.
        at_exit: What to do when the interpreter ends before the worker was stopped.
    """

    def __init__(
        self,
        owner: str,
        closed: type[Exception],
        work: Callable[[], None],
        at_exit: Callable[[], object],
    ) -> None:
        self._owner = owner
        self._closed = closed
        self._work = work
        self._at_exit = at_exit
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._process: int | None = None

    @property
    def is_foreign(self) -> bool:
        """Whether it was started in another process, of which this one is a fork."""
        return self._process is not None and self._process != os.getpid()

    @property
    def is_current(self) -> bool:
        """Whether the caller is the worker itself."""
        return self._thread is threading.current_thread()

    def claim(self) -> None:
        """Belongs to this process from now on.

        Raises:
            Exception: It belongs to another; of the class that was given.
        """
        # Before any lock: in a fork, one that another thread held is never released.
        if self._process is None:
            self._process = os.getpid()
        elif self._process != os.getpid():
            raise self._closed(
                f"the {self._owner} was used before this process was forked: make another"
            )

    def ensure(self) -> None:
        """Starts it unless it is running.

        Raises:
            Exception: It belongs to another process; of the class that was given.
        """
        self.claim()
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            thread = threading.Thread(
                target=self._work, name=f"pgledger {self._owner}", daemon=True
            )
            thread.start()
            if self._thread is None:
                atexit.register(self._exit)
            self._thread = thread

    def call(self, function: Callable[[], object], seconds: float) -> None:  # noqa: ARG002
        """Calls a function for another thread, if it was ever started in this process."""
        if self._thread is not None and not self.is_foreign:
            function()

    def stop(self, seconds: float | None) -> None:
        """Waits until it has ended, or the time is up: a thread cannot be made to end."""
        if self._thread is not None:
            self._thread.join(seconds)
        atexit.unregister(self._exit)

    def _exit(self) -> None:
        if not self.is_foreign:
            self._at_exit()


class AsyncWorker:
    """A task that is started when it is first needed, in the event loop of then.

    Args:
        owner: Whose worker it is, for messages: a meter, for example.
        closed: What is raised in a fork of the process.
        work: What it does.
        at_exit: Not called: at the end of the interpreter no loop runs that could deliver.
    """

    def __init__(
        self,
        owner: str,
        closed: type[Exception],
        work: Callable[[], Awaitable[None]],
        at_exit: Callable[[], Awaitable[object]],  # noqa: ARG002
    ) -> None:
        self._owner = owner
        self._closed = closed
        self._work = work
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process: int | None = None

    @property
    def is_foreign(self) -> bool:
        """Whether it was started in another process, of which this one is a fork."""
        return self._process is not None and self._process != os.getpid()

    @property
    def is_current(self) -> bool:
        """Whether the caller is the worker itself."""
        return self._task is not None and self._task is asyncio.current_task()

    def claim(self) -> None:
        """Belongs to this process and to the running event loop from now on.

        Raises:
            Exception: It belongs to another process; of the class that was given.
            RuntimeError: No event loop is running in this thread, or another than before.
        """
        if self.is_foreign:
            raise self._closed(
                f"the {self._owner} was used before this process was forked: make another"
            )
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop, self._process = loop, os.getpid()
        elif self._loop is not loop:
            raise RuntimeError(f"the {self._owner} belongs to another event loop")

    def ensure(self) -> None:
        """Starts it unless it is running; anew where it was cancelled.

        Raises:
            Exception: It belongs to another process; of the class that was given.
            RuntimeError: No event loop is running in this thread, or another than before.
        """
        self.claim()
        if self._task is None or self._task.done():
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._run(), name=f"pgledger {self._owner}")

    def call(self, function: Callable[[], Coroutine[Any, Any, object]], seconds: float) -> None:
        """Calls a function in its loop, for another thread, if it was ever started there."""
        if self._loop is None or self.is_foreign or not self._loop.is_running():
            return
        called = asyncio.run_coroutine_threadsafe(function(), self._loop)
        with contextlib.suppress(TimeoutError, concurrent.futures.CancelledError):
            called.result(seconds)

    async def _run(self) -> None:
        await self._work()

    async def stop(self, seconds: float | None) -> None:
        """Waits until it has ended, or the time is up, and then cancels it."""
        if self._task is None or self._loop is not asyncio.get_running_loop():
            return
        await asyncio.wait([self._task], timeout=seconds)
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
