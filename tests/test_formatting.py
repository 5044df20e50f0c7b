"""How metrics and sizes are written; the doctests of the module have the rest."""

import pytest

from ablab.formatting import format_metric, format_size


def test_accuracies_are_written_in_percent() -> None:
    assert format_metric(0.97123, "test/accuracy") == "97.12 %"
    assert format_metric(0.97123, "test/accuracy_last") == "97.12 %"
    assert format_metric(0.97123, "test/accuracy_noise_0.1") == "97.12 %"
    assert format_metric(0.123456, "test/loss_noise_0.1") == "0.1235"
    assert format_metric(0.123456, "test/loss") == "0.1235"
    assert format_metric(None, "test/loss") == "–"


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0.0 MB"), (9.96e6, "10.0 MB"), (999e6, "999 MB"), (1e9, "1.00 GB"), (25e9, "25 GB")],
)
def test_sizes_have_two_or_three_digits(size: float, text: str) -> None:
    assert format_size(size) == text
