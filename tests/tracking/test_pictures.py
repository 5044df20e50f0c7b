"""Pictures of a run, drawn from its stored values."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_rgb as rgb
from PIL import Image
from recorded import begin, epoch, finish

from ablab.errors import InputError
from ablab.tracking.delivery import deliver
from ablab.tracking.lab import Lab
from ablab.tracking.picture_data import MistakenImages
from ablab.tracking.pictures.axes import nice_ticks
from ablab.tracking.pictures.calibration import bars, calibration_curve, summary
from ablab.tracking.pictures.confusion import confusion_matrix, read_confusion
from ablab.tracking.pictures.curves import curves, learning_curves
from ablab.tracking.pictures.draw import draw
from ablab.tracking.pictures.filters import filters_picture, scaled
from ablab.tracking.pictures.folder import draw_into, picture_folder
from ablab.tracking.pictures.mistakes import mistakes_picture, to_rgb
from ablab.tracking.pictures.picture import Picture
from ablab.tracking.pictures.probes import heat_map, probe_maps
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
    picture = learning_curves(epochs, "relu · seed 3")
    picture.save(tmp_path / "x.png")
    ((part, (_, loss)),) = curves(epochs, "loss").items()
    assert part == "train"
    np.testing.assert_array_equal(loss, [1, np.nan, np.nan])
    ((x, accuracy),) = curves(epochs, "accuracy").values()
    np.testing.assert_array_equal(x, [1, 2, 3])
    np.testing.assert_array_equal(accuracy, [0, 0.1, 0.2])
    texts = [each.text for each in picture.labels]
    assert texts[0] == "relu · seed 3"
    assert {"loss", "accuracy", "epoch", "train"} <= set(texts)


@pytest.mark.parametrize(("classes", "written"), [(2, True), (10, True), (100, False)])
def test_cells_show_counts_for_few_classes(tmp_path: Path, classes: int, written: bool) -> None:
    counts = np.full((classes, classes), 7)
    counts[0] = 0  # a class without images
    picture = confusion_matrix(counts, [f"c{i}" for i in range(classes)], "t")
    picture.save(tmp_path / "x.png")
    written_counts = [each for each in picture.labels if each.text == "7"]
    assert len(written_counts) == (classes * (classes - 1) if written else 0)


def test_cells_are_shaded_by_the_share_of_the_true_class() -> None:
    counts = np.array([[9, 0, 0], [0, 5, 5], [0, 0, 0]])
    picture = confusion_matrix(counts, ["a", "b", "c"], "t")
    numbers = {each.text: each.box for each in picture.labels if each.text in ("9", "5")}
    shades = {}
    for text, (left, bottom, *_) in numbers.items():
        row = round(100 * (picture.height - bottom))
        shades[text] = picture.pixels[row + 15, round(100 * left), :3]
    expected = [np.array(rgb(colormaps["Blues"](share))) * 255 for share in (1.0, 0.5**0.5)]
    np.testing.assert_allclose(shades["9"], expected[0], atol=1)
    np.testing.assert_allclose(shades["5"], expected[1], atol=1)


def test_the_most_frequent_mistakes_of_many_classes_are_listed() -> None:
    counts = np.diag(np.full(100, 90))
    counts[3, 8], counts[70, 2] = 4, 10
    picture = confusion_matrix(counts, [f"c{i}" for i in range(100)], "t")
    lines = [each.text for each in picture.labels]
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
    picture = mistakes_picture(shown, [f"c{k}" for k in range(8)], "t")
    picture.save(tmp_path / "x.png")
    _, _, *below = picture.labels
    texts = [each.text for each in below]
    assert texts[:3] == [f"c{shown.predicted[0]}", "99.9 %", f"is c{shown.target[0]}"]
    assert len(texts) == 3 * n
    left, bottom, width, height = below[0].box  # its image, of 92 pixels, is above
    row, column = round(100 * (picture.height - bottom - height)) - 4, round(100 * left)
    image = picture.pixels[row - 92 : row, :, :3]
    middle = column + round(50 * width)
    seen = image[:: 92 // 7, middle - 46 : middle + 46 : 92 // 7]
    assert set(map(tuple, seen.reshape(-1, 3))) <= set(
        map(tuple, to_rgb(shown.images)[0].reshape(-1, 3))
    )


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
    filters_picture(filters, "t").save(tmp_path / "x.png")
    values, limit = scaled(filters)
    expected = filters if colors else filters.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(values * limit, expected, rtol=1e-5)
    assert limit == pytest.approx(np.quantile(np.abs(expected), 0.995))


def test_filters_of_zeros_and_nan_are_drawn(tmp_path: Path) -> None:
    filters = np.zeros((2, 1, 3, 3), np.float32)
    filters[0, 0, 0, 0] = np.nan
    filters_picture(filters, "t").save(tmp_path / "x.png")


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
    assert bars(table) == [(0.0, 0.5, 40.0, 25.0, 0.9), (0.5, 0.5, 70.0, 75.0, 0.9)]
    table["images"] = np.array([0.0, 19.0])
    assert bars(table) == [(0.5, 0.5, 70.0, 100.0, 0.3)]  # few images: pale
    texts = [each.text for each in calibration_curve(table, "t").labels]
    assert "expected calibration error 20.0 %" in texts


def test_probes_have_one_map_each_with_layers_by_epochs(tmp_path: Path) -> None:
    spread = {"a": (1e-6, 1.0), "b": (0.1, math.inf), "c": (0.0, math.nan)}
    shown = {"gradient_norm": spread, "dead": {"a": (0.0, 0.9)}}
    probe_maps(shown, "t").save(tmp_path / "x.png")
    values, epochs, scale = heat_map("gradient_norm", spread)
    np.testing.assert_array_equal(epochs, [0, 1])
    np.testing.assert_array_equal(values, [[1e-6, 1], [0.1, np.nan], [1e-6, np.nan]])
    shares = scale.shares(values)
    np.testing.assert_allclose(shares, [[0, 1], [5 / 6, np.nan], [0, np.nan]])
    assert scale.middle == pytest.approx(1e-3)
    values, _, scale = heat_map("dead", shown["dead"])
    np.testing.assert_allclose(scale.shares(values), [[0, 1]])
    assert scale.middle == 0.45


def test_sizes_are_bounded(tmp_path: Path) -> None:
    layers = {f"network.block{i}.conv": (0.1,) * 1000 for i in range(300)}
    assert probe_maps({"gradient_norm": layers}, "t").height < 4
    assert heat_map("gradient_norm", layers)[0].shape == (300, 200)
    counts = np.eye(1000, dtype=np.int64)
    big = confusion_matrix(counts, [f"class {i}" for i in range(1000)], "t")
    assert big.height < 9


@pytest.mark.parametrize("classes", [2, 15])
def test_any_name_can_be_drawn_inside_the_picture(tmp_path: Path, classes: int) -> None:
    """Warnings are errors: one would come of a character that the font lacks."""
    names = [*HOSTILE * 3][:classes]
    pictures = [
        confusion_matrix(np.ones((classes, classes), np.int64), names, "\n".join(HOSTILE)),
        mistakes_picture(mistakes(6, classes), names, "w" * 250),
        probe_maps({"dead": dict.fromkeys(HOSTILE, (0.1,))}, "日本語"),
    ]
    for picture in pictures:
        picture.save(tmp_path / "x.png")
        for each in picture.labels:
            left, bottom, width, height = each.box
            assert -0.01 <= left <= left + width <= 6.41, each.text
            assert -0.01 <= bottom <= bottom + height <= picture.height + 0.01, each.text


def test_texts_lines_and_images_are_where_they_are_asked_for() -> None:
    picture = Picture("", 2.0)
    picture.image(np.array([[[255, 0, 0], [0, 255, 0]]], np.uint8), (1.0, 0.5, 0.2, 0.1))
    np.testing.assert_array_equal(
        picture.pixels[140, [99, 100, 109, 110, 119, 120], :3],
        [[255, 255, 255], [255, 0, 0], [255, 0, 0], [0, 255, 0], [0, 255, 0], [255, 255, 255]],
    )
    picture.text(3.0, 1.0, "H", size=20, color="#ff0000")
    seen = np.argwhere(picture.pixels[..., 1] < 128)
    seen = seen[seen[:, 1] > 200]
    np.testing.assert_allclose(seen.mean(axis=0), [100, 300], atol=3)
    assert (picture.pixels[tuple(seen[0])][:3] == [255, 0, 0]).all()
    picture.line([(5.0, 1.5), (6.0, 1.5)], "#0000ff", 2)
    assert (picture.pixels[49:51, 510:590, 2] == 255).all()
    assert (picture.pixels[49:51, 510:590, 0] < 128).any()


def test_an_upright_text_is_the_text_turned_to_the_left() -> None:
    plain, upright = Picture("", 2.0), Picture("", 2.0)
    plain.text(3.0, 1.0, "abc")
    upright.text(3.0, 1.0, "abc", upright=True)

    def ink(picture: Picture) -> np.ndarray:
        rows, columns = np.nonzero(picture.pixels[..., 0] < 255)
        return picture.pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1, 0]

    np.testing.assert_array_equal(ink(upright), np.rot90(ink(plain)))


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [(0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]), (90.1, 99.9, ["92", "94", "96", "98"])],
)
def test_ticks_are_round_values_within_the_range(low: float, high: float, texts: list[str]) -> None:
    values, shown = nice_ticks(low, high, 5)
    assert shown == texts
    assert values == pytest.approx([float(text) for text in texts])


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
