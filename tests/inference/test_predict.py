"""Classes of image files: decoded as training images are; nothing is left out in silence."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablab import cli
from ablab.data.digits import read
from ablab.data.errors import DataError
from ablab.errors import InputError
from ablab.inference import predict as module
from ablab.inference.load import load_model
from ablab.inference.predict import find_images, image_format, predict
from ablab.inference.trained_model import TrainedModel
from ablab.tracking.csv_text import read_rows
from ablab.tracking.run import Run

N = 7


@pytest.fixture
def model(runs: dict[str, Run]) -> TrainedModel:
    return load_model(runs["lenet5"])


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for number, image in enumerate(read()["test_images"][:N]):
        Image.fromarray(image[..., 0]).save(
            folder / ("more" if number > 4 else "") / f"{number}.png"
        )
    (folder / "notes.txt").write_text("not an image")
    return folder


def test_files_are_classified_as_their_pixels(
    model: TrainedModel, runs: dict[str, Run], images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BATCH", 3)
    found = find_images([images])
    form = image_format(model, runs["lenet5"].trial["config"])
    predictions = predict(model, found.files, form)
    pixels = read()["test_images"][:N]
    assert [Path(p.file).stem for p in predictions] == [str(number) for number in range(N)]
    assert [p.label for p in predictions] == model.classify(pixels)
    best = model.probabilities(pixels).max(1).values.tolist()
    assert [p.probability for p in predictions] == pytest.approx(best, abs=1e-5)
    assert found.unread == (f"1 entry of {images} not read: notes.txt.",)


def test_color_and_size_are_converted(
    model: TrainedModel, runs: dict[str, Run], tmp_path: Path
) -> None:
    gray = read()["test_images"][0, :, :, 0]
    large = np.repeat(np.repeat(np.stack([gray] * 3, -1), 2, 0), 2, 1)
    Image.fromarray(large).save(tmp_path / "large.png")
    form = image_format(model, runs["lenet5"].trial["config"])
    (prediction,) = predict(model, [tmp_path / "large.png"], form)
    assert prediction.label == model.classify(gray[None])[0]


def test_all_unreadable_files_are_named(
    model: TrainedModel,
    runs: dict[str, Run],
    images: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_BATCH", 3)
    (images / "0.png").write_bytes(b"broken")
    (images / "more" / "6.png").write_bytes(b"")
    form = image_format(model, runs["lenet5"].trial["config"])
    with pytest.raises(DataError, match=f"got 2 of {N} that are not") as caught:
        predict(model, find_images([images]).files, form)
    assert "0.png: it is none of these" in str(caught.value)
    assert "6.png: it is empty" in str(caught.value)


def test_paths_are_checked(images: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"got none in .*empty"):
        find_images([tmp_path / "empty"])
    with pytest.raises(InputError, match=r"must be files or folders, got .*absent"):
        find_images([tmp_path / "absent"])
    with pytest.raises(InputError, match=r"given once each, got .*0.png twice"):
        find_images([images, images / "0.png"])


def test_the_command_prints_or_writes_a_table(
    runs: dict[str, Run], images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = runs["lenet5"].key
    assert cli.main(["predict", key, str(images)]) == 0
    printed = capsys.readouterr().out
    assert "Images become 32 × 32 pixels, gray" in printed
    assert "not read: notes.txt" in printed
    assert len([line for line in printed.splitlines() if ".png" in line]) == N
    assert cli.main(["predict", key, str(images), "--to", "out.csv"]) == 0
    rows = read_rows(Path("out.csv"))
    assert rows[0] == ["file", "class", "probability"]
    assert len(rows) == N + 1
    before = Path("out.csv").read_bytes()
    assert cli.main(["predict", key, str(images), "--to", "out.csv"]) == 2
    assert "FILE must be a new file, got out.csv, which exists" in capsys.readouterr().err
    assert Path("out.csv").read_bytes() == before
