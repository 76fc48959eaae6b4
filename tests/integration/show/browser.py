"""A headless Chromium, driven through its debugging pipe: no library, no port, no network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip


def find() -> str:
    """Return the path of a Chromium, empty when there is none on the PATH."""
    return next((path for name in NAMES if (path := shutil.which(name))), "")


@contextmanager
def started(program: str, profile: str) -> Iterator[Browser]:
    """Start the browser, and stop it whatever happens."""
    to_read, to_write = os.pipe(), os.pipe()

    def connect() -> None:
        # Chromium reads commands from 3 and writes answers to 4.
        os.dup2(to_read[0], 13)
        os.dup2(to_write[1], 14)
        os.dup2(13, 3)
        os.dup2(14, 4)

    process = subprocess.Popen(
        [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
        preexec_fn=connect,  # noqa: PLW1509 - this process has one thread
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_read[0])
    os.close(to_write[1])
    try:
        with os.fdopen(to_read[1], "wb") as commands, os.fdopen(to_write[0], "rb") as answers:
            yield Browser(commands, answers)
    finally:
        process.terminate()
        process.wait(timeout=20)


class Browser:
    """One tab; what it asked for and complained of since ``open`` is in its lists."""

    def __init__(self, commands, answers):
        self._commands = commands
        self._answers = answers
        self._numbers = count(1)
        self._session = ""
        self._loaded = False
        self.requests = []
        self.complaints = []
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self._ask(f"{domain}.enable")

    def open(self, address, *, width, height=900, scheme="light", media=""):
        """Show a page in a window of that size, for a reader who likes that colour scheme."""
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)  # fmt: skip
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._ask("Emulation.setEmulatedMedia", media=media, features=features)
        self.requests, self.complaints, self._loaded = [], [], False
        self._ask("Page.navigate", url=address)
        while not self._loaded:
            self._hear(self._read())

    def run(self, script):
        """Return what *script*, an expression of JavaScript, is in the page."""
        answer = self._ask("Runtime.evaluate", expression=script, returnByValue=True,
                           awaitPromise=True)  # fmt: skip
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def picture(self):
        """Return the whole page as PNG, in base 64."""
        return self._ask("Page.captureScreenshot", captureBeyondViewport=True)["data"]

    def _ask(self, method, **parameters):
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._commands.write(json.dumps(message).encode() + b"\0")
        self._commands.flush()
        while True:
            answer = self._read()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self._hear(answer)

    def _read(self):
        parts = bytearray()
        while (sign := self._answers.read(1)) != b"\0":
            assert sign, "the browser went away"
            parts += sign
        return json.loads(parts)

    def _hear(self, event):
        parameters = event.get("params", {})
        match event.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])
            case "Runtime.exceptionThrown" | "Runtime.consoleAPICalled":
                self.complaints.append(json.dumps(parameters))
            case "Log.entryAdded":
                self.complaints.append(parameters["entry"]["text"])
