"""The page as PDF, printed by an installed browser."""

import os
import shutil
import subprocess
from pathlib import Path

from ablab.errors import InputError
from ablab.tracking.files import temporary_folder, write_atomic

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "msedge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
SECONDS = 120


def find_browser() -> str | None:
    """Return the path of a browser that can print, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def print_pdf(html: Path, pdf: Path) -> None:
    """Print a page to PDF.

    Raises:
        InputError: there is no browser, or it printed nothing; the message says what to do.
    """
    browser = find_browser()
    if browser is None:
        raise InputError(
            "--pdf must find chromium, google-chrome or microsoft-edge on PATH, got none: install "
            f"one, or print {html} from another browser"
        )
    with temporary_folder() as folder:  # a profile of its own leaves a running browser alone
        printed = folder / "report.pdf"
        error = _run([browser, *_options(folder, printed), html.resolve().as_uri()])
        if not printed.is_file() or not printed.read_bytes().startswith(b"%PDF"):
            raise InputError(f"{browser} must print {html}, got no PDF{error}")
        write_atomic(pdf, printed.read_bytes())


def _options(profile: Path, printed: Path) -> list[str]:
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # root's Chromium needs it
    return [
        "--headless",
        "--disable-gpu",
        "--no-first-run",
        *sandbox,
        f"--user-data-dir={profile}",
        "--no-pdf-header-footer",
        f"--print-to-pdf={printed}",
    ]


def _run(command: list[str]) -> str:
    """Run a program and return its last line of stderr, as the end of a sentence."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f": {error}"
    lines = done.stderr.strip().splitlines()
    return f": {lines[-1]}" if lines else ""
