"""`ablab.load`: the trained network of a finished trial."""

from collections.abc import Sequence

from ablab.api.notebook import allowing
from ablab.folders import lab_folder
from ablab.inference.load import finished_run, load_model
from ablab.inference.trained_model import TrainedModel
from ablab.tracking.lab import Lab


def load(key: str, *, allow: str | Sequence[str] = ()) -> TrainedModel:
    """Return the network of a finished trial, with its best weights and its preprocessing.

    Args:
        key: key of the trial, or the first characters of it.
        allow: your own modules that the network comes from, as with ``--allow``.

    Returns:
        The network on the CPU, in evaluation mode; takes images as image files have them.

    Raises:
        InputError: there is no such trial, it is not finished, or its code is not allowed or has
            changed since the training.
        DataError: an older trial did not record its preprocessing, and its data are missing.

    Example:
        >>> model = load("29a80b")  # doctest: +SKIP
        >>> model.classify(images)  # doctest: +SKIP
        ['2', '3']
    """
    with allowing(allow):
        lab = Lab(lab_folder())
        return load_model(finished_run(lab, lab.find_key(key)))
