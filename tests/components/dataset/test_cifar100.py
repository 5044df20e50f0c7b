import os

import pytest
import torch

from ablab.components.dataset.cifar100 import cifar100
from ablab.data.statistics import moments


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return tmp_path_factory.mktemp("lab")


@pytest.fixture
def both(lab, monkeypatch):
    if not os.environ.get("ABLAB_DATA"):
        pytest.skip("ABLAB_DATA names no folder with the real data")
    monkeypatch.setenv("ABLAB_HOME", str(lab))
    return cifar100("fine"), cifar100("coarse")


def test_labels_select_the_classes():
    assert (cifar100("fine").num_classes, cifar100("coarse").num_classes) == (100, 20)
    assert cifar100("coarse").class_names[0] == "aquatic_mammals"


def test_other_labels_are_refused():
    with pytest.raises(ValueError, match="labels must be one of fine, coarse, got course"):
        cifar100("course")


def test_coarse_and_fine_share_only_the_images(both):
    fine, coarse = both
    assert fine.content_hash != coarse.content_hash
    (x_fine, y_fine), (x_coarse, y_coarse) = (next(iter(m.test_dataloader())) for m in both)
    assert torch.equal(x_fine, x_coarse)
    assert y_coarse.max() < 20 < y_fine.max()


def test_statistics_are_the_published_ones(both):
    mean, std = moments(both[0]._cached.histogram)
    # As most CIFAR-100 training codes state them.
    assert mean == pytest.approx((0.5071, 0.4865, 0.4409), abs=1e-4)
    assert std == pytest.approx((0.2673, 0.2564, 0.2762), abs=1e-4)
