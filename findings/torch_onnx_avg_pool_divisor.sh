#!/usr/bin/env bash
# `torch.onnx.export` ignores `divisor_override` of average pooling: the ONNX model computes something else.
#
# `avg_pool2d(x, 2, divisor_override=1)` is the sum of each window. The exported model returns the mean, a
# quarter of it, without an error or a warning about it. `avg_pool2d(x, 2) * 4` is the same sum, and exported
# as such.
#
# Seen with torch 2.13.0, onnxscript 0.7.2, onnxruntime 1.32.0 on CPython 3.11. Source: aten_avg_pool2d in
# onnxscript/function_libs/torch_lib/ops/nn.py has a TODO.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 onnxscript==0.7.2 torch==2.13.0
cat >"$folder/program.py" <<'PY'
import warnings

import onnxruntime
import torch
import torch.nn.functional as F


class Sum(torch.nn.Module):
    def forward(self, x):
        return F.avg_pool2d(x, 2, divisor_override=1)


class Product(torch.nn.Module):
    def forward(self, x):
        return F.avg_pool2d(x, 2) * 4


x = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
for module in (Sum().eval(), Product().eval()):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.onnx.export(module, (x,), "model.onnx", input_names=["x"], dynamo=True, verbose=False)
    (exported,) = onnxruntime.InferenceSession("model.onnx").run(None, {"x": x.numpy()})
    warned = any("divisor" in str(warning.message) for warning in caught)
    name = type(module).__name__
    print(f"{name}: torch {module(x).item()}, ONNX {exported.item()}, warned of it: {warned}")
PY
seen=$(cd "$folder" && venv/bin/python program.py 2>errors) || { cat "$folder/errors"; exit 1; }
if grep -i divisor "$folder/errors"; then echo "it warns now"; exit 1; fi
echo "$seen"
expected="Sum: torch 10.0, ONNX 2.5, warned of it: False
Product: torch 10.0, ONNX 10.0, warned of it: False"
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi
