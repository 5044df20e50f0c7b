"""An override is read in one way, or refused with what to type instead."""

import shlex
import subprocess

import pytest

from ablab.config.compose import compose
from ablab.config.overrides import parse, quoted
from ablab.config.trial import resolve
from ablab.faults import ConfigError

AWKWARD = (
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


@pytest.mark.parametrize("value", AWKWARD)
def test_quoted_form_sets_exactly_the_text_in_a_posix_shell(value: str):
    form = quoted("dataset.path", value)
    assert form is not None
    typed = subprocess.run(["sh", "-c", f"printf %s {form}"], capture_output=True, check=True)
    override = typed.stdout.decode()
    assert shlex.split(form) == [override]
    assert compose(["dataset=folder", override]).resolved()["dataset"]["path"] == value


@pytest.mark.parametrize("value", [v for v in AWKWARD if v != "back\\"])
def test_text_that_hydra_cannot_read_is_refused_with_the_quoted_form_alone(value: str):
    (told,) = faults("dataset=folder", f"dataset.path={value}")
    assert told.startswith("dataset.path must be ")
    assert f"{quoted('dataset.path', value)}" in told
    assert ", got " in told


@pytest.mark.parametrize(
    "value", ["数据", "é", "naïve café/Ünïcödé", "a\u00a0b", "データ-1_2.npz", "x🙂"]
)
def test_letters_of_other_alphabets_need_no_quotes(value: str):
    assert (
        compose(["dataset=folder", f"dataset.path={value}"]).resolved()["dataset"]["path"] == value
    )


@pytest.mark.parametrize("value", ["数,据", "数(据)", "[数", "数=据", "'数", "数\\(据\\)", "${数}"])
def test_letters_of_other_alphabets_do_not_make_signs_plain_text(value: str):
    assert all(
        told.startswith("dataset.path must ")
        for told in faults("dataset=folder", f"dataset.path={value}")
    )


@pytest.mark.parametrize(
    ("override", "told"),
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
            "seed must be one value on one line, in quotes where it is a text, got '1\\n2'",
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
def test_what_is_no_override_is_named(override: str, told: str):
    assert faults(override)[0].startswith(told)


def test_many_lists_side_by_side_are_not_deep():
    text = "freeze=[" + ",".join(["[a]"] * 50) + "]"
    assert parse([text])[1] == []
    assert parse(["x=" + "[" * 30 + "]" * 30])[1] == []


def test_fault_of_a_key_that_could_not_be_read_is_told_once():
    told = faults("dataset=folder", "dataset.path=My data (1)", "dataset.image_size=8", "seed=-1")
    assert [line.split(" must ")[0] for line in told] == ["dataset.path", "seed"]


def test_shown_value_is_short_and_on_one_line():
    (told,) = faults("backend=" + "y" * 9000)
    assert len(told) < 500
    assert "(9,002 characters)" in told


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
def test_bound_is_named(override: str, most: str):
    assert f"{override.partition('=')[0]} must be at most {most} (" in faults(override)[0]
