"""YAML files are read within bounds, or refused by name."""

import os
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from ablab.catalogue.lists import list_members
from ablab.config.compose import components, compose, sweep_names
from ablab.config.yaml_file import read_yaml
from ablab.faults import ConfigError
from ablab.folders import shipped_folder


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, levels)]
    return "\n".join(lines)


def fault(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    (line,) = caught.value.faults
    assert ", got " in line
    return line.replace(str(path), "FILE")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "FILE must contain keys and values, got an empty file"),
        (b"# nothing\n", "FILE must contain keys and values, got an empty file"),
        (b"[1, 2]", "FILE must contain keys and values, got [1, 2]"),
        (b"just text", "FILE must contain keys and values, got 'just text'"),
        (b"a: [1,", "FILE must be YAML, got "),
        (b"a:\n\t- b", "FILE must be YAML, got "),
        (b"a: 1\n---\nb: 2", "FILE must be YAML, got "),
        (b"a: 1\nb: 2\na: 3", "FILE must be YAML, got found duplicate key a in line 3, column 1"),
        (b"a: {b: 1, b: 2}", "FILE must be YAML, got found duplicate key b in line 1"),
        (b"? [a]\n: b", "FILE must be YAML, got found unhashable key in line 1"),
        (b"<<: 3", "FILE must be YAML, got "),
        (b"a: *nowhere", "FILE must refer to anchors that are complete, got *nowhere in line 1"),
        (b"a: &x [*x]", "FILE must refer to anchors that are complete, got *x in line 1"),
        (b"a: !!python/object/apply:os.getcwd []", "FILE must not contain tags, got "),
        (b"a: !!binary aGk=", "FILE must not contain tags, got tag:yaml.org,2002:binary in line 1"),
        (b"a: !mine 1", "FILE must not contain tags, got !mine in line 1"),
        (b"a: \x00", "FILE must be YAML, got "),
        (b'a: "\\0"', "a must be text in UTF-8 without NUL, got '\\x00'"),
        (b"a: \xff", "FILE must be text in UTF-8, got byte 0xff at 3"),
        ("a: 1".encode("utf-16"), "FILE must be text in UTF-8, got byte 0xff at 0"),
        (b"1: x", "every key must be text, got 1: write '1', in quotes"),
        (b"a: {b: {2: x}}", "every key of a.b must be text, got 2: write '2', in quotes"),
        (b"null: x", "every key must be text, got None: write 'None', in quotes"),
        (b"on: x", "every key must be text, got True: write 'True', in quotes"),
        (b"1.5: x", "every key must be text, got 1.5"),
        (b"'': x", "every key must be printable text, got ''"),
        (b'"a\\nb": x', "every key must be printable text, got 'a\\nb'"),
        (b"k" * 300 + b": x", "every key must be at most 200 characters"),
        (b"a: " + b"9" * 400, "every integer in FILE must be at most 9,223,372,036,854,775,807"),
        (b"a: " + b"9" * 9000, "every integer in FILE must be at most 9,223,372,036,854,775,807"),
        (b"a: 9223372036854775808", "a must be at most 9,223,372,036,854,775,807 in size"),
        (b"a: " + b"x" * 20_000, "every value in FILE must be at most 10,000 characters"),
        (b"a: " + b"[" * 3000 + b"]" * 3000, "FILE must be at most 30 levels deep"),
        (b"a: " + b"{b: " * 500 + b"1" + b"}" * 500, "FILE must be at most 30 levels deep"),
        (b"a: [" + b"1," * 60_000 + b"1]", "FILE must be at most 50,000 values"),
        (bomb(70).encode(), "FILE must be at most 50,000 values, aliases expanded"),
        (b"#" * 1_000_001, "FILE must be at most 1,000,000 bytes"),
    ],
)
def test_invalid_file_is_refused(content: bytes, expected: str, tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    assert expected in fault(path)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"\xef\xbb\xbfa: 1", {"a": 1}),
        (b"a: 1e-3", {"a": 0.001}),
        (b"a: 2020-01-01", {"a": "2020-01-01"}),
        (b"2020-01-01: a", {"2020-01-01": "a"}),
        (b"a: &x {b: 1}\nc: {<<: *x, d: 2}", {"a": {"b": 1}, "c": {"b": 1, "d": 2}}),
        (b"a: ${seed}", {"a": "${seed}"}),
        ("é: [数据]\r\n".encode(), {"é": ["数据"]}),
        (b"'1': x", {"1": "x"}),
    ],
)
def test_plain_yaml_is_read(content: bytes, value: object, tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    assert read_yaml(path) == value


def test_path_without_a_regular_file_is_refused(tmp_path: Path):
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "dangling.yaml").symlink_to("nowhere")
    for name, kind in (
        ("folder", "a folder"),
        ("pipe", "a device or pipe"),
        ("dangling", "a broken link to nowhere"),
        ("absent", "no such file"),
    ):
        assert fault(tmp_path / f"{name}.yaml") == f"FILE must be a file, got {kind}"


