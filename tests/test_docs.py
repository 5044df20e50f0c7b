"""The pages of the documentation: what they name exists; the site is built without a warning."""

import importlib
import re
import sys
from pathlib import Path

import pytest
import yaml
from documented import BLOCK, GUIDES, PAGES, ROOT, shown_commands, spans, steps

import ablab
from ablab.cli.parser import make_parser
from ablab.config.groups import AXES, GROUPS
from ablab.errors import EXIT_CODES
from ablab.report.text.glossary import GLOSSARY
from ablab.sweep import rules, selection

TEXTS = {page: page.read_text("utf-8") for page in PAGES}
ALL = "\n\n".join(TEXTS.values())
WRITTEN = {step.file for text in TEXTS.values() for step in steps(text) if step.file}
OWN = {"activation=wavy", "dataset=blobs"}  # components that a page makes


def calls_of(program: str) -> list[list[str]]:
    """The different calls of a program on all pages."""
    found = {
        tuple(words[1:])
        for text in TEXTS.values()
        for words in shown_commands(text)
        if words[0] == program
    }
    assert len(found) > 5
    return [list(words) for words in sorted(found)]


def guide(name: str) -> str:
    return (ROOT / "docs" / "howto" / f"{name}.md").read_text("utf-8")


def test_pages_are_found() -> None:
    assert len(PAGES) > 15
    assert len(GUIDES) > 6
    assert len(spans(ALL)) > 200


@pytest.mark.parametrize("words", calls_of("make"), ids=" ".join)
def test_make_targets_exist(words: list[str]) -> None:
    rule = re.findall(r"^([a-z%-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for target in (word for word in words if "=" not in word):
        stem = target.partition("-")[2]
        if target in rule or stem == "NAME":
            continue
        assert target.replace(stem, "%") in rule
        assert (ROOT / f"sweeps/{stem}.yaml").is_file()
    variables = {word.split("=")[0] for word in words if "=" in word}
    assert variables <= {"A", "ARGS", "B", "PYTHON", "TORCH"}


@pytest.mark.parametrize("words", calls_of("ablab"), ids=" ".join)
def test_commands_and_their_options_exist(words: list[str]) -> None:
    parser = make_parser()
    if len(words) > 1:
        parser.parse_args(words)
    else:  # `ablab train` in a sentence: the command alone
        with pytest.raises(SystemExit) as ended:
            parser.parse_args([*words, "--help"])
        assert ended.value.code == 0


def test_options_in_sentences_exist() -> None:
    known = set(re.findall(r"--[a-z-]+", (ROOT / "docs/commands.md").read_text("utf-8")))
    named = {span.split()[0] for span in spans(ALL, "--[a-z-]+( .*)?")}
    assert len(named) > 10
    assert named <= known


def chosen() -> set[tuple[str, str]]:
    """Every `key=value` that a page sets, but calls (`seed=range(3)`) and keys of Hydra's own."""
    lines = [" ".join(words) for text in TEXTS.values() for words in shown_commands(text)]
    lines += [span for text in TEXTS.values() for span in spans(text)]
    return set(
        re.findall(r"(?<![\w.+/])(?!hydra\.)([a-z_.]+)=([\w.-]+)(?![\w.(-])", " ".join(lines))
    )


def test_components_that_are_chosen_exist() -> None:
    refused = {("activation", "gelo")}
    asked = {
        (k, v) for k, v in chosen() if k in GROUPS and f"{k}={v}" not in OWN and v != "NAME"
    } - refused
    assert len(asked) > 10
    for axis, name in asked:
        file = f"conf/{axis}/{name}.yaml"
        assert file in WRITTEN or (ROOT / file).is_file(), file


def test_keys_that_are_set_exist() -> None:
    scalars = {k for k, _ in chosen() if k not in GROUPS} - {"key", "size", *selection.KEYS}
    assert {"batch_size", "trainer.max_epochs", "launcher.slots", "sweep.seeds"} <= scalars
    for key in scalars:
        group, _, name = key.partition(".")
        if group == "sweep":
            assert name.partition(".")[0] in rules.KEYS
        elif name:
            files = (ROOT / "conf" / group).glob("*.yaml")
            assert any(name in yaml.safe_load(file.read_text("utf-8")) for file in files), key
        else:
            assert key in yaml.safe_load((ROOT / "conf/config.yaml").read_text("utf-8")), key


def test_files_that_are_named_exist() -> None:
    form = r"(conf|sweeps|src|tests|docs|benchmarks|\.ci)/[\w./-]*|\w+\.(txt|md|toml|py)"
    named = set(spans(ALL, form)) - WRITTEN - {"report.md", "log.txt", "docs/_build/html"}
    assert len(named) > 5
    assert [name for name in named if not (ROOT / name).exists()] == []


def table(text: str, header: str) -> list[str]:
    """The code spans in the first column of the table that begins so."""
    rows = text.split(f"\n{header}")[1].partition("\n\n")[0].splitlines()[2:]
    return [span for row in rows for span in re.findall(r"`([\w-]+)`", row.split("|")[1])]


def test_every_sweep_is_in_the_table() -> None:
    listed = table(guide("sweeps"), "| sweep |")
    assert sorted(listed) == sorted(file.stem for file in (ROOT / "sweeps").glob("*.yaml"))


def test_every_axis_is_in_the_table() -> None:
    assert sorted(table(guide("components"), "| axis |")) == sorted(AXES)


def test_every_key_and_kind_of_a_sweep_is_in_its_table() -> None:
    assert set(table(guide("sweeps"), "| key |")) == set(rules.KEYS)
    assert table(guide("sweeps"), "| kind |") == list(rules.KINDS)


def test_every_choice_of_devices_is_in_the_table() -> None:
    listed = table(guide("processes"), "| `devices=` |")
    assert sorted(listed) == sorted(f.stem for f in (ROOT / "conf/devices").iterdir())


def test_every_setting_of_the_launcher_is_in_the_table() -> None:
    settings = yaml.safe_load((ROOT / "conf/launcher/local.yaml").read_text("utf-8"))
    listed = re.findall(r"^\| `launcher\.(\w+)` \|.*\| `(\w+)`", guide("processes"), re.M)
    texts = {name: "null" if value is None else str(value) for name, value in settings.items()}
    expected = [(name, text) for name, text in texts.items() if name != "_target_"]
    assert listed == expected


def test_sections_of_a_report_are_called_as_the_guide_says() -> None:
    folder = ROOT / "src" / "ablab" / "report"
    code = "".join(file.read_text("utf-8") for file in folder.rglob("*.py"))
    code += "".join(file.read_text("utf-8") for file in folder.rglob("*.j2"))
    rows = guide("reports").split("| section |")[1].partition("\n\n")[0].splitlines()[3:]
    titles = [row.split(" | ")[0].removeprefix("| ") for row in rows]
    assert len(titles) > 10
    assert [
        title for title in titles if f'"{title}"' not in code and f">{title}<" not in code
    ] == []


def test_sample_sweep_is_the_shipped_one() -> None:
    sample = BLOCK.findall(guide("sweeps"))[0][2]
    shipped = (ROOT / "sweeps/activations.yaml").read_text("utf-8")
    assert yaml.safe_load(sample) == yaml.safe_load(shipped)


def test_environment_variables_are_read() -> None:
    sources = "".join(file.read_text("utf-8") for file in (ROOT / "src").rglob("*.py"))
    listed = (ROOT / "docs/commands.md").read_text("utf-8")
    named = set(re.findall(r"\b(?:ABLAB|MLFLOW)_[A-Z_]+", ALL))
    assert {"ABLAB_HOME", "ABLAB_DATA", "ABLAB_ALLOW", "ABLAB_DEBUG"} <= named
    assert [name for name in named if name not in sources or f"`{name}`" not in listed] == []


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: str(page.relative_to(ROOT))
)
def test_local_links_resolve(page: Path) -> None:
    text = BLOCK.sub("", page.read_text("utf-8"))
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", text)
    assert [to for to in links if "://" not in to and not (page.parent / to).exists()] == []
    assert "[](" not in text, "a link without a text is empty where pages are read as they are"


