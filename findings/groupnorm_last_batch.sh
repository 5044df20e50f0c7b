#!/usr/bin/env bash
# torch's GroupNorm refuses a batch of one image in evaluation where each group holds one value.
#
# On 1 x 1 maps with one channel a group, GroupNorm has one value to normalize, whatever the batch
# size: each image is normalized by itself. A batch of two passes, a batch of one raises, and the
# message speaks of training although the layer is in evaluation mode. A test set whose last batch
# holds a single image therefore fails after training.
#
# Seen with torch 2.13.0 on CPython 3.11. Source: torch/nn/functional.py, group_norm.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 torch==2.13.0
cat >"$folder/program.py" <<'PY'
import torch

layer = torch.nn.GroupNorm(4, 4).eval()
layer(torch.ones(2, 4, 1, 1))
print("2 images: ok")
try:
    layer(torch.ones(1, 4, 1, 1))
    print("1 image: ok")
except ValueError as error:
    print(f"1 image: ValueError: {error}")
PY
seen=$(cd "$folder" && venv/bin/python program.py 2>/dev/null)
echo "$seen"
expected="2 images: ok
1 image: ValueError: Expected more than 1 value per channel when training, got input size [1, 4, 1, 1]"
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi
