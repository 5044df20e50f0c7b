"""`ablab evaluate`, `predict` and `export`: use of trained networks."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ablab.cli.command import (
    accept_words_after_options,
    add,
    add_allow,
    add_overrides,
    console,
)
from ablab.errors import InputError
from ablab.folders import lab_folder
from ablab.importing import without_gc
from ablab.text import escape_controls, format_count

if TYPE_CHECKING:
    from ablab.cli.command import Commands
    from ablab.inference.evaluate import TestResult
    from ablab.inference.predict import Prediction
    from ablab.tracking.run import Run

_KEY = "key of a finished trial, or the first characters of it"


def add_to(commands: "Commands") -> None:
    """Add the commands to the parser."""
    text = "test a finished trial's network again, or on other data"
    evaluate = add(commands, "evaluate", _evaluate, text)
    evaluate.add_argument("key", help=_KEY)
    add_allow(evaluate)
    add_overrides(evaluate, "other data: dataset=folder dataset.path=PATH, data.test_noise=[0.1]")
    predict = add(commands, "predict", _predict, "classify images with a finished trial's network")
    predict.add_argument("key", help=_KEY)
    predict.add_argument(
        "images", nargs="+", type=Path, metavar="IMAGES", help="image files, or folders of them"
    )
    predict.add_argument("--to", type=Path, metavar="FILE", help="write a new CSV file")
    add_allow(predict)
    accept_words_after_options(predict, _add_images)
    text = "export a finished trial's network, checked against the original on the test set"
    export = add(commands, "export", _export, text)
    export.add_argument("key", nargs="?", help=_KEY)
    forms = export.add_mutually_exclusive_group(required=True)
    for name, suffix, what in (("onnx", "onnx", "ONNX"), ("torch-export", "pt2", "torch.export")):
        forms.add_argument(
            f"--{name}",
            nargs="?",
            const="",
            metavar="FILE",
            help=f"as {what} (default: KEY.{suffix} in the working folder)",
        )
    forms.add_argument(
        "--mlflow", action="store_true", help="as a model of the trial's MLflow run, to be served"
    )
    export.add_argument(
        "--register", metavar="NAME", help="with --mlflow: also as a version of a registered model"
    )
    add_allow(export)


def _add_images(options: argparse.Namespace, words: Sequence[str]) -> None:
    options.images = [*options.images, *map(Path, words)]


def _evaluate(options: argparse.Namespace) -> int:
    with without_gc():
        from ablab.inference.evaluate import evaluate

    run = _find(options.key)
    result = evaluate(run, options.overrides)
    _print(f"trial {run.key}: {result.images:,} test images")
    for note in result.notes:
        _print(note)
    _print_metrics(result)
    if result.recorded:
        _print(_sentence(result))
    return 0


def _print_metrics(result: "TestResult") -> None:
    from rich.table import Table

    from ablab.formatting import unit_of

    table = Table(box=None, pad_edge=False, header_style="dim")
    columns = ("metric", "recorded", "now") if result.recorded else ("metric", "now")
    for column in columns:
        table.add_column(column, justify="left" if column == "metric" else "right")
    for name, value in result.metrics.items():
        unit = unit_of(name)
        old = result.recorded.get(name)
        recorded = ("–" if old is None else unit.value(old),) if result.recorded else ()
        table.add_row(name, *recorded, unit.value(value))
    console().print(table, highlight=False, markup=False)


def _sentence(result: "TestResult") -> str:
    """Return whether the metrics equal the recorded ones, or by how much they differ."""
    if not (differences := result.differences):
        return "All metrics equal the recorded ones to the bit."
    listed = ", ".join(f"{name} by {value:+.3g}" for name, value in differences.items())
    return f"Different from the record: {listed}."


def _predict(options: argparse.Namespace) -> int:
    with without_gc():
        from ablab.inference.export import check_target
        from ablab.inference.load import load_model
        from ablab.inference.predict import (
            describe_conversion,
            find_images,
            image_format,
            predict,
        )
        from ablab.tracking.files import write_atomic

    images, run = find_images(options.images), _find(options.key)
    if options.to is not None:
        check_target(options.to)
    model = load_model(run)
    form = image_format(model, run.trial["config"])
    predictions = predict(model, images.files, form)
    for note in (describe_conversion(form), *images.unread):
        _print(note)
    if options.to is None:
        _print_predictions(predictions)
    else:
        from ablab.tracking.csv_text import to_csv

        rows = [(p.file, p.label, p.probability) for p in predictions]
        write_atomic(options.to, to_csv([("file", "class", "probability"), *rows]))
        _print(f"Predictions of {format_count(len(rows), 'image')}: {options.to}")
    return 0


def _print_predictions(predictions: Sequence["Prediction"]) -> None:
    rows = [("file", "class", "probability")]
    rows += [
        (escape_controls(p.file), escape_controls(p.label), f"{p.probability:.4f}")
        for p in predictions
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for file, label, probability in rows:
        _print(f"{file:<{widths[0]}}  {label:<{widths[1]}}  {probability}")


def _export(options: argparse.Namespace) -> int:
    if options.register is not None and not options.mlflow:
        raise InputError("--register must be given with --mlflow, got another form")
    if options.key is None:
        file = options.onnx or options.torch_export
        got = f"only {file}, which is taken for FILE" if file else "none"
        raise InputError(
            f"key must stand before the form, as in `ablab export KEY --onnx`, got {got}"
        )
    with without_gc():
        from ablab.inference.export import export
        from ablab.inference.program import FORMS

    run = _find(options.key)
    if options.mlflow:
        return _export_to_mlflow(run, options.register)
    form = "onnx" if options.onnx is not None else "torch-export"
    path = Path((options.onnx or options.torch_export) or f"{run.key}{FORMS[form][0]}")
    comparison = export(run, form, path)
    _print(f"{comparison.images:,} test images: {comparison}")
    _print(f"Model: {path}")
    return 0


def _export_to_mlflow(run: "Run", register: str | None) -> int:
    from ablab.inference.export import export_to_mlflow

    comparison, model_id, version = export_to_mlflow(run, register)
    _print(f"{comparison.images:,} test images: {comparison}")
    address = f"models:/{model_id}" if version is None else f"models:/{register}/{version}"
    _print(f"Model: {address}")
    return 0


def _find(prefix: str) -> "Run":
    """Return the finished run of the trial whose key has this prefix."""
    from ablab.inference.load import finished_run
    from ablab.tracking.lab import Lab

    lab = Lab(lab_folder())
    return finished_run(lab, lab.find_key(prefix))


def _print(text: str) -> None:
    console().print(text, highlight=False, markup=False, soft_wrap=True)