@pytest.mark.parametrize("folder", ["conf/activation", "sweeps"])
def test_pipe_named_as_a_yaml_does_not_block(folder: str, tmp_path: Path):
    (tmp_path / folder).mkdir(parents=True)
    os.mkfifo(tmp_path / folder / "mine.yaml")
    arguments = (["activation=mine"], None) if folder != "sweeps" else ([], "mine")
    with pytest.raises(ConfigError, match=r"mine\.yaml must be a file, got a device or pipe"):
        compose(*arguments)
    with pytest.raises(ConfigError, match="must be a file"):
        list(list_members("sweeps" if folder == "sweeps" else "activation"))


@pytest.mark.parametrize("name", ["my.part", "My part", "部品", "a+b (1)", "x" * 90])
def test_component_names_may_have_spaces_and_any_letters(name: str, tmp_path: Path):
    (tmp_path / "conf/activation").mkdir(parents=True)
    (tmp_path / f"conf/activation/{name}.yaml").write_text("_target_: torch.nn.CELU\nalpha: 1.0\n")
    composition = compose([f'activation="{name}"'])
    assert composition.choices["activation"] == name
    assert composition.resolved()["activation"]["alpha"] == 1.0


@pytest.mark.parametrize("name", ["-x", "a\x1b[31m", "a@b", "a=b", "x ", "a\nb", "x" * 120])
def test_component_with_an_invalid_name_is_refused(name: str, tmp_path: Path):
    (tmp_path / "conf/activation").mkdir(parents=True)
    (tmp_path / f"conf/activation/{name}.yaml").write_text("_target_: torch.nn.CELU\nalpha: 1.0\n")
    with pytest.raises(ConfigError) as caught:
        components("activation")
    assert all(" must " in line and ", got " in line for line in caught.value.faults)


def test_names_that_differ_only_in_case_are_refused(tmp_path: Path):
    (tmp_path / "sweeps").mkdir()
    for name in ("Mine", "mine"):
        (tmp_path / f"sweeps/{name}.yaml").write_text("sweep: {}\n")
    with pytest.raises(ConfigError, match="must differ in more than case, got Mine and mine"):
        sweep_names()


def test_hidden_files_are_ignored(tmp_path: Path):
    (tmp_path / "conf/activation").mkdir(parents=True)
    (tmp_path / "conf/activation/._relu.yaml").write_bytes(b"\x00\x05\x16\x07")
    assert compose().choices["activation"] == "relu"


def test_every_yaml_is_read_as_by_hydra():
    paths = [p for kind in ("conf", "sweeps") for p in shipped_folder(kind).rglob("*.yaml")]
    assert len(paths) > 100
    for path in paths:
        assert read_yaml(path) == OmegaConf.to_container(OmegaConf.load(path)), path


@pytest.mark.parametrize(
    "number", ["1e3", "1e-3", "-2E+5", ".5", "1_000", "0x1f", "017", "1:30", ".inf", "12e", "1.e4"]
)
def test_numbers_are_read_as_by_hydra(number: str, tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text(f"a: {number}\n")
    assert read_yaml(path) == OmegaConf.to_container(OmegaConf.load(path))
