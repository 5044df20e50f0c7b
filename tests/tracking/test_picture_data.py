"""Reading what a run stores for its pictures, also where a file is not what it should be."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ablab.errors import InputError
from ablab.tracking.picture_data import (
    CALIBRATION,
    FILTERS,
    MISTAKES,
    MOST_FILTERS,
    read_calibration,
    read_filters,
    read_mistakes,
)

IMAGES = np.zeros((2, 1, 4, 4), np.uint8)
LABELS = np.array([0, 1])
CONFIDENCE = np.array([0.9, 0.8], np.float32)


def arrays(**changed: Any) -> dict[str, Any]:
    own = {"images": IMAGES, "target": LABELS, "predicted": LABELS[::-1], "confidence": CONFIDENCE}
    return own | changed


def test_mistakes_are_read_back(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / MISTAKES, **arrays())
    mistakes = read_mistakes(tmp_path)
    assert mistakes is not None
    np.testing.assert_array_equal(mistakes.predicted, [1, 0])
    np.testing.assert_array_equal(mistakes.images, IMAGES)


def test_a_run_without_files_has_none(tmp_path: Path) -> None:
    assert read_mistakes(tmp_path) is None
    assert read_filters(tmp_path) is None
    assert read_calibration(tmp_path) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"images": IMAGES.astype(np.float32)},
        {"images": IMAGES[0]},
        {"images": np.zeros((26, 1, 4, 4), np.uint8)},
        {"target": LABELS[:1]},
        {"predicted": LABELS.astype(np.float64)},
        {"confidence": LABELS},
        {"confidence": np.array(["a", "b"])},
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    np.savez(tmp_path / MISTAKES, **arrays(**changed))
    with pytest.raises(InputError, match="must hold mistakes"):
        read_mistakes(tmp_path)


def test_an_array_is_missing(tmp_path: Path) -> None:
    np.savez(tmp_path / MISTAKES, images=IMAGES)
    with pytest.raises(InputError, match="must hold mistakes"):
        read_mistakes(tmp_path)


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / FILTERS, filters=np.array([{}, None], dtype=object))
    with pytest.raises(InputError, match=r"must be an \.npz file of arrays"):
        read_filters(tmp_path)


def test_an_array_that_claims_a_large_shape_is_not_allocated(tmp_path: Path) -> None:
    header = io.BytesIO()
    claimed = {"descr": "<f4", "fortran_order": False, "shape": (3, 1000, 1000, 1000)}
    np.lib.format.write_array_header_1_0(header, claimed)
    with zipfile.ZipFile(tmp_path / FILTERS, "w") as archive:
        archive.writestr("filters.npy", header.getvalue())
    with pytest.raises(InputError, match=r"at most 4,000,000 bytes, got 12,000,000,000"):
        read_filters(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MISTAKES).write_bytes(content)
    with pytest.raises(InputError):
        read_mistakes(tmp_path)


def test_no_more_filters_are_read_than_are_drawn(tmp_path: Path) -> None:
    np.savez(tmp_path / FILTERS, filters=np.zeros((100, 3, 3, 3), np.float32))
    filters = read_filters(tmp_path)
    assert filters is not None
    assert len(filters) == MOST_FILTERS


def test_calibration_has_nan_for_empty_bins(tmp_path: Path) -> None:
    text = "above,to,images,confidence,accuracy\n0.0,0.5,0,,\n0.5,1.0,4,0.75,0.5\n"
    (tmp_path / CALIBRATION).write_text(text)
    table = read_calibration(tmp_path)
    assert table is not None
    np.testing.assert_array_equal(table["accuracy"], [np.nan, 0.5])
    np.testing.assert_array_equal(table["images"], [0, 4])


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "above,to,images,confidence,accuracy\n1,2\n"])
def test_another_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / CALIBRATION).write_text(text)
    with pytest.raises(InputError, match="must have the columns"):
        read_calibration(tmp_path)
