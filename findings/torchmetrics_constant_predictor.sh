#!/usr/bin/env bash
# torchmetrics' binary Matthews correlation of a constant predictor is near 1 on unbalanced data.
#
# The coefficient of a predictor that always answers 1 is 0 by convention (scikit-learn): it knows
# nothing. On 99 positives among 100 samples torchmetrics returns 0.985.
#
# Seen with torchmetrics 1.9.0, scikit-learn 1.9.1, torch 2.13.0 on CPython 3.11.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 torch==2.13.0 torchmetrics==1.9.0 scikit-learn==1.9.1
cat >"$folder/program.py" <<'PY'
import torch
from sklearn.metrics import matthews_corrcoef as sklearn_mcc
from torchmetrics.functional.classification import binary_matthews_corrcoef

target = torch.ones(100, dtype=torch.long)
target[0] = 0
predicted = torch.ones_like(target)
print(f"torchmetrics: {float(binary_matthews_corrcoef(predicted, target)):.3f}")
print(f"scikit-learn: {sklearn_mcc(target, predicted):.3f}")
PY
seen=$(cd "$folder" && venv/bin/python program.py 2>/dev/null)
echo "$seen"
expected="torchmetrics: 0.985
scikit-learn: 0.000"
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi
