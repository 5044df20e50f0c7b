"""Tables and arrays of a run that promise more than they hold are refused in a line."""

from pathlib import Path

import numpy as np
import pytest

from ablab.errors import InputError
from ablab.tracking.files import DamagedError
from ablab.tracking.probes import PROBES, read_probes
from ablab.tracking.records import CORRECT, read_correct
from ablab.tracking.spec import read_spec


def _npy(shape: str, data: bytes = b"\0", dtype: str = "|u1") -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no array",
        _npy("(1000000000000,)"),
        _npy("(2,)", b"\0\0"),
        _npy("(1, 1)"),
        _npy("(1,)", bytes(8), "<f8"),
        _npy("(1,)", bytes(8), "|O"),
        bytes(10_000),
    ],
)
def test_an_array_of_another_size_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / CORRECT).write_bytes(content)
    with pytest.raises(DamagedError, match="must"):
        read_correct(tmp_path, 8)


@pytest.mark.parametrize("images", [10**12, 10**30])
def test_a_record_cannot_ask_for_more_images_than_the_array_has(
    tmp_path: Path, images: int
) -> None:
    np.save(tmp_path / CORRECT, np.packbits([True] * 8))
    with pytest.raises(DamagedError, match="must hold"):
        read_correct(tmp_path, images)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "other,columns\n",
        "epoch,layer,probe,value\n999999999999,a,b,1.0\n",
        "epoch,layer,probe,value\nx,a,b,1.0\n",
        "epoch,layer,probe,value\n0,a,b\n",
        "epoch,layer,probe,value\n0,a,b,<script>\n",
    ],
)
def test_a_table_of_probes_is_checked(tmp_path: Path, text: str) -> None:
    (tmp_path / PROBES).write_text(text)
    with pytest.raises(InputError, match="must"):
        read_probes(tmp_path)


def test_a_plan_cannot_ask_for_endless_seeds() -> None:
    assert len(read_spec({"seeds": 20_000}).seeds) == 20_000
    with pytest.raises(TypeError):  # becomes a message about the plan
        read_spec({"seeds": 10**12})
