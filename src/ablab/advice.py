"""Removes advice from the messages of other libraries.

Such advice is for the author of the call, which is ablab. A user who follows it is refused, or does
harm (loads a file that runs code).
"""

import re
from collections.abc import Mapping

# Patterns of advice, and the sentence that replaces it; empty: the sentence is dropped.
_REPLACEMENTS: Mapping[str, str] = {
    r"allow_pickle": "Arrays of Python objects are not loaded: they can run code.",
    r"weights_only|safe_globals|can still be loaded": (
        "Files with more than tensors and plain values are not loaded: they can run code."
    ),
    r"unused_parameters|unused parameter detection": (
        "With several processes every parameter must be used in every step: remove unused ones, "
        "or train with devices=cpu or devices=auto."
    ),
    r"mlflow db upgrade": "`ablab sync --rebuild` recreates the lab's own store.",
    r"HYDRA_FULL_ERROR|[Tt]o append to your config use|--hydra-help": "",
    r"strategy ?=|Trainer\(|accelerator ?=|num_sanity_val_steps": (
        "Use the groups `trainer` and `devices` of the configuration instead."
    ),
    r"use_deterministic_algorithms|warn_only": "",
    r"PYTHONIOENCODING": "",
    r"SoftFileLock": "Use a lab on a file system with locks (ABLAB_HOME).",
    r"TORCH_USE_CUDA_DSA|TORCH_DISTRIBUTED_DEBUG|Facebook employee": "",
    r"reporting this issue|(?:file|open|submit) an? (?:issue|bug|report)": "",
    r"Check the documentation of|you have done the above|already have done the above": "",
}
# Sentences end at a full stop or at the end of a line.
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z(`'\"])|\s*\n\s*")
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def remove_advice(text: str) -> str:
    """Return a library's message with its advice removed or replaced by ours.

    Args:
        text: one or more lines.

    Example:
        >>> remove_advice("Object arrays cannot be loaded when allow_pickle=False")
        'Arrays of Python objects are not loaded: they can run code.'
        >>> remove_advice("Out of range. Please file an issue at https://x.org/issues/new.")
        'Out of range.'
        >>> remove_advice("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)")
        'mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)'
    """
    kept: list[str] = []
    changed = False
    for sentence in filter(None, _END.split(_ESCAPE.sub("", text))):
        ours = [new for pattern, new in _REPLACEMENTS.items() if re.search(pattern, sentence)]
        changed = changed or bool(ours)
        kept += [new for new in (ours or [sentence]) if new and new not in kept]
    return " ".join(kept) if changed else text
