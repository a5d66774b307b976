"""Workers that are Python processes, each with a connection of psycopg's."""

from __future__ import annotations

import multiprocessing
import signal
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait as wait_for_pipes
from typing import Any, Self

from scripts.performance.console import TICK_SECONDS, Tick
from scripts.performance.databases import Control, connect
from scripts.performance.errors import CheckFailed
from scripts.performance.packed import Packed, PackedDumper
from scripts.performance.work import Side, Slice, Task, Work


def shares(task: Task, workers: int) -> list[Task]:
    """One task a worker; calls are divided as evenly as possible."""
    total = task.calls
    if total is None or task.shared:
        return [replace(task, calls=None)] * workers
    counts = [total // workers + (number < total % workers) for number in range(workers)]
    return [replace(task, calls=count) for count in counts]


@dataclass(slots=True)
class Part:
    """One worker's share of a slice; ``started`` and ``ended`` are on a clock that all share."""

    started: float
    ended: float
    rows: int
    latencies: array[float]


def repeat(
    connection: Control, work: Work, parameters: Iterator[Sequence[object]], task: Task
) -> Part:
    """Repeats the work until the task is done."""
    statement = work.statement.encode()
    latencies = array("d")
    rows = 0
    started = now = time.monotonic()
    deadline = float("inf") if task.seconds is None else started + task.seconds
    calls = float("inf") if task.calls is None else task.calls
    with connection.cursor() as cursor:
        while now < deadline and len(latencies) < calls:
            cursor.execute(statement, next(parameters))
            if cursor.rowcount == 0:
                break
            before, now = now, time.monotonic()
            latencies.append((now - before) * 1000)
            rows += cursor.rowcount * work.size // work.answers
            if task.rest:
                time.sleep(task.rest * (now - before))
                now = time.monotonic()
    return Part(started, now, rows, latencies)


def worker_main(pipe: Pipe, sides: Mapping[str, Side]) -> None:
    """A worker's process: does one task after another until the pipe closes."""
    try:
        with ExitStack() as stack:
            connections: dict[str, Control] = {}
            for dsn in {side.dsn: None for side in sides.values()}:
                connection = stack.enter_context(connect(dsn))
                connection.prepare_threshold = 0
                connection.adapters.register_dumper(Packed, PackedDumper)
                connections[dsn] = connection
            streams = {name: side.work.parameters() for name, side in sides.items()}
            pipe.send(None)
            while True:
                task = pipe.recv()
                side = sides[task.name]
                pipe.send(repeat(connections[side.dsn], side.work, streams[task.name], task))
    except (EOFError, BrokenPipeError):
        # The parent is gone.
        return
    except Exception as error:  # noqa: BLE001
        # Whatever it is, the parent has to hear of it, or it would wait for ever.
        pipe.send(f"{type(error).__name__}: {error}".strip())


@contextmanager
def sigint_blocked() -> Iterator[None]:
    """Processes started meanwhile never see Ctrl-C, which reaches every process of a terminal."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


class PsycopgDriver:
    """Workers that are Python processes, so that Python's own lock is not what is measured."""

    def __init__(self, workers: int, sides: Mapping[str, Side]) -> None:
        self._workers = workers
        self._sides = sides
        self._processes: list[multiprocessing.process.BaseProcess] = []
        self._pipes: list[Pipe] = []

    def __enter__(self) -> Self:
        # Starting its helper makes multiprocessing unblock signals, so that comes first.
        resource_tracker.ensure_running()
        try:
            with sigint_blocked():
                for _ in range(self._workers):
                    self._start_worker()
            self._collect_answers(tick=lambda: None)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _start_worker(self) -> None:
        spawning = multiprocessing.get_context("spawn")
        ours, theirs = spawning.Pipe()
        process = spawning.Process(target=worker_main, args=(theirs, self._sides), daemon=True)
        process.start()
        theirs.close()
        self._processes.append(process)
        self._pipes.append(ours)

    def _end(self) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()

    def _collect_answers(self, tick: Tick) -> list[Any]:
        """Collects one answer of each worker."""
        waiting = set(self._pipes)
        answers: list[Any] = []
        while waiting:
            for ready in wait_for_pipes(list(waiting), TICK_SECONDS):
                assert isinstance(ready, Pipe)
                answers.append(answer_of(ready))
                waiting.discard(ready)
            tick()
        return answers

    def run(self, task: Task, tick: Tick) -> Slice:
        self.begin(task)
        return self.end(tick)

    def begin(self, task: Task) -> None:
        """Sets the workers to work and does not wait for them."""
        for pipe, share in zip(self._pipes, shares(task, self._workers), strict=True):
            pipe.send(share)

    def end(self, tick: Tick) -> Slice:
        """Waits for what was begun."""
        parts: list[Part] = self._collect_answers(tick)
        result = Slice(
            rows=sum(part.rows for part in parts),
            seconds=max(part.ended for part in parts) - min(part.started for part in parts),
        )
        for part in parts:
            result.latencies.extend(part.latencies)
        return result


def answer_of(pipe: Pipe) -> object:
    try:
        answer = pipe.recv()
    except EOFError:
        raise CheckFailed("a worker ended before its time") from None
    if isinstance(answer, str):
        raise CheckFailed(f"a worker failed: {answer}")
    return answer
