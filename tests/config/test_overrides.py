"""An override has one reading, or is refused with what to type instead."""

import shlex
import subprocess

import pytest

from ablab.config.compose import compose
from ablab.config.overrides import parse, shell_override
from ablab.config.trial import resolve
from ablab.faults import ConfigError

SPECIAL = (
    "My data (1)",
    "a,b",
    "a=b",
    "=v",
    "'x",
    '"x',
    "a'b\"c",
    "#c",
    "a # b",
    "~/data",
    "(1)",
    "f(1)",
    "range(3)",
    "[1,2",
    "{a",
    "<x>",
    "a;b",
    "a & b",
    "!x",
    "back\\slash (1)",
    "back\\",
    '(\\")',
    "数据 (1)",
    "50%, $HOME `x`",
)


def faults(*overrides: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        resolve(compose(overrides))
    return caught.value.faults


@pytest.mark.parametrize("value", SPECIAL)
def test_shell_override_sets_exactly_the_text(value: str):
    quoted = shell_override("dataset.path", value)
    assert quoted is not None
    typed = subprocess.run(["sh", "-c", f"printf %s {quoted}"], capture_output=True, check=True)
    override = typed.stdout.decode()
    assert shlex.split(quoted) == [override]
    assert compose(["dataset=folder", override]).resolved()["dataset"]["path"] == value


@pytest.mark.parametrize("value", [v for v in SPECIAL if v != "back\\"])
def test_text_that_hydra_cannot_parse_is_refused_with_the_shell_override(value: str):
    (line,) = faults("dataset=folder", f"dataset.path={value}")
    assert line.startswith("dataset.path must be ")
    assert f"{shell_override('dataset.path', value)}" in line
    assert ", got " in line


@pytest.mark.parametrize(
    "value", ["数据", "é", "naïve café/Ünïcödé", "a\u00a0b", "データ-1_2.npz", "x🙂"]
)
def test_non_ascii_letters_need_no_quotes(value: str):
    assert (
        compose(["dataset=folder", f"dataset.path={value}"]).resolved()["dataset"]["path"] == value
    )


@pytest.mark.parametrize("value", ["数,据", "数(据)", "[数", "数=据", "'数", "数\\(据\\)", "${数}"])
def test_special_characters_need_quotes_beside_non_ascii_letters_too(value: str):
    assert all(
        line.startswith("dataset.path must ")
        for line in faults("dataset=folder", f"dataset.path={value}")
    )


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("=value", "override must be key=value, got =value"),
        ("", "override must be key=value, got ''"),
        (" ", "override must be key=value, got ' '"),
        ("seed =1", "override must be key=value, got seed =1"),
        ("\x1b[31m=1", "override must be key=value, got \\x1b[31m=1"),
        ("~x(", "override must be key=value without +, ~ or @, got ~x("),
        ("seed=", "seed must be an integer >= 0, got ''"),
        (
            "seed=1\n2",
            "seed must be one value on one line, in quotes if it is text, got '1\\n2'",
        ),
        ("x" * 300 + "=1", "override must be at most 200 characters"),
        ("dataset.path=" + "x" * 20_000, "dataset.path must be at most 10,000 characters"),
        (
            "seed=" + "9" * 400,
            "seed must be at most 9,223,372,036,854,775,807 in size (64 bits), got ",
        ),
        (
            "seed=" + "9" * 6000,
            "seed must be at most 9,223,372,036,854,775,807 in size (64 bits), got ",
        ),
        ("freeze=" + "[" * 60 + "]" * 60, "freeze must be at most 30 levels deep"),
        ("optimizer.lr=1e400", "optimizer.lr must be a number > 0, got inf"),
        ("optimizer.lr=???", "optimizer.lr must be given, got ???"),
    ],
)
def test_invalid_override_is_refused(override: str, expected: str):
    assert faults(override)[0].startswith(expected)


def test_nesting_is_counted_not_brackets():
    text = "freeze=[" + ",".join(["[a]"] * 50) + "]"
    assert parse([text])[1] == []
    assert parse(["x=" + "[" * 30 + "]" * 30])[1] == []


def test_key_that_cannot_be_parsed_is_reported_once():
    lines = faults("dataset=folder", "dataset.path=My data (1)", "dataset.image_size=8", "seed=-1")
    assert [line.split(" must ")[0] for line in lines] == ["dataset.path", "seed"]


def test_value_in_a_fault_is_shortened():
    (line,) = faults("backend=" + "y" * 9000)
    assert len(line) < 500
    assert "(9,002 characters)" in line


@pytest.mark.parametrize(
    ("override", "most"),
    [
        ("trainer.max_epochs=1000000000", "1,000,000 epochs"),
        ("batch_size=1000000000000", "2,147,483,647 images"),
        ("data.train_images=1000000000000", "2,147,483,647 images"),
        ("launcher.slots=1000000", "1,024 processes"),
        ("launcher.threads=1000000", "1,024 threads"),
        ("launcher.retries=1000000", "1,000 retries"),
        ("probes.num_images=1000000000000", "2,147,483,647 images"),
        ("data.test_noise=[" + ",".join(map(str, range(1, 200))) + "]", "100 strengths"),
        ("seed=9223372036854775808", "9,223,372,036,854,775,807 in size"),
    ],
)
def test_value_above_its_bound_is_refused(override: str, most: str):
    assert f"{override.partition('=')[0]} must be at most {most} (" in faults(override)[0]
