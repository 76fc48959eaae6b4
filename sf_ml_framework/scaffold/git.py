"""What an update asks of git: is all committed, what stood there before, and merge this in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from sf_ml_framework.errors import OperatorError

_WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "mlops init"), ("EMAIL", "mlops@localhost"))
}


class Change(NamedTuple):
    """What became of one file."""

    file: str
    change: str
    """``added``, ``changed``, ``removed`` or ``conflict``."""


class Repository:
    """The git repository around a project's folder.

    Raises:
        OperatorError: there is no git, or no repository, or no commit in it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            found = self.run("rev-parse", "--show-prefix", "--absolute-git-dir", "HEAD")
        except FileNotFoundError:
            raise OperatorError(
                "git is not on this machine, and an update is a merge by git",
                remedy="install git, and commit the project",
            ) from None
        except OperatorError as error:
            raise OperatorError(
                f"{root} is in no git repository, or at no commit; an update is a merge by git",
                remedy="git init, git add --all and git commit, then update",
            ) from error
        lines = found.decode().split("\n")
        self.prefix, self._folder = lines[0], lines[1]
        """The project's folder in the repository, with a slash at its end; empty at the top."""

    def run(self, *words: str, environ: Mapping[str, str] | None = None) -> bytes:
        """Run git and return what it prints.

        Raises:
            OperatorError: it failed.
        """
        done = self._done(*words, environ=environ)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()
            raise OperatorError(f"git {words[0]} failed: {said}", remedy="see what git says")
        return done.stdout

    def _done(
        self, *words: str, environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        # A hook that runs us has set these for its own repository.
        kept = {name: value for name, value in os.environ.items() if name not in _HOOKS}
        return subprocess.run(  # noqa: S603
            ["git", *words],  # noqa: S607
            cwd=self.root,
            env={**kept, "LC_ALL": "C", **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )

    def refuse_uncommitted(self) -> None:
        """Refuse to merge into files that are not committed.

        Raises:
            OperatorError: there are such files.
        """
        said = self.run("status", "--porcelain", "--untracked-files=no").decode().splitlines()
        if said:
            shown = ", ".join(line[3:] for line in said[:3])
            raise OperatorError(
                f"not everything is committed: {shown}{' and more' if len(said) > 3 else ''}",
                remedy="commit first: then what an update does is a change of its own, and can be"
                " taken back",
            )

    def former(self, folder: str, suffix: str) -> Iterator[tuple[str, bytes]]:
        """Yield name and content of every file that ever stood in *folder*, the newest first."""
        seen: set[str] = set()
        commits = (
            self.run("log", "--all", "--full-history", "--format=%H", "--", folder).decode().split()
        )
        for commit in commits:
            listed = self.run("ls-tree", "-z", commit, f"{folder}/").decode()
            for line in filter(None, listed.split("\0")):
                about, _, path = line.partition("\t")
                blob = about.split()[2]
                if path.endswith(suffix) and blob not in seen:
                    seen.add(blob)
                    yield Path(path).name, self.run("cat-file", "blob", blob)

    def merge(self, base: Path, new: Path, subject: str) -> list[Change]:
        """Bring what differs between *base* and *new* into the project, and leave it staged.

        Both are folders that hold the project as a template made it. What the project itself
        changed since *base* stays; where both changed the same lines, the file holds both between
        markers of conflict, and git counts it as unmerged. Nothing is committed.

        Raises:
            OperatorError: git would overwrite what it does not know; nothing was changed.
        """
        before = self._commit(base, "base", None)
        after = self._commit(new, subject, before)
        done = self._done("cherry-pick", "--no-commit", "--allow-empty", after, environ=_WHO)
        changes = self._changes()
        if done.returncode and not any(each.change == "conflict" for each in changes):
            said = done.stderr.decode(errors="replace").strip()
            raise OperatorError(
                f"git cannot merge the template, and left the project as it was: {said}",
                remedy="move those files away, or commit them, and update again",
            )
        return changes

    def stage(self, files: list[str]) -> None:
        """Stage *files* of the project, those that are gone included."""
        there = [file for file in files if (self.root / file).exists()]
        gone = [file for file in files if file not in there]
        if there:
            self.run("add", "--force", "--", *there)
        if gone:
            self.run("rm", "--cached", "--quiet", "--ignore-unmatch", "--", *gone)

    def _changes(self) -> list[Change]:
        words = {"A": "added", "M": "changed", "D": "removed", "T": "changed", "U": "conflict"}
        # A file that git moved is told by its new name.
        said = self.run("diff", "--cached", "--relative", "--name-status", "--no-renames", "-z")
        fields = said.decode(errors="surrogateescape").split("\0")
        found = dict(zip(fields[1::2], fields[::2], strict=False))
        unmerged = self.run("diff", "--relative", "--name-only", "--diff-filter=U", "-z")
        found |= {
            name: "U" for name in unmerged.decode(errors="surrogateescape").split("\0") if name
        }
        return [Change(name, words.get(kind, "changed")) for name, kind in sorted(found.items())]

    def _commit(self, folder: Path, subject: str, parent: str | None) -> str:
        """Return a commit that holds *folder* at the project's place; no branch names it."""
        index = folder.with_suffix(".index")
        place = {"GIT_INDEX_FILE": str(index)}
        worktree = folder.with_suffix(".tree") / self.prefix
        worktree.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(worktree)
        top = folder.with_suffix(".tree")
        where = (f"--git-dir={self._folder}", f"--work-tree={top}")
        # --work-tree says where the files are, so git must stand there.
        self.run("-C", str(top), *where, "add", "--all", "--force", ".", environ=place)
        tree = self.run(*where, "write-tree", environ=place).decode().strip()
        words = ["commit-tree", "--no-gpg-sign", tree, "-m", subject]
        if parent:
            words += ["-p", parent]
        return self.run(*words, environ=_WHO).decode().strip()


_HOOKS = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})
