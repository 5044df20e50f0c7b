"""A published site: complete by itself, refreshed, and never in place of anything else."""

import hashlib
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from labwriter import LabWriter, realistic_outcomes

from ablab.cli import main
from ablab.report.analysis.table import read_table
from ablab.report.publish import folder as site_folder
from ablab.report.publish.folder import MARKER, read_earlier, replace_site
from ablab.report.publish.labs import NamedLab
from ablab.report.publish.links import copy_linked_files
from ablab.report.publish.site import publish, slug
from ablab.tracking.plan import find_plan
from ablab.tracking.sealed import read_sealed, write_sealed

HOSTILE = "<script>alert(1)</script>\"' [x](javascript:alert(2)) \u202e\x1b[31m & ../.."
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Links(HTMLParser):
    """Collects the links of a page, and checks that every element is closed."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.names: dict[str, str] = {}
        self.feed(page.read_text("utf-8"))
        self.close()
        assert self.open == [], page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self.links += [v for n, v in attrs if n in ("href", "src") and v is not None]
        self.names[values.get("name") or ""] = values.get("content") or ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def several(writer: LabWriter) -> LabWriter:
    writer.sweep(realistic_outcomes())
    early = {HOSTILE: [0.5, None], "elu": [0.6, 0.7]}
    writer.sweep(early, name='early [a<b>="x" é]', block=HOSTILE, question=HOSTILE)
    return writer


def labs(writer: LabWriter) -> list[NamedLab]:
    return [NamedLab("lab", writer.lab)]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_link_of_every_page_leads_to_a_file_of_the_site(
    several: LabWriter, tmp_path: Path
) -> None:
    site = publish(labs(several), (), tmp_path / "site")
    pages = sorted(site.folder.rglob("*.html"))
    assert len(pages) == 3
    reached = {site.index.resolve()}
    for page in pages:
        for link in Links(page).links:
            parts = urlsplit(link)
            assert (parts.scheme, parts.netloc) == ("", ""), link
            assert not link.startswith("/"), link
            if parts.path:
                target = (page.parent / unquote(parts.path)).resolve()
                assert target.is_file(), link
                assert target.is_relative_to(site.folder.resolve())
                reached.add(target)
    files = {p.resolve() for p in site.folder.rglob("*") if p.is_file()}
    hidden = {(site.folder / name).resolve() for name in (".nojekyll", MARKER, "index.md")}
    assert files == reached | hidden


def test_pages_make_no_request_and_describe_themselves(several: LabWriter, tmp_path: Path) -> None:
    site = publish(labs(several), (), tmp_path / "site")
    for page in site.folder.rglob("*.html"):
        text, seen = page.read_text("utf-8"), Links(page)
        assert text.startswith("<!DOCTYPE html>")
        assert not {"link", "img", "iframe", "object", "embed", "base", "form"} & {*seen.tags}
        assert not re.search(r"url\((?!#)|@import|fetch\(|XMLHttpRequest", text)
        assert "default-src 'none'" in text
        assert len(seen.names["description"]) > 20
        assert seen.tags.count("title") >= 1


def test_hostile_names_are_text_and_their_folders_are_plain(
    several: LabWriter, tmp_path: Path
) -> None:
    site = publish(labs(several), (), tmp_path / "site")
    names = [path.name for path in site.folder.iterdir() if path.is_dir()]
    assert len(names) == 2
    assert all(re.fullmatch("[a-z0-9_-]+", name) for name in names)
    for page in site.folder.rglob("*.html"):
        text = page.read_text("utf-8")
        assert "<script>alert" not in text
        assert "\u202e" not in text
        assert "\x1b" not in text
        assert not any("javascript" in link for link in Links(page).links)
    markdown = (site.folder / "index.md").read_text("utf-8")
    assert "](javascript" not in markdown.replace("\\]", "")
    assert "<script>" not in markdown


def test_folders_of_sweeps_are_stable_and_differ() -> None:
    names = ["demo", "Demo", "demo [a=1]", "demo [a=2]", "index.html", "..", "", "é", "con/../x"]
    slugs = [slug(name) for name in names]
    assert slugs[0] == "demo"
    assert len({each.lower() for each in slugs}) == len(names)
    assert all(re.fullmatch("[a-z0-9_-]+", each) for each in slugs)
    assert len(slug("x" * 5000)) < 80


def test_the_same_records_give_the_same_bytes_and_touch_nothing(
    several: LabWriter, tmp_path: Path
) -> None:
    site = publish(labs(several), (), tmp_path / "site")
    before = contents(site.folder)
    times = {path: path.stat().st_mtime_ns for path in site.folder.rglob("*.*")}
    records = contents(several.lab.root)
    publish(labs(several), (), tmp_path / "site")
    assert contents(site.folder) == before
    changed = {p.name for p, t in times.items() if p.is_file() and p.stat().st_mtime_ns != t}
    assert changed <= {MARKER}
    assert contents(several.lab.root) == records
    assert not [name for name in records if "report" in name]


def test_a_refreshed_site_shows_new_trials_and_keeps_what_git_needs(
    writer: LabWriter, tmp_path: Path
) -> None:
    writer.sweep({"relu": [0.5, None], "elu": [0.6, 0.7]}, name="early")
    target = tmp_path / "site"
    (target / ".git" / "refs").mkdir(parents=True)
    (target / ".git" / "HEAD").write_text("ref: refs/heads/gh-pages\n")
    (target / "CNAME").write_text("example.org\n")
    publish(labs(writer), ["early"], target)
    writer.run("relu_mnist___lenet5-1", 0.55)
    site = publish(labs(writer), ["early"], target)
    assert "No verdict yet" not in site.index.read_text()
    assert (target / "CNAME").read_text() == "example.org\n"
    assert (target / ".git" / "HEAD").is_file()
    assert (target / ".git" / "refs").is_dir()
    assert (target / ".nojekyll").read_bytes() == b""


@pytest.mark.parametrize("kind", ["file", "hidden", "edited", "link", "folder link", "nested"])
def test_a_folder_with_anything_else_is_refused_and_left_alone(
    several: LabWriter, tmp_path: Path, kind: str
) -> None:
    target = tmp_path / "site"
    publish(labs(several), ["activations"], target)
    (tmp_path / "outside").mkdir()
    if kind == "edited":
        with (target / "index.html").open("a") as stream:
            stream.write("<!-- mine -->")
    elif "link" in kind:
        (target / "mine").symlink_to(tmp_path / ("outside" if "folder" in kind else "none"))
    else:
        names = {"file": "notes.txt", "hidden": ".notes", "nested": "activations/a/b.txt"}
        path = target / names[kind]
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    before = contents(target)
    with pytest.raises(ValueError, match="must hold nothing but an earlier site"):
        publish(labs(several), (), target)
    assert contents(target) == before


def test_a_folder_of_the_users_is_refused(several: LabWriter, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match=r"must be empty or not exist, got thesis\.tex"):
        publish(labs(several), (), tmp_path / "mine")
    with pytest.raises(ValueError, match="file must be a folder"):
        publish(labs(several), (), tmp_path / "file")
    with pytest.raises(ValueError, match="must be empty or not exist"):
        publish(labs(several), (), several.lab.root)
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_a_list_that_names_files_elsewhere_removes_none(several: LabWriter, tmp_path: Path) -> None:
    target, victim = tmp_path / "site", tmp_path / "victim.txt"
    publish(labs(several), (), target)
    victim.write_text("mine")
    content = read_sealed(target / MARKER)
    assert content is not None
    digest = hashlib.sha256(b"mine").hexdigest()
    content["files"] |= {"../victim.txt": [digest], str(victim): [digest]}
    write_sealed(target / MARKER, content)
    publish(labs(several), ["activations"], target, prune=True)
    assert victim.read_text() == "mine"
    (target / MARKER).write_text("{}")
    with pytest.raises(ValueError, match="must be as `ablab publish` wrote it"):
        publish(labs(several), (), target)


def test_pages_of_other_sweeps_are_removed_only_if_asked(
    several: LabWriter, tmp_path: Path
) -> None:
    target = tmp_path / "site"
    publish(labs(several), (), target)
    before = contents(target)
    with pytest.raises(ValueError, match="must be named again, got none of early"):
        publish(labs(several), ["activations"], target)
    assert contents(target) == before
    publish(labs(several), ["activations"], target, prune=True)
    assert [path.name for path in target.iterdir() if path.is_dir()] == ["activations"]
    publish(labs(several), (), target)  # more are added without a question
    assert contents(target) == before


class Killed(BaseException):
    """Stands for the end of the process."""


def test_a_publication_that_was_killed_anywhere_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = [_files(tmp_path / name, name) for name in ("old", "new")]
    target, ended = tmp_path / "site", 0
    for number in range(8):
        for files in versions:
            calls = iter(range(number))

            def dying(write: Callable[..., None], left: Iterator[int] = calls) -> Any:
                def one(*arguments: Any) -> None:
                    if next(left, None) is None:
                        raise Killed
                    write(*arguments)

                return one

            with monkeypatch.context() as patch:
                for name in ("write_atomic", "write_sealed"):  # the files and their list
                    patch.setattr(site_folder, name, dying(getattr(site_folder, name)))
                try:
                    replace_site(target, files, ["a"], read_earlier(target))
                except Killed:
                    ended += 1
            replace_site(target, files, ["a"], read_earlier(target))
            found = contents(target)
            del found[MARKER]
            assert found == {name: path.read_bytes() for name, path in files.items()}
    assert ended == 2 * 7  # five files, and the list before and after


def _files(folder: Path, text: str) -> dict[str, Path]:
    """Write the files of a site; each version has one that the other lacks."""
    names = ["index.html", "index.md", "a/report.html", "a/trials.csv", f"{text}/report.html"]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{text} {name}")
    return {name: folder / name for name in names}


def test_files_of_trials_are_copied_only_from_their_folders(
    writer: LabWriter, tmp_path: Path
) -> None:
    name = writer.sweep({"relu": [0.5], "elu": [0.6]})
    rows = read_table(writer.lab, find_plan(writer.lab, name))
    run = rows[0].folder
    assert run is not None
    (tmp_path / "secret.txt").write_text("secret")
    (run / "probes.csv").write_text("a,b\n")
    (run / "stolen.csv").symlink_to(tmp_path / "secret.txt")
    base = f"../../../trials/{run.parent.name}/{run.name}"
    links = [f"{base}/{x}" for x in ("probes.csv", "stolen.csv", "../../../../secret.txt", "none")]
    links += ["/etc/passwd", "../../secret.txt", "https://example.org/x", "trials.csv", "#a"]
    links += ["../index.html", "../../../trials/other/001/probes.csv"]
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "trials.csv").touch()
    body = "".join(f'<a href="{link}">x</a>' for link in links)
    (folder / "report.html").write_text(body)
    (folder / "report.md").write_text("\n".join(f"[x]({link})" for link in links))
    copy_linked_files(folder, rows, home="../index.html")
    kept = Links(folder / "report.html").links
    copied = f"files/{run.parent.name}/{run.name}/probes.csv"
    assert kept == [copied, "trials.csv", "#a", "../index.html"]
    assert [p.name for p in (folder / "files").rglob("*") if p.is_file()] == ["probes.csv"]
    text = (folder / "report.md").read_text()
    assert f"[x]({copied})" in text
    assert "passwd" not in text


def test_the_command_publishes_and_refuses_what_has_two_readings(
    several: LabWriter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ABLAB_HOME", str(several.lab.root))
    monkeypatch.chdir(tmp_path)
    assert main(["publish", "activations", "site"]) == 0
    assert "Site: site/index.html (1 sweep, 9 files" in capsys.readouterr().out
    assert main(["publish", "site"]) == 2
    assert "got only site, which is taken for DIR" in capsys.readouterr().err
    assert main(["publish", "activations", "site", "--all"]) == 2
    assert main(["publish", "none", "new"]) == 2
    assert "sweep must be one that was planned" in capsys.readouterr().err
    assert main(["publish", "activations", "new", "--conflicts", "first"]) == 2
    assert not (tmp_path / "new").exists()


def test_a_damaged_trial_is_named_and_a_damaged_plan_publishes_nothing(
    several: LabWriter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ABLAB_HOME", str(several.lab.root))
    key = next(iter(several.lab.keys()))
    record = several.lab.runs(key)[0].folder / "trial.json"
    record.write_text(record.read_text().replace("d1a7a", "d1a7b"))
    assert main(["publish", "--all", str(tmp_path / "site")]) == 1
    assert f"damaged: {record}" in capsys.readouterr().out
    (several.lab.sweep_folder("activations") / "part-001.json").write_text("{")
    assert main(["publish", "--all", str(tmp_path / "new")]) == 2
    assert "activations: " in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
