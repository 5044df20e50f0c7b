"""What other libraries say, without their advice on settings that are not ours to give.

Their authors speak to who wrote the call. Here that is ablab, and whoever follows the advice is
refused, or does harm (a file that runs code when it is opened).
"""

import re
from collections.abc import Mapping

# Words of an advice, and what is said in the sentence's place; empty: the others say enough.
_OURS: Mapping[str, str] = {
    r"allow_pickle": "Arrays of Python objects are not read: they can run code.",
    r"weights_only|safe_globals|can still be loaded": (
        "A file that holds more than tensors and plain values is not read: it can run code."
    ),
    r"unused_parameters|unused parameter detection": (
        "With several processes each parameter must take part in each step: remove those that "
        "do not, or train with devices=cpu or devices=auto."
    ),
    r"mlflow db upgrade": "`ablab sync --rebuild` makes the lab's own store anew.",
    r"HYDRA_FULL_ERROR|[Tt]o append to your config use|--hydra-help": "",
    r"strategy ?=|Trainer\(|accelerator ?=|num_sanity_val_steps": (
        "What can be set here is in the groups `trainer` and `devices` of the configuration."
    ),
    r"use_deterministic_algorithms|warn_only": "",
    r"PYTHONIOENCODING": "",
    r"SoftFileLock": "Use a lab on a file system with locks (ABLAB_HOME).",
    r"TORCH_USE_CUDA_DSA|TORCH_DISTRIBUTED_DEBUG|Facebook employee": "",
    r"reporting this issue|(?:file|open|submit) an? (?:issue|bug|report)": "",
    r"Check the documentation of|you have done the above|already have done the above": "",
}
# Where a message can be cut: behind a full stop, and between lines.
_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z(`'\"])|\s*\n\s*")
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def without_advice(text: str) -> str:
    """Return a library's message with ours in the place of its advice.

    Args:
        text: one line or several.

    Example:
        >>> without_advice("Object arrays cannot be loaded when allow_pickle=False")
        'Arrays of Python objects are not read: they can run code.'
        >>> without_advice("Out of range. Please file an issue at https://x.org/issues/new.")
        'Out of range.'
        >>> without_advice("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)")
        'mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)'
    """
    kept: list[str] = []
    changed = False
    for sentence in filter(None, _END.split(_ESCAPE.sub("", text))):
        ours = [told for words, told in _OURS.items() if re.search(words, sentence)]
        changed = changed or bool(ours)
        kept += [told for told in (ours or [sentence]) if told and told not in kept]
    return " ".join(kept) if changed else text
