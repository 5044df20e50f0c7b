#!/usr/bin/env bash
# A list from a Hydra configuration makes the checkpoints of some torch optimizers unloadable.
#
# `instantiate` passes `betas: [0.9, 0.95]` on as an omegaconf ListConfig. Adam and AdamW make a tuple
# of it; RAdam, NAdam, Adamax, Rprop and Adafactor keep it in their param_groups, and their
# state_dict cannot be loaded with `weights_only=True`, which is torch's default. Nothing is said when
# the optimizer is made or saved. `_convert_: all` in the configuration avoids it.
#
# Seen with hydra-core 1.3.8, omegaconf 2.3.1, torch 2.13.0 on CPython 3.11.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet hydra-core==1.3.8 numpy==2.4.6 omegaconf==2.3.1 torch==2.13.0
cat >"$folder/program.py" <<'PY'
import io
import pickle

import torch
from hydra.utils import instantiate

VALUES = {"Rprop": {"etas": [0.5, 1.2]}, "Adafactor": {"eps": [None, 0.001]}}
for name in ("Adam", "AdamW", "RAdam", "NAdam", "Adamax", "Rprop", "Adafactor"):
    node = {"_target_": f"torch.optim.{name}", **VALUES.get(name, {"betas": [0.9, 0.95]})}
    optimizer = instantiate(node, params=[torch.nn.Parameter(torch.ones(2))])
    stream = io.BytesIO()
    torch.save(optimizer.state_dict(), stream)
    stream.seek(0)
    try:
        torch.load(stream, weights_only=True)
        print(f"{name}: loads")
    except pickle.UnpicklingError as error:
        print(f"{name}: {type(error).__name__}")
PY
seen=$(cd "$folder" && venv/bin/python program.py 2>/dev/null)
echo "$seen"
expected="Adam: loads
AdamW: loads
RAdam: UnpicklingError
NAdam: UnpicklingError
Adamax: UnpicklingError
Rprop: UnpicklingError
Adafactor: UnpicklingError"
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi
