"""Workers that do deeds until their session is cut off."""

import contextlib
import random
import threading
import time
from collections.abc import Mapping, Sequence

from scripts.crashes.deeds import Deed, Kind
from scripts.crashes.stage import connect

DOOMED = 0.1


class Worker(threading.Thread):
    """Does one deed after the other.

    Args:
        dsn: Where.
        number: The worker's own.
        label: What the names of its deeds contain, so that no two runs share one.
        kinds: What it does.
        seed: Decides what it does when.
    """

    def __init__(
        self, dsn: str, number: int, label: str, kinds: Mapping[str, Kind], seed: int
    ) -> None:
        super().__init__(name=f"worker {number}", daemon=True)
        self.number = number
        self.label = label
        self.kinds = list(kinds.values())
        self.dice = random.Random(f"{seed} {label} {number}")
        self.deeds: list[Deed] = []
        self.error: BaseException | None = None
        self.ending = threading.Event()
        self._conn = connect(dsn)
        self.backend = self._conn.info.backend_pid

    def run(self) -> None:
        with contextlib.closing(self._conn):
            while not self.ending.is_set():
                kind = self.dice.choice(self.kinds)
                deed = Deed(
                    f"{kind.name}-{self.label}-{self.number}-{len(self.deeds)}",
                    self.number,
                    self.dice.getrandbits(32),
                    is_doomed=kind.has_row and self.dice.random() < DOOMED,
                )
                self.deeds.append(deed)
                try:
                    kind.perform(self._conn, deed)
                except Exception as error:  # noqa: BLE001 - whatever it is, the run tells it
                    deed.knowledge = "unknown" if deed.is_sent else "failed"
                    self.error = None if kind.is_cut_off(self._conn, error) else error
                    return
                deed.knowledge = "failed" if deed.is_doomed else "acknowledged"


def do_again(dsn: str, kinds: Mapping[str, Kind], deeds: Sequence[Deed]) -> None:
    """Asks for deeds once more, as whoever got no answer does."""
    with contextlib.closing(connect(dsn)) as conn:
        for deed in deeds:
            deed.is_doomed = False
            kinds[deed.name.partition("-")[0]].perform(conn, deed)
            deed.knowledge = "acknowledged"


def await_acknowledgements(workers: Sequence[Worker], number: int, seconds: float) -> None:
    """Waits until so many deeds were acknowledged, or all workers have ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done = sum(deed.knowledge == "acknowledged" for worker in workers for deed in worker.deeds)
        if done >= number or not any(worker.is_alive() for worker in workers):
            return
        time.sleep(0.005)
