"""What is said on standard error while a measurement runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from threading import Lock
from typing import Any, Self

TICK_SECONDS = 0.2
# Where there is no terminal, a line says how far it is, no more often than this.
LINE_SECONDS = 10.0
Tick = Callable[[], None]


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Progress:
    """How far it is and how long it still takes, on standard error.

    That is a bar where this is a terminal, and now and then a line elsewhere.
    """

    def __init__(self, total: float, unit: str) -> None:
        self._total = total
        self._unit = unit
        self._bar: Any = None
        self._done = 0.0
        self._begun = self._since = self._said = time.monotonic()
        # Several threads may have something to count.
        self._lock = Lock()
        if sys.stderr.isatty():
            try:
                from tqdm import tqdm
            except ImportError:
                return
            form = "{l_bar}{bar}| {n:,.0f}/{total:,.0f} {unit} [{elapsed}<{remaining}]"
            self._bar = tqdm(total=total, unit=unit, bar_format=form, leave=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def tick(self) -> None:
        """Shows how long it has taken; of seconds, also how many the present step has had."""
        more = time.monotonic() - self._since if self._unit == "s" else 0.0
        with self._lock:
            self._show(self._done + more)

    def step(self, amount: float) -> None:
        """Ends a step that counts for so much."""
        with self._lock:
            self._done += amount
            self._since = time.monotonic()
            self._show(self._done)

    def _show(self, done: float) -> None:
        done = min(done, self._total)
        now = time.monotonic()
        if self._bar is not None:
            self._bar.n = done
            self._bar.refresh()
        elif now - self._said >= LINE_SECONDS and done < self._total:
            self._said = now
            note(f"  {self._line(done, now - self._begun)}")

    def _line(self, done: float, elapsed: float) -> str:
        text = f"{done:,.0f} of {self._total:,.0f} {self._unit} in {elapsed:.0f} s"
        if done:
            text += f", about {elapsed * (self._total - done) / done:.0f} s left"
        return text
