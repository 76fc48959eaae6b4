"""A project of a few files, whose fingerprint is taken before and after a change."""

from __future__ import annotations

import textwrap

import pytest

from sf_ml_framework.run.fingerprint import Fingerprints


class Sources:
    """Files of a project in a folder; every fingerprint is taken anew, as by a new process."""

    def __init__(self, root):
        self.root = root

    def write(self, **files):
        """Write modules; two underscores in a name stand for a dot, as in ``src__nodes__one``."""
        for name, text in files.items():
            self.file(name.replace("__", "/") + ".py", textwrap.dedent(text))

    def file(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def replace(self, path, old, new):
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    def of(self, function, inputs=(), state=None):
        prints = Fingerprints(self.root, state)
        found = prints.of(function, inputs)
        prints.keep()
        return found

    def changed_by(self, function, path, old, new):
        """Return the names whose hash a change altered, added or removed."""
        before = self.of(function).code
        self.replace(path, old, new)
        after = self.of(function).code
        return {
            name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
        }


@pytest.fixture
def sources(tmp_path):
    return Sources(tmp_path)
