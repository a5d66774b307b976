"""Pictures of what was measured: ``python -m scripts.performance.plot FIGURES.json FILE.svg``.

``--plot`` draws the same figures at once. The same figures make the same file, byte for byte.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scripts.performance.errors import CheckFailed

Figures = Mapping[str, Any]

SHARES = ("p50", "p95", "p99")
KINDS = ("id", "count", "floor", "peer", "baseline")
NOUNS = ("transfers", "events", "subscriptions")
# A page is light or dark, so a picture brings its own ground.
GROUND, INK, FAINT = "#ffffff", "#1f2328", "#d0d7de"
COLOURS = {
    "ledger": "#0969da",
    "id": "#54aeff",
    "count": "#b6e3ff",
    "floor": "#8c959f",
    "peer": "#bc4c00",
    "baseline": "#1a7f37",
    "p50": "#54aeff",
    "p95": "#0969da",
    "p99": "#0a3069",
}
# Matplotlib's type names every setting that there is.
SETTINGS: Any = {
    "svg.hashsalt": "pgledger",
    "svg.fonttype": "none",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
WIDTH, BAR_HEIGHT, PANEL_HEIGHT = 8.0, 0.17, 0.9
# Relations that take less than this many bytes are left out.
LEAST_BYTES = 0.05


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars in groups: a row of each series has one value a group, or none."""

    title: str
    groups: list[str]
    series: dict[str, list[float | None]]

    @property
    def bars(self) -> int:
        return len(self.groups) * (len(self.series) + 1)


def require_matplotlib() -> None:
    """Says what to install, before anything is measured."""
    if find_spec("matplotlib") is None:
        raise CheckFailed(
            "--plot draws with matplotlib, which is not installed: pip install matplotlib, "
            "or make setup"
        )


def panels(figures: Figures) -> Iterator[Panel]:
    """What there is to draw in these figures."""
    runs: Sequence[Figures] = figures.get("runs", [figures])
    yield from rate_panels(runs)
    yield from processor_panels(figures)
    yield from latency_panels(runs)
    # The last run is the largest; what it grew by has the least of what does not grow with it.
    yield from byte_panels(runs[-1])


def run_name(figures: Figures) -> str:
    """What sets a run apart from the others."""
    parts = [counted(figures["workers"], "worker")]
    if "accounts" in figures:
        parts.append(counted(figures["accounts"], "account"))
    if "batch_size" in figures:
        parts.append(f"batches of {figures['batch_size']:,}")
    return ", ".join(parts)


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def rate_panels(runs: Sequence[Figures]) -> Iterator[Panel]:
    for noun in NOUNS:
        key = f"{noun}_per_second"
        if key not in runs[0]:
            continue
        series = {"ledger": [run[key] for run in runs]}
        for kind in KINDS:
            if any(f"{kind}_per_second" in run for run in runs):
                series[kind] = [run.get(f"{kind}_per_second") for run in runs]
        yield Panel(f"{noun.capitalize()} a second", [run_name(run) for run in runs], series)


def processor_panels(figures: Figures) -> Iterator[Panel]:
    kinds = [kind for kind in ("ledger", *KINDS) if f"{kind}_processor_us" in figures]
    if kinds:
        title = "Microseconds of processor time a transfer, more than a bare statement"
        values = [figures[f"{kind}_processor_us"] for kind in kinds]
        yield Panel(title, kinds, {"": values})


def latency_panels(runs: Sequence[Figures]) -> Iterator[Panel]:
    ending = "p50_ms"
    if ending in runs[0]:
        names = [run_name(run) for run in runs]
        series = {share: [run.get(f"{share}_ms") for run in runs] for share in SHARES}
        yield Panel("Milliseconds a call: percentiles", names, series)
    for run in runs:
        prefixes = [key.removesuffix(ending) for key in run if key.endswith(f"_{ending}")]
        if prefixes:
            names = [prefix.rstrip("_").replace("_", " ") for prefix in prefixes]
            series = {
                share: [run[f"{prefix}{share}_ms"] for prefix in prefixes] for share in SHARES
            }
            yield Panel("Milliseconds a call: percentiles", names, series)


def byte_panels(figures: Figures) -> Iterator[Panel]:
    parts: Mapping[str, float] = figures.get("bytes_by_relation", {})
    chosen = sorted(
        ((name, size) for name, size in parts.items() if size >= LEAST_BYTES),
        key=lambda part: (-part[1], part[0]),
    )
    if chosen:
        noun = "event" if "bytes_per_event" in figures else "transfer"
        total = sum(parts.values())
        title = f"Bytes a {noun}, by table and index: {total:,.1f}"
        yield Panel(title, [name for name, _ in chosen], {"": [size for _, size in chosen]})


def draw(figures: Figures, path: Path) -> None:
    """Writes an SVG file."""
    require_matplotlib()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    drawn = list(panels(figures))
    if not drawn:
        raise CheckFailed("there is nothing to draw in these figures")
    heights = [PANEL_HEIGHT + BAR_HEIGHT * panel.bars for panel in drawn]
    with rc_context(SETTINGS):
        figure = Figure(figsize=(WIDTH, sum(heights)), layout="constrained", facecolor=GROUND)
        grid = figure.subplots(len(drawn), 1, height_ratios=heights, squeeze=False)
        for axes, panel in zip(grid[:, 0], drawn, strict=True):
            draw_panel(axes, panel)
        # Without what changes from day to day and from version to version.
        figure.savefig(
            path, format="svg", facecolor=GROUND, metadata={"Date": None, "Creator": None}
        )


def draw_panel(axes: Any, panel: Panel) -> None:
    width = len(panel.series) + 1
    for row, (name, values) in enumerate(panel.series.items()):
        places = [group * width + row for group in range(len(values))]
        present = [(place, size) for place, size in zip(places, values, strict=True) if size]
        bars = axes.barh(
            [place for place, _ in present],
            [size for _, size in present],
            height=0.85,
            color=COLOURS.get(name, COLOURS["ledger"]),
            label=name,
        )
        axes.bar_label(bars, labels=[short(size) for _, size in present], padding=3)
    middle = (len(panel.series) - 1) / 2
    axes.set_yticks([group * width + middle for group in range(len(panel.groups))], panel.groups)
    axes.invert_yaxis()
    axes.margins(x=0.12, y=0.02)
    axes.set_title(panel.title, loc="left", fontweight="bold")
    axes.set_facecolor(GROUND)
    axes.spines[:].set_visible(False)
    axes.xaxis.grid(visible=True, color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    if len(panel.series) > 1:
        axes.legend(
            loc="lower right", bbox_to_anchor=(1, 1), ncols=len(panel.series), frameon=False
        )


def short(size: float) -> str:
    """A figure with about three digits."""
    if size >= 100:
        return f"{size:,.0f}"
    return f"{size:.1f}" if size >= 10 else f"{size:.2f}"


if __name__ == "__main__":
    source, target = (Path(argument) for argument in sys.argv[1:3])
    draw(json.loads(source.read_text(encoding="utf-8")), target)
