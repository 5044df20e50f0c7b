"""Advice is removed from messages as other libraries raise them."""

import io
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from pytorch_lightning.strategies import ddp

from ablab.advice import remove_advice
from ablab.folders import shipped_folder

NEVER = (
    "allow_pickle",
    "weights_only",
    "safe_globals",
    "find_unused_parameters",
    "db upgrade",
    "HYDRA_FULL_ERROR",
    "use +",
    "strategy=",
    "Trainer(",
    "file an issue",
    "reporting this issue",
    "\x1b",
)


class Foreign:
    """An object that no file of tensors may contain."""


def _objects(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.array([{}, 1], dtype=object))
    with np.load(tmp_path / "x.npz") as arrays:
        arrays["a"]


def _pickle(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    np.load(tmp_path / "x.npy")


def _no_array(tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(b"no array at all")
    np.load(tmp_path / "x.npy")


def _checkpoint(_: Path) -> None:
    buffer = io.BytesIO()
    torch.save({"a": Foreign()}, buffer)
    buffer.seek(0)
    torch.load(buffer, weights_only=True)


def _append(_: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Hydra 1.3 wants version_base, 1.4 does not
        with initialize_config_dir(str(shipped_folder("conf")), version_base=None):
            compose("config", ["no_such_key=1"])


@pytest.mark.parametrize("act", [_objects, _pickle, _no_array, _checkpoint, _append])
def test_advice_of_a_library_is_removed(tmp_path: Path, act: Callable[[Path], None]) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of five libraries
        act(tmp_path)
    before = str(caught.value)
    assert any(word in before for word in NEVER), before
    after = remove_advice(before)
    assert after
    assert not [word for word in NEVER if word in after]


@pytest.mark.parametrize(
    ("message", "kept", "added"),
    [
        (
            "It looks like your LightningModule has parameters that were not used in producing the "
            "loss returned by training_step. If this is intentional, you must enable the detection "
            "of unused parameters in DDP, either by setting the string value "
            "`strategy='ddp_find_unused_parameters_true'` or by setting the flag in the strategy "
            "with `strategy=DDPStrategy(find_unused_parameters=True)`.",
            "parameters that were not used in producing the loss",
            "devices=cpu",
        ),
        (
            "Expected to have finished reduction in the prior iteration before starting a new one. "
            "You can enable unused parameter detection by passing the keyword argument "
            "`find_unused_parameters=True` to `torch.nn.parallel.DistributedDataParallel`. "
            "If you already have done the above, then look. "
            "Please include the loss function when reporting this issue (e.g. list, dict).\n"
            "Parameter indices which did not receive grad for rank 0: 2 3",
            "did not receive grad for rank 0: 2 3",
            "devices=cpu",
        ),
        (
            "Detected out-of-date database schema (found version a, but expected b). Take a backup "
            "of your database, then run 'mlflow db upgrade <database_uri>' to migrate it.",
            "out-of-date database schema",
            "ablab sync --rebuild",
        ),
        (
            "x_cuda does not have a deterministic implementation, but you set "
            "'torch.use_deterministic_algorithms(True)'. You can also file an issue at "
            "https://github.com/pytorch/pytorch/issues to help us.",
            "",
            "",
        ),
        ("", "", ""),
    ],
)
def test_advice_is_replaced_and_the_rest_kept(message: str, kept: str, added: str) -> None:
    after = remove_advice(message)
    assert kept in after
    assert added in after
    assert not [word for word in NEVER if word in after]


def test_lightning_still_gives_this_advice() -> None:
    assert "find_unused_parameters" in Path(ddp.__file__).read_text()


@pytest.mark.parametrize(
    "message",
    ["mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)", "a\n  b\nc", "channels must be 3."],
)
def test_message_without_advice_is_unchanged(message: str) -> None:
    assert remove_advice(message) == message
