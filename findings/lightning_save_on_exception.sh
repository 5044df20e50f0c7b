#!/usr/bin/env bash
# Lightning's ModelCheckpoint replaces the checkpoint of the best epoch when an exception is raised.
#
# With `save_on_exception=True` and a file name without placeholders, the weights at the moment of the
# exception are written to the path of the best checkpoint. `best_model_path` and `best_model_score`
# still name the best epoch, whose weights are gone.
#
# Seen with pytorch-lightning 2.6.6, torch 2.13.0 on CPython 3.11. Source: ModelCheckpoint.on_exception.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 pytorch-lightning==2.6.6 torch==2.13.0
cat >"$folder/program.py" <<'PY'
import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader, TensorDataset


class Module(LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch, index):
        if self.current_epoch == 2:
            raise RuntimeError("out of memory, say")
        return self.layer(batch[0]).mean()

    def on_train_epoch_end(self):
        self.log("score", [1.0, 0.2][self.current_epoch])  # epoch 0 is the best

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


checkpoint = ModelCheckpoint(
    "checkpoints",
    filename="best",
    monitor="score",
    mode="max",
    save_on_exception=True,
    save_on_train_epoch_end=True,
)
trainer = Trainer(
    max_epochs=3,
    callbacks=[checkpoint],
    logger=False,
    accelerator="cpu",
    enable_progress_bar=False,
    enable_model_summary=False,
)
try:
    trainer.fit(Module(), DataLoader(TensorDataset(torch.ones(4, 1))))
except RuntimeError:
    pass
saved = torch.load(checkpoint.best_model_path, weights_only=True)
score = float(checkpoint.best_model_score)
print(f"after the run: best score {score}, file of epoch {saved['epoch']}, step {saved['global_step']}")
PY
seen=$(cd "$folder" && venv/bin/python program.py 2>/dev/null)
echo "$seen"
expected="after the run: best score 1.0, file of epoch 2, step 8"
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi
