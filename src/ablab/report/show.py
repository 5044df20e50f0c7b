"""Display of one trial in a terminal: configuration, results, next command."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ablab.formatting import format_metric
from ablab.tracking.journal import Entry
from ablab.tracking.lab import Lab
from ablab.tracking.pictures.folder import picture_folder
from ablab.tracking.plan import read_plans
from ablab.tracking.records import Record, read_record, record_of
from ablab.tracking.run import LOG, Run

_LOG_LINES = 15
_BLOCKS = "▁▂▃▄▅▆▇█"
_METRICS = {
    "test accuracy": "test/accuracy",
    "  of the last epoch": "test/accuracy_last",
    "validation accuracy": "val/accuracy",
    "test loss": "test/loss",
    "calibration error": "test/ece",
}


def show_result(run: Run, console: Console) -> None:
    """Print the results of a trial that just ended, its folder, and the next command."""
    record = record_of(run)
    say = _Printer(console)
    if record.outcome == "diverged":
        say("The loss diverged: the trial ended early and is recorded as diverged.")
    _print_metrics(record, console)
    say(f"run      {run.folder}")
    for sweep in _sweeps_with(Lab(run.folder.parents[2]), run.key):
        say(f"sweep    {sweep}")
    say(f"next     ablab show {run.key}   ablab ui   ablab train --fresh …")


def show_trial(lab: Lab, key: str, console: Console) -> bool:
    """Print a trial: configuration, curves, results, log, next command.

    Returns:
        Whether all records are intact; damaged ones are listed.
    """
    record, say = read_record(lab, key), _Printer(console)
    say(f"trial {key}: {record.outcome}", "bold")
    _print_config(record, console)
    _print_curves(record.epochs, console)
    _print_metrics(record, console)
    if record.reason and record.outcome != "damaged":
        say(f"reason   {record.reason}", "red")
    for run in lab.runs(key):
        say(f"run      {run.number} {run.status()}   {run.folder}")
        _print_pictures(lab, run, say)
    for sweep in _sweeps_with(lab, key):
        say(f"sweep    {sweep}")
    damaged = [*filter(None, (run.damage() for run in lab.runs(key))), *_damaged_plans(lab)]
    for damage in damaged:
        say(f"damaged  {damage}", "red")
    if record.folder is not None:
        _print_probes(record.folder, say)
        _print_log(record.folder / LOG, say)
    say(f"next     {_next_step(record, lab)}")
    return not damaged


class _Printer:
    """Prints plain lines: keys and paths must not be colored, wrapped or parsed as markup."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, text: str, style: str = "") -> None:
        self._console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _print_config(record: Record, console: Console) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    choices = record.trial.get("choices", {})
    for name, value in record.trial.get("config", {}).items():
        values = value if isinstance(value, dict) else {"": value}
        shown = [f"{k}={v}".removeprefix("=") for k, v in values.items() if k != "_target_"]
        table.add_row(name, str(choices.get(name, "")), ", ".join(shown))
    console.print(table, highlight=False, markup=False)


def _print_curves(epochs: Sequence[Entry], console: Console) -> None:
    if not epochs:
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("metric", "first", "best", "last", "by epoch"):
        table.add_column(column, justify="left" if column in ("metric", "by epoch") else "right")
    for name in ("train/accuracy", "val/accuracy", "train/loss", "val/loss"):
        values = [e.metrics[name] for e in epochs if name in e.metrics]
        if values:
            best = min(values) if name.endswith("loss") else max(values)
            numbers = [format_metric(x, name) for x in (values[0], best, values[-1])]
            table.add_row(name, *numbers, _sparkline(values))
    console.print(table, highlight=False)


def _sparkline(values: Sequence[float], width: int = 60) -> str:
    """Return values as a line of block characters, scaled to their range."""
    step = max(1, -(-len(values) // width))
    shown = values[::step]
    low, span = min(shown), (max(shown) - min(shown)) or 1.0
    return "".join(_BLOCKS[min(7, int(8 * (x - low) / span))] for x in shown)


def _print_metrics(record: Record, console: Console) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for label, value in metric_lines(record):
        table.add_row(label, value)
    console.print(table, highlight=False)


def metric_lines(record: Record) -> list[tuple[str, str]]:
    """Return the final metrics of a trial and its cost, each with its label."""
    metrics = record.metrics
    lines = [
        (label, format_metric(metrics[name], name))
        for label, name in _METRICS.items()
        if name in metrics
    ]
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


def _print_pictures(lab: Lab, run: Run, say: _Printer) -> None:
    """Print where the pictures of a finished run lie, or how to get them."""
    folder = picture_folder(lab, run)
    if folder is not None:
        names = ", ".join(sorted(path.stem for path in folder.glob("*.png")))
        say(f"pictures {folder}: {names}")
    elif run.completion is not None:
        say(f"pictures `ablab show {run.key} --pictures FOLDER` draws them")


def _print_probes(folder: Path, say: _Printer) -> None:
    """Print the last values of the probes and the path of their table."""
    from ablab.report.analysis.probes import summary  # importing SciPy is slow

    for number, line in enumerate(summary(folder)):
        say(f"{'' if number else 'probes':<8} {'  ' * bool(number)}{line}")


def _print_log(path: Path, say: _Printer) -> None:
    lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
    if lines:
        say(f"log      {path}, last lines:", "dim")
        for line in lines[-_LOG_LINES:]:
            say(f"  {line}")


def _sweeps_with(lab: Lab, key: str) -> list[str]:
    return [
        f"{plan.sweep}: {cell.label.replace(' · ', ', ')}, {cell.block}"
        for plan in read_plans(lab)[0]
        for cell in plan.all_cells
        if cell.key == key
    ]


def _damaged_plans(lab: Lab) -> list[str]:
    return list(read_plans(lab)[1].values())


def _next_step(record: Record, lab: Lab) -> str:
    sweeps = _sweeps_with(lab, record.key)
    again = f"ablab sweep {sweeps[0].partition(':')[0]}" if sweeps else "the same `ablab train …`"
    return {
        "finished": "`ablab ui` shows its run; `ablab train --fresh …` trains it again",
        "diverged": "a smaller optimizer.lr, or trainer.gradient_clip_val=1",
        "running": "wait, or press Ctrl-C where it runs",
        "failed": f"fix the reason, then {again} continues it",
    }.get(record.outcome, f"{again} continues it from its last checkpoint")
