#!/usr/bin/env bash
# A program that `torch.export.save` writes holds the example inputs that it was traced with.
#
# They are stored with all their values, as a pickle, although neither the documentation of `save` nor that
# of `export` says so. Who traces a network with an image of a patient hands that image on with the network.
# `program.example_inputs = None` before `save` leaves them out; the program works without them.
#
# Seen with torch 2.13.0 on CPython 3.11. Source: package_pt2 in
# torch/export/pt2_archive/_package.py.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 torch==2.13.0
cat >"$folder/program.py" <<'PY'
import io
import zipfile

import torch


def look(path):
    """Print what the file holds of the example, and whether the program works."""
    with zipfile.ZipFile(path) as archive:
        held = [n for n in archive.namelist() if "sample_inputs" in n and archive.getinfo(n).file_size]
        for name in held:
            content = archive.read(name)
            pickled = any(n.endswith(".pkl") for n in zipfile.ZipFile(io.BytesIO(content)).namelist())
            (example,), _ = torch.load(io.BytesIO(content), weights_only=True)
            print(f"{name.split('/', 1)[1]}: pickle {pickled}, the example {torch.equal(example, image)}")
    if not held:
        print("no example")
    output = torch.export.load(path).module()(image)
    print("works:", torch.allclose(output, network(image)))


image = torch.arange(4.0).reshape(1, 4)
network = torch.nn.Linear(4, 2).eval()
program = torch.export.export(network, (image,))
torch.export.save(program, "with.pt2")
look("with.pt2")
program.example_inputs = None
torch.export.save(program, "without.pt2")
look("without.pt2")
PY
seen=$(cd "$folder" && venv/bin/python program.py 2>/dev/null)
echo "$seen"
expected="data/sample_inputs/model.pt: pickle True, the example True
works: True
no example
works: True"
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi
