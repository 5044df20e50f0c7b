"""Process settings are typed, and survive a round trip through JSON."""

import json

import pytest

from ablab.config.compose import compose
from ablab.errors import InputError
from ablab.training.__main__ import main
from ablab.training.settings import Devices, ProcessSettings


def test_settings_survive_a_round_trip_through_json():
    settings = ProcessSettings(Devices("gpu", -1, "ddp"), threads=4, slots=2, in_sweep=True)
    assert ProcessSettings.from_json(settings.to_json()) == settings
    assert json.loads(settings.to_json()) == {
        "devices": {"accelerator": "gpu", "devices": -1, "strategy": "ddp", "cuda_graph": False},
        "threads": 4,
        "slots": 2,
        "in_sweep": True,
        "ends_with_parent": False,
        "companions": [],
    }


def test_settings_follow_the_configuration(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    config = compose(["devices=ddp_cpu", "launcher.threads=2"]).resolved()
    assert ProcessSettings.of(config) == ProcessSettings(Devices("cpu", 2, "ddp"), threads=2)
    config = compose(["devices=cpu"]).resolved()
    settings = ProcessSettings.of(config, slots=5, in_sweep=True)
    assert settings == ProcessSettings(Devices("cpu"), threads=3, slots=5, in_sweep=True)


@pytest.mark.parametrize(
    ("devices", "several"),
    [
        (Devices("cpu"), False),
        (Devices("auto", -1, "ddp"), True),
        (Devices("auto", 2), True),
        (Devices("cpu", 1, "ddp"), True),
    ],
)
def test_trials_of_several_processes_are_recognized(devices: Devices, several: bool):
    assert devices.may_be_several is several


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "{'a': 1}", '{"devices": {}, "speed": 1}', '{"devices": {"gpus": 1}}']
)
def test_invalid_settings_are_refused(
    text: str, capsys: pytest.CaptureFixture[str], tmp_path: object
):
    with pytest.raises(InputError, match="must be a JSON object of devices, threads, slots, in_sw"):
        ProcessSettings.from_json(text)
    assert main([str(tmp_path), text]) == 2
    assert "settings must be a JSON object" in capsys.readouterr().err
