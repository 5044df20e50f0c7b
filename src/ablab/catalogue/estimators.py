"""Which classical learners a network is held against, and with which settings."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Learner:
    """A learner of scikit-learn with its settings.

    Attributes:
        name: one word.
        title: how a table names it.
        estimator: dotted name of the class.
        settings: its arguments; all others are scikit-learn's defaults.
        parallel: whether it can use every CPU that this process may use, to the same result.
    """

    name: str
    title: str
    estimator: str
    settings: Mapping[str, Any]
    parallel: bool = False

    def build(self) -> Any:
        """Return the estimator, not yet fitted."""
        module, _, name = self.estimator.rpartition(".")
        jobs = {"n_jobs": -1} if self.parallel else {}
        return getattr(importlib.import_module(module), name)(**self.settings, **jobs)


# Usual settings, none of them tuned. On standardized pixels the two linear ones have a stronger
# penalty than scikit-learn's default, with which they would take many times as long to converge.
LEARNERS = (
    Learner(
        "majority_class",
        "majority class",
        "sklearn.dummy.DummyClassifier",
        {"strategy": "most_frequent"},
    ),
    Learner(
        "nearest_centroid",
        "nearest centroid",
        "sklearn.neighbors.NearestCentroid",
        {"metric": "euclidean"},
    ),
    Learner(
        "k_nn",
        "k-NN",
        "sklearn.neighbors.KNeighborsClassifier",
        {"n_neighbors": 5, "weights": "uniform", "algorithm": "brute"},
        parallel=True,
    ),
    Learner(
        "logistic_regression",
        "logistic regression",
        "sklearn.linear_model.LogisticRegression",
        {"C": 0.01, "solver": "lbfgs", "max_iter": 200},
    ),
    Learner(
        "linear_svm",
        "linear SVM",
        "sklearn.linear_model.SGDClassifier",
        {"loss": "hinge", "alpha": 1e-3, "max_iter": 10, "average": True, "random_state": 0},
        parallel=True,
    ),
    Learner(
        "random_forest",
        "random forest",
        "sklearn.ensemble.RandomForestClassifier",
        {"n_estimators": 100, "max_features": "sqrt", "random_state": 0},
        parallel=True,
    ),
)
