#!/usr/bin/env bash
# torchmetrics' macro average precision of a perfect scorer depends on `thresholds`.
#
# Where a class has no sample, its average precision is undefined. With `thresholds=None` the class is
# left out of the mean (1.0); with a number of thresholds it counts as 0 (0.667 for three classes).
#
# Seen with torchmetrics 1.9.0, torch 2.13.0 on CPython 3.11.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 torch==2.13.0 torchmetrics==1.9.0
cat >"$folder/program.py" <<'PY'
import warnings

import torch
from torchmetrics.classification import MulticlassAveragePrecision

warnings.simplefilter("ignore")
target = torch.tensor([0, 1, 0, 1])  # class 2 is absent
scores = torch.eye(3)[target]  # each sample's class has all the probability
for name, thresholds in (("exact", None), ("100 thresholds", 100)):
    metric = MulticlassAveragePrecision(num_classes=3, average="macro", thresholds=thresholds)
    print(f"{name}: {float(metric(scores, target)):.3f}")
PY
seen=$(cd "$folder" && venv/bin/python program.py 2>/dev/null)
echo "$seen"
expected="exact: 1.000
100 thresholds: 0.667"
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi
