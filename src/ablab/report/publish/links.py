"""Links of a published report that lead into the lab: their files are copied beside it."""

import re
import shutil
from collections.abc import Iterable
from html import unescape
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from ablab.report.analysis.trials import Row

FILES = "files"
_HTML = re.compile(r'\b(href|src)="([^"#][^"]*)"')


def copy_linked_files(folder: Path, rows: Iterable[Row], *, home: str) -> None:
    """Copy the files of trials that a report links to, and correct the links.

    A link to anything else that the site does not have becomes plain text.

    Args:
        folder: the report's, with ``report.html`` and ``report.md``.
        rows: its trials.
        home: the page's link to the index.
    """
    runs = {(row.key, row.folder.name): row.folder for row in rows if row.folder is not None}
    html, markdown = (folder / "report.html"), (folder / "report.md")
    page, text = html.read_text("utf-8"), markdown.read_text("utf-8")
    for attribute, written in dict.fromkeys(_HTML.findall(page)):
        link = unescape(written)
        if link == home or _is_beside(folder, link) or _is_inline(link):
            continue
        new = _copy(folder, link, runs)
        old = f'{attribute}="{written}"'
        page = page.replace(old, f'{attribute}="{new}"') if new else page.replace(f" {old}", "")
        text = text.replace(f"]({link})", f"]({new})" if new else "]")
    html.write_text(page, "utf-8")
    markdown.write_text(text, "utf-8")


def _is_inline(link: str) -> bool:
    return urlsplit(link).scheme == "data"


def _is_beside(folder: Path, link: str) -> bool:
    path = unquote(urlsplit(link).path)
    return "/" not in path and (folder / path).is_file()


def _copy(folder: Path, link: str, runs: dict[tuple[str, str], Path]) -> str:
    """Copy the file of a run that a link names; return its link in the site, empty if none.

    A record that is not ours may name any path, or hold a symbolic link to one: only a file whose
    real path lies in the run's folder is copied.
    """
    parts = PurePosixPath(unquote(urlsplit(link).path)).parts
    if "trials" not in parts or urlsplit(link).scheme:
        return ""
    key, run, *rest = (*parts[parts.index("trials") + 1 :], "", "")
    source = runs.get((key, run))
    name = "/".join(part for part in rest if part)
    if source is None or not name:
        return ""
    file = (source / name).resolve()
    if not (file.is_file() and file.is_relative_to(source.resolve())):
        return ""
    target = PurePosixPath(FILES, key, run, name)
    copied = folder / target
    if not copied.resolve().is_relative_to(folder.resolve()):
        return ""
    copied.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, copied)
    return str(target)
