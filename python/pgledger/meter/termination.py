"""What meters do when the process is told to end: SIGTERM, as containers and supervisors send it.

Python runs a signal's handler in the main thread, between any two steps of it, so perhaps while
that thread holds a lock of a meter, of a pool or of a connection. A handler that delivered events
itself could wait for ever. So it only starts a thread, which needs none of these to be started, and
returns. When that thread has delivered, it sends the signal once more, and the handler does what
would have been done without it.
"""

import _thread
import atexit
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, Protocol

from .buffer import LOG

# Less than the ten seconds after which Docker kills, and the thirty of Kubernetes.
SIGTERM_SECONDS: Final = 8.0


class Drain(Protocol):
    """A meter, as the end of a process sees it."""

    def __call__(self, seconds: float, *, close: bool) -> None:
        """Delivers what waits, from a thread of its own; closed, it takes nothing more."""
        ...


_METERS: Final[list[Drain]] = []


def watch(meter: Drain) -> None:
    """Lets SIGTERM deliver what a meter has, before it does what it does now.

    Raises:
        RuntimeError: This is not the main thread, where alone Python lets handlers be installed, or
            there is a handler that Python does not know.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError(
            "handle_sigterm needs the main thread, the only one that may install a handler of "
            "signals: make the meter there, or close it in a handler of your own"
        )
    previous = signal.getsignal(signal.SIGTERM)
    if previous is None:
        raise RuntimeError("handle_sigterm cannot replace a handler that Python does not know")
    _METERS.append(meter)
    # Where it is ignored, it ends nothing.
    if previous is not signal.SIG_IGN and not isinstance(previous, _Handler):
        _Handler(previous).install()


def forget(meter: Drain) -> None:
    """Leaves a meter alone from now on: it was closed."""
    if meter in _METERS:
        _METERS.remove(meter)


class _Handler:
    """Handles SIGTERM, in the place of what handled it before."""

    def __init__(self, previous: Callable[[int, FrameType | None], Any] | int) -> None:
        self._previous = previous
        # The process that delivers: a fork of it does not.
        self._draining: int | None = None
        self._is_done = threading.Event()
        self._is_passed_on = False

    def install(self) -> None:
        signal.signal(signal.SIGTERM, self)
        if not callable(self._previous):
            atexit.register(self._at_exit)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Delivers first, and then passes the signal on."""
        if self._is_done.is_set() or not _METERS:
            self._pass_on(number, frame)
        elif self._draining != os.getpid():
            self._draining = os.getpid()
            try:
                # Not a threading.Thread: starting one takes locks that this thread may hold.
                _thread.start_new_thread(self._drain, ())
            except RuntimeError:
                self._pass_on(number, frame)
        # A second signal meanwhile changes nothing: it would lose what is being delivered.

    def _drain(self) -> None:
        deadline = time.monotonic() + SIGTERM_SECONDS
        try:
            meters = list(_METERS)
            self._each(meters, deadline, close=False)
            if not callable(self._previous):
                # Nobody else ends the process, so nothing that is recorded now could be delivered.
                self._each(meters, deadline, close=True)
        finally:
            self._is_done.set()
            main = threading.main_thread().ident
            if not _is_of_event_loop(self._previous) and main:
                # To the main thread, so that it wakes up if it waits for something; and again,
                # because a signal that comes just before it begins to wait does not wake it.
                for _ in range(20):
                    if self._is_passed_on:
                        break
                    signal.pthread_kill(main, signal.SIGTERM)
                    time.sleep(0.25)

    def _each(self, meters: list[Drain], deadline: float, *, close: bool) -> None:
        def drain(meter: Drain) -> None:
            try:
                meter(max(0.0, deadline - time.monotonic()), close=close)
            except Exception:  # noqa: BLE001 -- the others' events are to be delivered all the same
                LOG.exception("usage events could not be sent at the end")

        threads = [threading.Thread(target=drain, args=(m,), daemon=True) for m in meters]
        for meter, thread in zip(meters, threads, strict=True):
            try:
                thread.start()
            except RuntimeError:
                # At the end of the interpreter none is started any more.
                drain(meter)
        for thread in threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()) + 0.5)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        previous = self._previous
        self._is_passed_on = True
        if signal.getsignal(signal.SIGTERM) is self:
            signal.signal(signal.SIGTERM, previous)
        if callable(previous):
            previous(number, frame)
        else:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

    def _at_exit(self) -> None:
        # The program's end overtook the signal: who sent it expects the status of that.
        if self._draining == os.getpid():
            self._is_done.wait(SIGTERM_SECONDS)
            self._pass_on(signal.SIGTERM, None)


def _is_of_event_loop(previous: object) -> bool:
    """Whether an event loop handles the signal: it has learnt of it on a way of its own.

    Python tells a loop of every signal, whatever the handler is; a second one would call what the
    application has given ``loop.add_signal_handler`` a second time.
    """
    return getattr(previous, "__module__", None) == "asyncio.unix_events"
