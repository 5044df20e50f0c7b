"""The model that MLflow serves: a torch.export program, and the names of its classes.

MLflow copies this file into each model that `ablab.tracking.model_export` saves, and runs the copy
where the model is used. It needs the packages that it imports, not ablab, and unpickles nothing.
"""

import json
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import torch
from mlflow.pyfunc.model import PythonModel


class ImageClassifier(PythonModel):
    """Returns class and probabilities of images."""

    def load_context(self, context: Any) -> None:
        """Read the program.

        Args:
            context: has the path of the artifact ``program``.
        """
        extra = {"ablab.json": ""}
        program = torch.export.load(context.artifacts["program"], extra_files=extra)
        self._logits = program.module()
        self._class_names = json.loads(extra["ablab.json"])["class_names"]

    def predict(
        self, context: Any, model_input: np.ndarray, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return one row per image.

        Args:
            context: not used.
            model_input: (N, H, W, C), uint8; for a LightningDataModule of the user's own its
                batches, (N, C, H, W).
            params: not used.

        Returns:
            Columns ``class``, ``probability`` of that class, and ``probabilities`` of all classes,
            in their order.
        """
        with torch.no_grad():
            probabilities = self._logits(torch.from_numpy(model_input)).softmax(1).double()
        best, labels = probabilities.max(1)
        return pd.DataFrame(
            {
                "class": [self._class_names[k] for k in labels.tolist()],
                "probability": best.tolist(),
                "probabilities": probabilities.tolist(),
            }
        )


mlflow.models.set_model(ImageClassifier())
