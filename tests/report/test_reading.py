"""A report in a notebook: data frames and figures, as a notebook's user would type it."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from labwriter import LabWriter, realistic_outcomes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import ablab
from ablab.report.build import build_report
from ablab.report.page.figures.svg import INK, MUTED, SERIES
from ablab.report.reading import Reading
from ablab.tracking.lab import Lab
from ablab.tracking.store import Store


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> LabWriter:
    writer = LabWriter(tmp_path_factory.mktemp("lab"))
    writer.sweep(realistic_outcomes())
    early = {"relu": [0.5, 0.6, None], "elu": [0.6, 0.7, 0.8]}
    writer.sweep(early, name="early [dataset=digits]", block="digits × mlp")
    return writer


@pytest.fixture(scope="module")
def r(written: LabWriter) -> Reading:
    return ablab.report.read("activations", lab=written.lab.root)


def test_a_notebook_reads_verdict_frames_and_figures(r: Reading) -> None:
    assert r.verdict.startswith("At fixed hyper-parameters, the baseline relu beats sigmoid")
    assert list(r.variants.variant) == [*realistic_outcomes()]
    means = r.trials.groupby("variant").value.mean()
    assert r.variants.set_index("variant")["mean"].to_dict() == pytest.approx(means.to_dict())
    pivot = r.trials.pivot(index="seed", columns="variant", values="value")
    elu = r.contrasts.set_index("variant").loc["elu"]
    assert elu["mean"] == pytest.approx((pivot.elu - pivot.relu).mean())
    last = r.curves[r.curves.epoch == 12]
    assert last.val_accuracy.between(0.9, 1).all()
    assert isinstance(r.figure("differences"), Figure)


def test_frames_are_the_files(r: Reading, written: LabWriter) -> None:
    folder = build_report(written.lab, "activations").folder
    for name in ("trials", "variants", "contrasts"):
        text = (folder / f"{name}.csv").read_text("utf-8")
        rows = list(csv.DictReader(io.StringIO(text)))
        frame = getattr(r, name)
        assert list(frame.columns) == list(rows[0])
        assert len(frame) == len(rows)


def test_columns_without_values_are_floats(written: LabWriter) -> None:
    early = ablab.report.read("early", written.lab.root)
    assert early.verdict.startswith("No verdict yet")
    assert early.contrasts.p_holm.dtype == np.float64
    assert early.contrasts.p_holm.isna().all()
    assert early.trials.value.dtype == np.float64
    assert early.speed.empty
    assert "reached" in early.speed


def test_a_sweep_of_one_variant_has_the_columns_of_contrasts(writer: LabWriter) -> None:
    alone = ablab.report.read(writer.sweep({"relu": [0.5, 0.6, 0.7]}), writer.lab.root)
    assert alone.contrasts.empty
    assert list(alone.contrasts.columns[:4]) == ["scope", "block", "variant", "reference"]
    report = build_report(writer.lab, "activations")
    assert (report.folder / "contrasts.csv").read_text().startswith("scope,block,variant,")


def test_figures_are_those_of_the_page_in_matplotlib_colors(r: Reading) -> None:
    assert {"differences-0", "curves-0"} <= set(r.figures)
    hidden = {INK, MUTED, *SERIES}
    for name in r.figures:
        figure = r.figure(name)
        figure.draw_without_rendering()
        for artist in figure.findobj():
            for part in ("color", "edgecolor", "facecolor", "markeredgecolor", "markerfacecolor"):
                get = getattr(artist, f"get_{part}", None)
                for color in np.atleast_2d(get()) if get else ():
                    for c in [color] if np.issubdtype(color.dtype, np.number) else color:
                        assert str(c) in ("none", "auto") or to_hex(c) not in hidden, (name, artist)


def test_a_figure_can_be_saved_and_is_shown_by_a_notebook(r: Reading, tmp_path: Path) -> None:
    r.figure("curves").savefig(tmp_path / "curves.pdf")
    assert (tmp_path / "curves.pdf").read_bytes().startswith(b"%PDF")
    assert r.figure("curves")._repr_png_().startswith(b"\x89PNG")
    assert r._repr_markdown_().startswith("**Which activation trains LeNet-5 best on MNIST?**")


def test_reading_figures_does_not_change_the_page(r: Reading, written: LabWriter) -> None:
    for name in r.figures:
        r.figure(name)
    report = build_report(written.lab, "activations")
    assert r.page.render("report.html.j2") == report.html.read_text("utf-8")


def test_unknown_names_are_refused_with_a_list_of_the_known(r: Reading, written: LabWriter) -> None:
    with pytest.raises(ValueError, match=r"figure must be one of differences-0, .*; got 'violin'"):
        r.figure("violin")
    with pytest.raises(ValueError, match=r"that was planned: activations, early"):
        ablab.report.read("poolings", written.lab.root)


def test_the_lab_is_that_of_the_command_line(
    written: LabWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABLAB_HOME", str(written.lab.root))
    assert len(ablab.report.read("activations").trials) == 30


def test_mlflow_runs_are_read_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(Lab.open(tmp_path / "theirs"))
    experiment = store.experiment("nets")
    for variant, shift in (("small", 0.0), ("big", 0.03)):
        for seed in range(4):
            run = store.client.create_run(experiment, tags={"model": variant}).info.run_id
            store.client.log_param(run, "seed", seed)
            store.client.log_metric(run, "test_acc", 0.9 + shift * (1 + seed / 30))
            store.client.set_terminated(run)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)
    names = {"variant": "tags.model", "seed": "params.seed", "metric": "test_acc"}
    theirs = ablab.report.read_runs("nets", **names, baseline="small")
    assert len(theirs.trials) == 8
    assert theirs.contrasts["mean"].tolist() == pytest.approx([0.0315])
    assert theirs.verdict.startswith("big beats the baseline small by 3.15 points")
    assert theirs.notices[0].startswith("These runs were read from MLflow")
    plain = ablab.report.read_runs("nets", **names, baseline="small", unit="none")
    assert plain.verdict.startswith("big beats the baseline small by 0.0315 (")


def test_neither_torch_nor_mlflow_is_imported(written: LabWriter) -> None:
    code = (
        "import sys, ablab\n"
        "before = {'pandas', 'numpy', 'matplotlib', 'ablab.report'} & set(sys.modules)\n"
        f"r = ablab.report.read('activations', {str(written.lab.root)!r})\n"
        "r.trials, r.figure('curves')\n"
        "print(before, [m for m in ('torch', 'mlflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set() []"
