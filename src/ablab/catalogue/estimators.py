"""The scikit-learn baselines and their settings."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Estimator:
    """A scikit-learn estimator with its settings.

    Attributes:
        name: one word.
        title: its name in tables.
        class_path: dotted name of the class.
        settings: its arguments; all others are scikit-learn's defaults.
        parallel: whether ``n_jobs`` can be -1 without a change of the result.
    """

    name: str
    title: str
    class_path: str
    settings: Mapping[str, Any]
    parallel: bool = False

    def build(self) -> Any:
        """Return the estimator, not yet fitted."""
        module, _, name = self.class_path.rpartition(".")
        jobs = {"n_jobs": -1} if self.parallel else {}
        return getattr(importlib.import_module(module), name)(**self.settings, **jobs)


# Usual settings, not tuned. On standardized pixels the two linear models have a stronger penalty
# than scikit-learn's default, with which they would take many times as long to converge.
ESTIMATORS = (
    Estimator(
        "majority_class",
        "majority class",
        "sklearn.dummy.DummyClassifier",
        {"strategy": "most_frequent"},
    ),
    Estimator(
        "nearest_centroid",
        "nearest centroid",
        "sklearn.neighbors.NearestCentroid",
        {"metric": "euclidean"},
    ),
    Estimator(
        "k_nn",
        "k-NN",
        "sklearn.neighbors.KNeighborsClassifier",
        {"n_neighbors": 5, "weights": "uniform", "algorithm": "brute"},
        parallel=True,
    ),
    Estimator(
        "logistic_regression",
        "logistic regression",
        "sklearn.linear_model.LogisticRegression",
        {"C": 0.01, "solver": "lbfgs", "max_iter": 200},
    ),
    Estimator(
        "linear_svm",
        "linear SVM",
        "sklearn.linear_model.SGDClassifier",
        {"loss": "hinge", "alpha": 1e-3, "max_iter": 10, "average": True, "random_state": 0},
        parallel=True,
    ),
    Estimator(
        "random_forest",
        "random forest",
        "sklearn.ensemble.RandomForestClassifier",
        {"n_estimators": 100, "max_features": "sqrt", "random_state": 0},
        parallel=True,
    ),
)
