"""Programs of a trained network and its preprocessing: torch.export and ONNX, written and read.

A program takes uint8 images (N, H, W, C) and returns logits (N, K), for any N; for a
LightningDataModule of the user's own it takes that module's batches, (N, C, H, W). A torch.export
program holds tensors and JSON alone, no pickled object, and needs no ablab to be read.
"""

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import ablab
from ablab.errors import AblabError, InputError
from ablab.faults import first_line
from ablab.inference.trained_model import TrainedModel
from ablab.model.objective import all_logits

INPUT, OUTPUT = "images", "logits"
_ONNX = ("onnx", "onnxscript", "onnxruntime")

Logits = Callable[[Tensor], Tensor]
Write = Callable[[TrainedModel, Path], None]
Read = Callable[[Path], Logits]


class _Graph(nn.Module):
    """The network and its preprocessing, as they are exported."""

    def __init__(self, model: TrainedModel) -> None:
        super().__init__()
        self._dtype = next((p.dtype for p in model.network.parameters()), torch.float32)
        # Weights in channels_last, as in training, would be stored with a warning.
        self.network = model.network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        self.preprocessing = model.preprocessing

    def forward(self, images: Tensor) -> Tensor:
        prepared = images if self.preprocessing is None else self.preprocessing(images)
        return all_logits(self.network(prepared.to(self._dtype)))[0]


def write_program(model: TrainedModel, path: Path) -> None:
    """Write a torch.export program, which `torch.export.load` reads without ablab.

    Args:
        model: changed: its weights become contiguous.
        path: ends in ``.pt2``.

    Raises:
        InputError: torch.export cannot trace the network.
    """
    program = _exported(model)
    program.example_inputs = None  # would be pickled
    extra = {"ablab.json": json.dumps(_metadata(model))}
    torch.export.save(program, path, extra_files=extra)


def _exported(model: TrainedModel) -> torch.export.ExportedProgram:
    """Return the traced graph, for any number of images."""
    C, side = model.in_channels, model.image_size
    shape, dtype = ((3, side, side, C), torch.uint8)
    if model.preprocessing is None:
        shape, dtype = ((3, C, side, side), torch.float32)
    errors = export_errors(model.key, "torch.export can represent")
    with warnings.catch_warnings(), errors, torch.no_grad():
        warnings.filterwarnings("ignore", ".*_flat_weights", UserWarning)  # of nn.LSTM, nn.GRU
        return torch.export.export(
            _Graph(model).eval(),
            (torch.zeros(shape, dtype=dtype),),
            dynamic_shapes={INPUT: {0: torch.export.Dim.DYNAMIC}},
        )


@contextmanager
def export_errors(key: str, ability: str) -> Iterator[None]:
    """Raise what another package raises on a network as one line; it can be nearly any exception.

    Args:
        key: of the trial.
        ability: what the network must be able to do, such as ``torch.export can represent``.

    Raises:
        InputError: the package raised.
    """
    try:
        yield
    except (AblabError, OSError):
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {first_line(error)}"
        if "specialized it to be a constant" in str(error):
            reason = "its code fixes the number of images, as len(x) does; use x.shape[0]"
        raise InputError(f"network must be one that {ability}, got {key}: {reason}") from error


def _metadata(model: TrainedModel) -> dict[str, Any]:
    return {"key": model.key, "class_names": model.class_names, "ablab": ablab.__version__}


def read_program(path: Path) -> Logits:
    """Return the function of a program that `write_program` wrote."""
    module: Logits = torch.export.load(path).module()
    return module


def write_onnx(model: TrainedModel, path: Path) -> None:
    """Write an ONNX file in one piece, with key and class names in its metadata.

    It computes in float32: onnxruntime has no convolution in double precision on a CPU.

    Args:
        model: changed: its weights become contiguous and float32.
        path: ends in ``.onnx``.

    Raises:
        InputError: a package is missing, or the network cannot be traced or has an operation that
            ONNX lacks.
    """
    require_onnx()
    with warnings.catch_warnings(), export_errors(model.key, "ONNX can represent"):
        warnings.simplefilter("ignore")  # of packages that the converter imports
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # warns of absent torchvision
        program = torch.onnx.export(
            _exported(model.float()),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        assert program is not None
        metadata = {f"ablab.{name}": json.dumps(v) for name, v in _metadata(model).items()}
        program.model.metadata_props.update(metadata)
        program.save(path, external_data=False)


def read_onnx(path: Path) -> Logits:
    """Return the function of an ONNX file, computed by onnxruntime on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run([OUTPUT], {INPUT: images.numpy()})[0])


def require_onnx() -> None:
    """Raise an error with the command that installs what ONNX needs, unless it is there.

    Raises:
        InputError: a package is missing.
    """
    missing = [name for name in _ONNX if find_spec(name) is None]
    if missing:
        raise InputError(
            f"--onnx must have the packages {', '.join(_ONNX)}, got none of {', '.join(missing)}; "
            'install them: pip install "ablab[onnx]"'
        )


# Of each form: suffix, writer and reader.
FORMS: Mapping[str, tuple[str, Write, Read]] = {
    "torch-export": (".pt2", write_program, read_program),
    "onnx": (".onnx", write_onnx, read_onnx),
}
