"""What is printed, and the figures that go to JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from scripts.performance.databases import Control, scalar
from scripts.performance.options import Options
from scripts.performance.slices import Comparison


@dataclass(slots=True)
class Report:
    """What is printed, line by line, and what goes to JSON."""

    lines: list[str] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)

    def add(self, line: str, **figures: object) -> None:
        self.lines.append(line)
        self.figures.update(figures)


def rounded(value: object) -> object:
    """Floats to six places: what lies behind them is noise."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, list):
        return [rounded(each) for each in value]
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return value


def head_figures(options: Options, connection: Control) -> dict[str, object]:
    return {
        "mode": options.mode,
        "driver": options.driver,
        "accounts": options.accounts,
        "workers": options.workers,
        "server_version": scalar(connection, "show server_version"),
    }


def usage_figures(options: Options, connection: Control) -> dict[str, object]:
    figures = head_figures(options, connection)
    del figures["accounts"]
    return {**figures, "tenants": options.tenants, "batch_size": options.batch_size}


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that a share of all does not exceed (nearest rank)."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def decimals(milliseconds: float) -> str:
    """One decimal, as the seed prints it, and more where that would hide the figure."""
    return f"{milliseconds:.1f}" if milliseconds >= 1 else f"{milliseconds:.3f}"


def add_percentiles(
    report: Report, latencies: Iterable[float], name: str = "", key: str | None = None
) -> None:
    """Milliseconds of a call: half, 19 of 20 and 99 of 100 are not slower than these."""
    ordered = sorted(latencies)
    label = f"{name} " if name else ""
    key = name.replace(" ", "_") if key is None else key
    key = f"{key}_" if key else ""
    for share in (50, 95, 99):
        value = percentile(ordered, share / 100)
        report.add(f"{label}p{share} in milliseconds: {value:.3f}", **{f"{key}p{share}_ms": value})


def add_rivals(
    report: Report, result: Comparison, others: Sequence[str] = (), noun: str = "transfer"
) -> None:
    """What took turns with the ledger: its own call with other answers, and its rivals."""
    for name in others:
        rate = result.total(name).per_second
        report.add(f"Returning {name}, {noun}s/second: {rate:.1f}", **{f"{name}_per_second": rate})
        add_percentiles(report, result.total(name).latencies, f"returning {name}", key=name)
        add_ratio(report, result, name, "ledger", f"Returning {name}, ratio to the first")
    for rival in result.slices:
        if rival in ("ledger", *others):
            continue
        rate = result.total(rival).per_second
        title = rival.capitalize()
        report.add(f"{title} {noun}s/second: {rate:.1f}", **{f"{rival}_per_second": rate})
        add_ratio(report, result, "ledger", rival, f"{title} ratio")
        over = 1 / result.ratio("ledger", rival)
        report.add(f"Time/{noun} over the {rival}'s: {over:.2f}", **{f"{rival}_time_ratio": over})
        for name in others:
            add_ratio(report, result, name, rival, f"{title} ratio, returning {name}")


def add_ratio(report: Report, result: Comparison, name: str, over: str, title: str) -> None:
    """The ratio of the sums, and the range of the slices' ratios."""
    ratio, ratios = result.ratio(name, over), result.ratios(name, over)
    key = over if name == "ledger" else f"{name}_{over}"
    report.add(
        f"{title}: {ratio:.3f} (slices: {min(ratios):.3f} to {max(ratios):.3f})",
        **{f"{key}_ratio": ratio, f"{key}_slice_ratios": ratios},
    )
