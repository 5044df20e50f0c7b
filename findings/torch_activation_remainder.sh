#!/usr/bin/env bash
# An activation of torch gives equal values other last bits by their position in a tensor.
#
# On a CPU, torch computes a tensor by vectors. The values that are left over at its end, here 3 of
# 35, are computed one by one, by other formulas: of 35 equal numbers, the last 3 become others than
# the first 32. So the output of one image depends on the size of its batch and on its place there,
# and what is computed of several networks in one tensor is not the same to the bit as apart. GELU
# and tanh compute what is left over as they compute the rest.
#
# Seen with torch 2.13.0 on CPython 3.11, x86-64 with AVX2 and with AVX-512.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 torch==2.13.0
cat >"$folder/program.py" <<'PY'
import torch
from torch.nn import functional as F

torch.set_num_threads(1)
inputs = torch.linspace(-4, 4, 101).tolist()
for activation in (F.mish, F.softplus, F.elu, F.silu, F.gelu, torch.tanh):
    apart = 0
    for value in inputs:
        y = activation(torch.full((35,), value))
        assert len(set(y[:32].tolist())) == len(set(y[32:].tolist())) == 1
        apart += bool(y[0] != y[34])
    print(f"{activation.__name__}: {'some' if apart else 'no'} of 101 inputs have two outputs")
PY
seen=$(cd "$folder" && ATEN_CPU_CAPABILITY=avx2 venv/bin/python program.py 2>/dev/null)
echo "$seen"
expected="mish: some of 101 inputs have two outputs
softplus: some of 101 inputs have two outputs
elu: some of 101 inputs have two outputs
silu: some of 101 inputs have two outputs
gelu: no of 101 inputs have two outputs
tanh: no of 101 inputs have two outputs"
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi
