"""Pictures of a run, drawn from its stored values."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import LogNorm
from PIL import Image
from recorded import begin, epoch, finish

from ablab.errors import InputError
from ablab.tracking.delivery import deliver
from ablab.tracking.lab import Lab
from ablab.tracking.picture_data import MistakenImages
from ablab.tracking.pictures.calibration import calibration_curve, summary
from ablab.tracking.pictures.confusion import confusion_matrix, read_confusion
from ablab.tracking.pictures.curves import learning_curves
from ablab.tracking.pictures.draw import draw
from ablab.tracking.pictures.filters import filters_picture
from ablab.tracking.pictures.folder import draw_into, picture_folder
from ablab.tracking.pictures.mistakes import mistakes_picture, to_rgb
from ablab.tracking.pictures.probes import probe_maps
from ablab.tracking.run import Run
from ablab.tracking.store import Store

HOSTILE = ["$x_1$", "two\nlines", "\x1b[31m", "<b>", "日本語", "w" * 300, "ﷺ", ""]
CALIBRATION = """\
above,to,images,confidence,accuracy
0.0,0.5,0,,
0.5,1.0,4,0.75,0.5
"""


def store_all(run: Run) -> None:
    """Write everything that pictures are drawn from."""
    images = np.zeros((2, 1, 4, 4), np.uint8)
    labels, confidence = np.array([0, 1]), np.array([0.9, 0.8], np.float32)
    np.savez(
        run.folder / "mistakes.npz",
        images=images,
        target=labels,
        predicted=labels[::-1],
        confidence=confidence,
    )
    np.savez(run.folder / "filters.npz", filters=np.ones((2, 1, 3, 3), np.float32))
    (run.folder / "calibration.csv").write_text(CALIBRATION)
    (run.folder / "probes.csv").write_text("epoch,layer,probe,value\n0,a,dead,0.5\n")


ALL = ["learning_curves", "confusion_matrix", "mistakes", "calibration", "filters", "probes"]


def test_a_finished_run_has_all_pictures(lab: Lab, tmp_path: Path) -> None:
    run = begin(lab, epochs=2)
    store_all(run)
    finish(run)
    names = draw(run, "lenet5 · relu · seed 3", tmp_path)
    assert names == [f"{name}.png" for name in ALL]
    for name in names:
        with Image.open(tmp_path / name) as picture:
            assert picture.format == "PNG"
            assert picture.width == 640
            # White corners: readable on a dark page as on a light one.
            assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_a_run_of_an_earlier_version_has_the_pictures_that_it_has_data_for(
    lab: Lab, tmp_path: Path
) -> None:
    run = begin(lab, epochs=2)
    finish(run)
    assert draw(run, "t", tmp_path) == ["learning_curves.png", "confusion_matrix.png"]


def test_a_run_without_data_has_none(lab: Lab, tmp_path: Path) -> None:
    assert draw(begin(lab), "t", tmp_path) == []


@pytest.mark.parametrize("name", ["mistakes.npz", "filters.npz", "calibration.csv", "probes.csv"])
def test_a_file_that_cannot_be_read_leaves_its_picture_out(
    lab: Lab, tmp_path: Path, name: str
) -> None:
    run = begin(lab, epochs=1)
    store_all(run)
    finish(run)
    (run.folder / name).write_bytes(b"something else")
    drawn = draw(run, "t", tmp_path)
    assert drawn == [f"{n}.png" for n in ALL if n != name.partition(".")[0]]


def test_curves_show_the_values_of_the_journal_with_gaps(tmp_path: Path) -> None:
    epochs = [epoch(0), epoch(1, **{"train/loss": math.inf}), epoch(2, **{"train/loss": math.nan})]
    figure = learning_curves(epochs, "relu · seed 3")
    figure.savefig(tmp_path / "x.png")
    loss, accuracy = figure.axes
    (line,) = loss.lines
    np.testing.assert_array_equal(np.asarray(line.get_ydata()), [1, np.nan, np.nan])
    (line,) = accuracy.lines
    np.testing.assert_array_equal(np.asarray(line.get_xdata()), [1, 2, 3])
    np.testing.assert_array_equal(np.asarray(line.get_ydata()), [0, 0.1, 0.2])
    assert figure.get_suptitle() == "relu · seed 3"


@pytest.mark.parametrize(("classes", "written"), [(2, True), (10, True), (100, False)])
def test_cells_show_counts_for_few_classes(tmp_path: Path, classes: int, written: bool) -> None:
    counts = np.full((classes, classes), 7)
    counts[0] = 0  # a class without images
    figure = confusion_matrix(counts, [f"c{i}" for i in range(classes)], "t")
    figure.savefig(tmp_path / "x.png")
    axes = figure.axes[0]
    assert len(axes.texts) == (classes * (classes - 1) if written else 0)
    (image,) = axes.images
    shares = np.asarray(image.get_array())
    np.testing.assert_allclose(shares.sum(axis=1), [0] + [1] * (classes - 1))


def test_the_most_frequent_mistakes_of_many_classes_are_listed() -> None:
    counts = np.diag(np.full(100, 90))
    counts[3, 8], counts[70, 2] = 4, 10
    figure = confusion_matrix(counts, [f"c{i}" for i in range(100)], "t")
    lines = [text.get_text() for text in figure.texts]
    assert lines[-2:] == ["c70 → c2:  10 of 100", "c3 → c8:  4 of 94"]


def test_a_confusion_matrix_is_read_with_its_class_names(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(',"a, b",c\n"a, b",2,0\nc,1,3\n')
    names, counts = read_confusion(tmp_path / "c.csv")
    assert names == ["a, b", "c"]
    np.testing.assert_array_equal(counts, [[2, 0], [1, 3]])


def mistakes(n: int, classes: int = 8, channels: int = 1) -> MistakenImages:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n, channels, 8, 8)).astype(np.uint8)
    target, predicted = rng.integers(0, classes, (2, n))
    return MistakenImages(images, target, predicted, np.linspace(0.9996, 0.5, n, dtype=np.float32))


@pytest.mark.parametrize("n", [1, 5, 25])
def test_mistakes_show_each_image_with_both_classes(tmp_path: Path, n: int) -> None:
    shown = mistakes(n)
    figure = mistakes_picture(shown, [f"c{k}" for k in range(8)], "t")
    figure.savefig(tmp_path / "x.png")
    (axes,) = figure.axes
    assert len(axes.images) == n
    texts = [text.get_text() for text in axes.texts]
    assert texts[:3] == [f"c{shown.predicted[0]}", "99.9 %", f"is c{shown.target[0]}"]
    assert len(texts) == 3 * n


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_images_of_any_channels_can_be_looked_at(channels: int) -> None:
    images = mistakes(2, channels=channels).images
    rgb = to_rgb(images)
    assert rgb.shape == (2, 8, 8, 3)
    if channels == 3:
        np.testing.assert_array_equal(rgb[..., 1], images[:, 1])
    else:
        assert (rgb[..., 0] == rgb[..., 2]).all()


@pytest.mark.parametrize(
    ("shape", "colors"), [((6, 1, 5, 5), False), ((64, 3, 11, 7), True), ((3, 4, 3, 3), False)]
)
def test_filters_are_drawn_on_one_scale_around_zero(
    tmp_path: Path, shape: tuple[int, ...], colors: bool
) -> None:
    filters = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    figure = filters_picture(filters, "t")
    figure.savefig(tmp_path / "x.png")
    (image,) = figure.axes[0].images
    assert (np.asarray(image.get_array()).ndim == 3) == colors
    if not colors:
        low, high = image.get_clim()
        assert low == -high
        mosaic = np.asarray(image.get_array())
        first = filters[0].mean(0)
        np.testing.assert_allclose(mosaic[: shape[2], : shape[3]], first, rtol=1e-5)


def test_filters_of_zeros_and_nan_are_drawn(tmp_path: Path) -> None:
    filters = np.zeros((2, 1, 3, 3), np.float32)
    filters[0, 0, 0, 0] = np.nan
    filters_picture(filters, "t").savefig(tmp_path / "x.png")


def test_calibration_says_error_and_direction() -> None:
    table = {
        "above": np.array([0.0, 0.5]),
        "to": np.array([0.5, 1.0]),
        "images": np.array([100.0, 300.0]),
        "confidence": np.array([0.4, 0.9]),
        "accuracy": np.array([0.4, 0.7]),
    }
    assert summary(table) == (
        "expected calibration error 15.0 %",
        "mean confidence 77.5 %, accuracy 62.5 %: overconfident",
    )
    bars = calibration_curve(table, "t").axes[0].patches
    assert [bar.get_height() for bar in bars] == [40.0, 70.0]


def test_probes_have_one_map_each_with_layers_by_epochs(tmp_path: Path) -> None:
    spread = {"a": (1e-6, 1.0), "b": (0.1, math.inf), "c": (0.0, math.nan)}
    figure = probe_maps({"gradient_norm": spread, "dead": {"a": (0.0, 0.9)}}, "t")
    figure.savefig(tmp_path / "x.png")
    norm, dead = (axes.images[0] for axes in (figure.axes[0], figure.axes[2]))
    assert isinstance(norm.norm, LogNorm)
    values = np.ma.filled(norm.get_array(), np.nan)
    np.testing.assert_array_equal(values, [[1e-6, 1], [0.1, np.nan], [1e-6, np.nan]])
    assert not isinstance(dead.norm, LogNorm)


def test_sizes_are_bounded(tmp_path: Path) -> None:
    layers = {f"network.block{i}.conv": (0.1,) * 1000 for i in range(300)}
    figure = probe_maps({"gradient_norm": layers}, "t")
    assert figure.get_size_inches()[1] < 4
    assert np.asarray(figure.axes[0].images[0].get_array()).shape == (300, 200)
    counts = np.eye(1000, dtype=np.int64)
    big = confusion_matrix(counts, [f"class {i}" for i in range(1000)], "t")
    assert big.get_size_inches()[1] < 9


@pytest.mark.parametrize("classes", [2, 15])
def test_any_name_can_be_drawn_inside_the_picture(tmp_path: Path, classes: int) -> None:
    """Warnings are errors: one would come of a character that the font lacks."""
    names = [*HOSTILE * 3][:classes]
    figures = [
        confusion_matrix(np.ones((classes, classes), np.int64), names, "\n".join(HOSTILE)),
        mistakes_picture(mistakes(6, classes), names, "w" * 250),
        probe_maps({"dead": dict.fromkeys(HOSTILE, (0.1,))}, "日本語"),
    ]
    for figure in figures:
        figure.savefig(tmp_path / "x.png")
        box = figure.get_window_extent()
        for text in figure.findobj(match=lambda artist: hasattr(artist, "get_text")):
            extent = text.get_window_extent()
            if text.get_visible() and text.get_text():
                assert box.x0 - 1 <= extent.x0 <= extent.x1 <= box.x1 + 1, text.get_text()


def test_delivered_pictures_are_found(lab: Lab, store: Store, make_finished: Callable) -> None:
    run = make_finished()
    assert picture_folder(lab, run) is None
    deliver(run, store, "trials", name="x", tags={})
    folder = picture_folder(lab, run)
    assert folder is not None
    assert (folder / "confusion_matrix.png").is_file()


@pytest.mark.parametrize("run_id", ["../../../..", "*", ""])
def test_a_forged_run_id_finds_no_folder(lab: Lab, make_finished: Callable, run_id: str) -> None:
    run = make_finished()
    (lab.root / "artifacts" / "1" / "artifacts" / "pictures").mkdir(parents=True)
    (lab.root / "artifacts" / "1" / "artifacts" / "pictures" / "x.png").touch()
    content = f'{{"lab": {{"trials": {{"run_id": "{run_id}"}}}}}}'
    (run.folder / "runs.json").write_text(content)
    assert picture_folder(lab, run) is None


def test_pictures_are_drawn_into_a_new_folder_only(make_finished: Callable, tmp_path: Path) -> None:
    run, folder = make_finished(), tmp_path / "a" / "b"
    names = draw_into(run, folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    with pytest.raises(InputError, match="--pictures must be a new or an empty folder"):
        draw_into(run, folder)