def test_error_rates_on_the_page_are_those_that_were_measured() -> None:
    page = (ROOT / "docs/statistics.md").read_text("utf-8")
    results = [ROOT / "benchmarks/results" / f"{name}.txt" for name in ("statistics", "looks")]
    measured = "".join(path.read_text("utf-8") for path in results)
    rates = re.findall(r"\b(\d+\.\d\d) %", page)
    assert len(rates) > 40
    assert [rate for rate in rates if f" {rate} ± " not in measured] == []


@pytest.mark.parametrize("name", ["commands", "glossary"])
def test_a_generated_page_is_current(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "docs"), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    maker = importlib.import_module(name)
    assert maker.PAGE.read_text("utf-8") == maker.page(), "run make docs"


def test_every_word_that_reports_explain_is_in_the_glossary() -> None:
    listed = re.findall(r"^### (.+)$", (ROOT / "docs/glossary.md").read_text("utf-8"), re.M)
    assert listed == list(GLOSSARY)


def test_every_exit_code_is_listed() -> None:
    text = (ROOT / "docs/commands.md").read_text("utf-8")
    listed = re.findall(r"^\| (\d+) \| (.+) \|$", text, re.MULTILINE)
    assert {int(code): meaning for code, meaning in listed} == dict(EXIT_CODES)


@pytest.fixture(scope="module")
def html(site: Path) -> Path:
    return site / "html"


@pytest.mark.slow
def test_the_site_has_every_page(html: Path) -> None:
    docs = ROOT / "docs"
    expected = {page.relative_to(docs).with_suffix(".html") for page in docs.rglob("*.md")}
    expected = {name for name in expected if "_build" not in name.parts}
    assert len(expected) > 20
    assert {page.relative_to(html) for page in html.rglob("*.html")} >= expected


@pytest.mark.slow
def test_the_site_documents_what_the_package_offers(html: Path) -> None:
    text = (html / "api.html").read_text("utf-8")
    functions = [name for name in dir(ablab) if callable(getattr(ablab, name))]
    assert len(functions) > 1
    for name in [*functions, "read", "read_runs"]:
        assert re.search(rf'id="ablab\.(\w+\.)*{name}"', text), name


@pytest.mark.slow
def test_pictures_that_pages_show_are_in_the_site(html: Path) -> None:
    for name in ("catalogue", "by_hand"):
        shown = re.findall(r'src="(pictures/.*?)"', (html / f"{name}.html").read_text("utf-8"))
        assert len(shown) > 10
        assert [picture for picture in shown if not (html / picture).is_file()] == []
