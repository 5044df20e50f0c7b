"""A headless Chromium that is asked over a pipe what a page shows, as a user would see it.

It speaks the DevTools protocol (https://chromedevtools.github.io/devtools-protocol), which needs
no package besides the browser.
"""

import base64
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ablab.report.export.pdf import find_browser

_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--no-first-run",
    "--remote-debugging-pipe",
    # Frames with `sandbox` would else be in processes of their own, with sessions of their own.
    "--disable-features=IsolateSandboxedIframes",
)
# The browser reads commands from descriptor 3 and writes to 4, which may be other files here.
_EXEC = """
import fcntl, os, sys
for number, name in enumerate([fcntl.fcntl(int(x), fcntl.F_DUPFD, 10) for x in sys.argv[1:3]], 3):
    os.dup2(name, number)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One page of a browser.

    Args:
        descriptors: to write commands to, and to read answers and events from.
    """

    def __init__(self, descriptors: tuple[int, int]) -> None:
        self._to, self._from = descriptors
        self._number, self._rest, self._session = 0, b"", ""
        self.contexts: dict[int, str] = {}
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        attached = self._send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._send("Page.enable")
        self._send("Runtime.enable")

    def go(self, url: str) -> None:
        """Open an address; the page may still load."""
        self._send("Page.navigate", url=url)

    def resize(self, width: int, height: int) -> None:
        """Set the size of the window, in pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._send("Emulation.setDeviceMetricsOverride", **size)

    def evaluate(self, expression: str) -> list[Any]:
        """Return the value of a JavaScript expression in the page, then in each of its frames."""
        self._send("Runtime.getIsolateId")  # events that came meanwhile are read with the answer
        values = []
        for context in list(self.contexts):
            answer = self._send(
                "Runtime.evaluate", expression=expression, contextId=context, returnByValue=True
            )
            if "result" in answer and "exceptionDetails" not in answer:
                values.append(answer["result"].get("value"))
        return values

    def texts(self) -> list[str]:
        """Return the visible text of the page, then that of each of its frames."""
        return [str(text) for text in self.evaluate("document.body ? document.body.innerText : ''")]

    def wait_for(self, text: str, seconds: float = 120) -> str:
        """Wait until the page or a frame shows a text, and return all that it shows.

        Raises:
            AssertionError: it does not appear; the message is what the page shows.
        """
        end, shown = time.monotonic() + seconds, list[str]()
        while time.monotonic() < end:
            shown = self.texts()
            found = next((each for each in shown if text in each), None)
            if found is not None:
                return found
            time.sleep(0.1)
        raise AssertionError(f"{text!r} must be shown, got {shown}")

    def screenshot(self, path: Path) -> None:
        """Write what the window shows as PNG."""
        data = self._send("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        """Close the browser."""
        self._session = ""
        self._send("Browser.close")

    def _send(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                return dict(answer.get("result", {}))
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        match event.get("method"):
            case "Runtime.executionContextCreated":
                context = params["context"]
                self.contexts[context["id"]] = context["origin"]
            case "Runtime.executionContextDestroyed":
                self.contexts.pop(params["executionContextId"], None)
            case "Runtime.executionContextsCleared":
                self.contexts.clear()

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], 120)
            assert ready, "the browser must answer within two minutes"
            data = os.read(self._from, 1 << 20)
            assert data, "the browser must stay open"
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(message))


@contextmanager
def browse(width: int = 1600, height: int = 1000) -> Iterator[Browser]:
    """Open a browser with a new profile, and close it after the block."""
    program = find_browser()
    assert program, "Chromium or Chrome must be on PATH"
    to_browser, from_browser = os.pipe(), os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        descriptors = to_browser[0], from_browser[1]
        options = [*_OPTIONS, f"--user-data-dir={profile}"]
        process = subprocess.Popen(
            [sys.executable, "-c", _EXEC, *map(str, descriptors), program, *options],
            pass_fds=descriptors,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for descriptor in descriptors:
            os.close(descriptor)
        try:
            browser = Browser((to_browser[1], from_browser[0]))
            browser.resize(width, height)
            yield browser
            browser.close()
            process.wait(30)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            for descriptor in (to_browser[1], from_browser[0]):
                os.close(descriptor)
