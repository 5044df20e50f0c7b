"""One trial in a terminal: what it is, how it went, what to type next."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ablab.errors import InputError
from ablab.tracking.journal import Entry
from ablab.tracking.lab import Lab
from ablab.tracking.plan import read_plans
from ablab.tracking.records import Record, read_record, record_of
from ablab.tracking.run import LOG, Run

_LOG_LINES = 15
_BLOCKS = "▁▂▃▄▅▆▇█"
_LINES = (
    ("test accuracy", "test/accuracy", "{:.2%}"),
    ("  of the last epoch", "test/accuracy_last", "{:.2%}"),
    ("validation accuracy", "val/accuracy", "{:.2%}"),
    ("test loss", "test/loss", "{:.4f}"),
)


def find_trial(lab: Lab, beginning: str) -> str:
    """Return the key that begins so.

    Raises:
        InputError: none or several do.
    """
    found = [key for key in lab.keys() if key.startswith(beginning)]  # noqa: SIM118 - no mapping
    if len(found) == 1:
        return found[0]
    listed = ", ".join(found) or f"none in {lab.root}"
    raise InputError(f"key must begin one trial's key, got {beginning}, which begins {listed}")


def show_result(run: Run, console: Console) -> None:
    """Print what a finished trial came to, where it is, and what to type next."""
    record = record_of(run)
    say = _Say(console)
    if record.outcome == "diverged":
        say("The loss diverged: the trial ended early, and is recorded so.")
    _figures(record, console)
    say(f"run      {run.folder}")
    for sweep in _sweeps_with(Lab(run.folder.parents[2]), run.key):
        say(f"sweep    {sweep}")
    say(f"next     ablab show {run.key}   ablab ui   ablab train --fresh …")


def show_trial(lab: Lab, key: str, console: Console) -> bool:
    """Print a trial: configuration, curve, log, next step.

    Returns:
        Whether all that was read is as it was written; what is not is named.
    """
    record, say = read_record(lab, key), _Say(console)
    say(f"trial {key}: {record.outcome}", "bold")
    _config(record, console)
    _curve(record.epochs, console)
    _figures(record, console)
    if record.reason and record.outcome != "damaged":
        say(f"reason   {record.reason}", "red")
    for run in lab.runs(key):
        say(f"run      {run.number} {run.status()}   {run.folder}")
    for sweep in _sweeps_with(lab, key):
        say(f"sweep    {sweep}")
    damaged = [*filter(None, (run.damage() for run in lab.runs(key))), *_damaged_plans(lab)]
    for told in damaged:
        say(f"damaged  {told}", "red")
    if record.folder is not None:
        _probes(record.folder, say)
        _log(record.folder / LOG, say)
    say(f"next     {_next(record, lab)}")
    return not damaged


class _Say:
    """Prints plain lines: keys and paths must not be coloured, wrapped or read as markup."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, text: str, style: str = "") -> None:
        self._console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _config(record: Record, console: Console) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    choices = record.trial.get("choices", {})
    for name, value in record.trial.get("config", {}).items():
        values = value if isinstance(value, dict) else {"": value}
        shown = [f"{k}={v}".removeprefix("=") for k, v in values.items() if k != "_target_"]
        table.add_row(name, str(choices.get(name, "")), ", ".join(shown))
    console.print(table, highlight=False, markup=False)


def _curve(epochs: Sequence[Entry], console: Console) -> None:
    if not epochs:
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("metric", "first", "best", "last", "by epoch"):
        table.add_column(column, justify="left" if column in ("metric", "by epoch") else "right")
    for name in ("train/accuracy", "val/accuracy", "train/loss", "val/loss"):
        values = [e.metrics[name] for e in epochs if name in e.metrics]
        if values:
            best = min(values) if name.endswith("loss") else max(values)
            figures = [f"{x:.4f}" for x in (values[0], best, values[-1])]
            table.add_row(name, *figures, _sparkline(values))
    console.print(table, highlight=False)


def _sparkline(values: Sequence[float], width: int = 60) -> str:
    """Return values as blocks between their own least and largest."""
    step = max(1, -(-len(values) // width))
    shown = values[::step]
    low, span = min(shown), (max(shown) - min(shown)) or 1.0
    return "".join(_BLOCKS[min(7, int(8 * (x - low) / span))] for x in shown)


def _figures(record: Record, console: Console) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for label, value in metric_lines(record):
        table.add_row(label, value)
    console.print(table, highlight=False)


def metric_lines(record: Record) -> list[tuple[str, str]]:
    """Return the final metrics of a trial and what it cost, each with its name."""
    metrics = record.metrics
    lines = [(label, form.format(metrics[name])) for label, name, form in _LINES if name in metrics]
    if "best/epoch" in metrics:
        lines.append(("chosen epoch", f"{metrics['best/epoch'] + 1:.0f}"))
    return lines + _cost(record)


def _cost(record: Record) -> list[tuple[str, str]]:
    metadata: dict[str, Any] = {**record.metadata, **record.measured}
    forms = (
        ("parameters", "parameters", "{:,}"),
        ("FLOPs an image", "flops", "{:,}"),
        ("seconds an epoch", "time/epoch_seconds", "{:.2f}"),
        ("images/s", "throughput/images_per_second", "{:,.0f}"),
    )
    lines = [
        (label, form.format(metadata[name])) for label, name, form in forms if name in metadata
    ]
    if "memory/peak_bytes" in metadata:
        lines.append(("peak memory", f"{metadata['memory/peak_bytes'] / 1e6:,.0f} MB"))
    return lines


def _probes(folder: Path, say: _Say) -> None:
    """Print what the probes found and where their table lies."""
    from ablab.report.analysis.probes import summary  # SciPy takes its time

    for number, line in enumerate(summary(folder)):
        say(f"{'' if number else 'probes':<8} {'  ' * bool(number)}{line}")


def _log(path: Path, say: _Say) -> None:
    lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
    if lines:
        say(f"log      {path}, its last lines:", "dim")
        for line in lines[-_LOG_LINES:]:
            say(f"  {line}")


def _sweeps_with(lab: Lab, key: str) -> list[str]:
    return [
        f"{plan.sweep}: {cell.variant}, seed {cell.seed}, {cell.block}"
        for plan in read_plans(lab)[0]
        for cell in plan.cells
        if cell.key == key
    ]


def _damaged_plans(lab: Lab) -> list[str]:
    return list(read_plans(lab)[1].values())


def _next(record: Record, lab: Lab) -> str:
    sweeps = _sweeps_with(lab, record.key)
    again = f"ablab sweep {sweeps[0].partition(':')[0]}" if sweeps else "the same `ablab train …`"
    return {
        "finished": "ablab ui shows its run; `ablab train --fresh …` trains it anew",
        "diverged": "a smaller optimizer.lr, or trainer.gradient_clip_val=1",
        "running": "wait, or Ctrl-C where it runs",
        "failed": f"mend the reason, then {again} goes on",
    }.get(record.outcome, f"{again} goes on from its last checkpoint")
