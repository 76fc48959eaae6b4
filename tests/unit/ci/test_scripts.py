"""The state that a pull request is compared with, the comment, and what looks like a secret."""

import contextlib
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.unit.ci.conftest import ROOT


def _artifact(run, *, branch="develop", fork=False, expired=False, day="01"):
    made = {"id": run, "head_branch": branch, "repository_id": 1,
            "head_repository_id": 2 if fork else 1}  # fmt: skip
    return {"expired": expired, "created_at": f"2026-11-{day}T00:00:00Z", "workflow_run": made}


def test_the_newest_state_of_the_branch_is_taken(script):
    newest = script("recorded_state").newest

    assert newest([_artifact(1, day="02"), _artifact(2, day="05"), _artifact(3)], "develop") == 2


@pytest.mark.parametrize(
    "strange",
    [
        _artifact(9, fork=True, day="09"),
        _artifact(9, branch="feature", day="09"),
        _artifact(9, expired=True, day="09"),
        {"expired": False, "created_at": "2026-11-09T00:00:00Z", "workflow_run": None},
        {"expired": False, "created_at": "2026-11-09T00:00:00Z",
         "workflow_run": {"id": 9, "head_branch": "develop"}},
    ],
    ids=["of a fork", "of another branch", "gone", "of no run", "of nobody"],
)  # fmt: skip
def test_a_state_that_is_not_the_branchs_own_is_never_taken(script, strange):
    newest = script("recorded_state").newest

    assert newest([strange, _artifact(1)], "develop") == 1
    assert newest([strange], "develop") is None


GH = """#!{python}
import json, pathlib, sys
words = sys.argv[1:]
if words[0] == "api":
    print(json.dumps({{"artifacts": {artifacts}}}))
else:
    folder = words[words.index("--dir") + 1]
    pathlib.Path(folder, "state.json").write_text(" ".join(words[:3]))
"""


FETCH = [sys.executable, str(ROOT / ".github" / "scripts" / "recorded_state.py"),
         "--target", "test", "--branch", "develop", "--out", "state.json"]  # fmt: skip


def _fetched(folder, **environ):
    return subprocess.run(
        FETCH, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("artifacts", "found"), [([_artifact(5)], True), ([], False)])
def test_the_state_is_fetched_with_githubs_own_program(tmp_path, artifacts, found):
    program, out = tmp_path / "gh", tmp_path / "state.json"
    program.write_text(GH.format(python=sys.executable, artifacts=repr(artifacts)))
    program.chmod(0o755)
    out.write_text("of another day")

    done = _fetched(tmp_path, PATH=str(tmp_path), GITHUB_REPOSITORY="o/r")

    assert done.returncode == 0
    assert (out.read_text() == "run download 5") if found else not out.exists()
    assert ("none recorded yet" in done.stdout) is not found


class GitLab(ThreadingHTTPServer):
    """Answers as GitLab does for the artifacts of a job."""

    def __init__(self, code):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.server.asked.append((self.path, self.headers["JOB-TOKEN"]))
                self.send_response(code)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *words):
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []


@pytest.fixture
def gitlab():
    """Return what starts a server that answers with a code, and what was asked of it."""
    with contextlib.ExitStack() as open_servers:

        def start(code):
            server = open_servers.enter_context(GitLab(code))
            open_servers.callback(server.shutdown)
            threading.Thread(target=server.serve_forever).start()
            return server

        yield start


@pytest.mark.parametrize(
    ("code", "ended", "said"),
    [(200, 0, "as the last"), (404, 0, "none recorded yet"), (500, 3, "cannot be fetched")],
)
def test_the_state_is_fetched_from_gitlab_with_the_jobs_own_token(
    tmp_path, gitlab, code, ended, said
):
    server = gitlab(code)

    done = _fetched(
        tmp_path,
        CI_API_V4_URL=f"http://127.0.0.1:{server.server_port}/api/v4",
        CI_PROJECT_ID="7",
        CI_JOB_TOKEN="of-the-job",
    )

    assert done.returncode == ended, done.stderr
    assert said in done.stdout
    assert "of-the-job" not in done.stdout + done.stderr
    path = "/api/v4/projects/7/jobs/artifacts/develop/raw/state.json?job=deploy-test"
    assert server.asked == [(path, "of-the-job")]
    assert (tmp_path / "state.json").exists() is (code == 200)


def test_a_state_is_not_asked_for_where_no_platform_is(tmp_path):
    done = _fetched(tmp_path)

    assert done.returncode == 2
    assert "job of GitHub or GitLab" in done.stdout


def test_a_plan_stands_in_a_block_that_it_cannot_leave(script):
    text = script("plan_comment").comment("test", "Plan: 1 to change\n````\n# not a title\n")

    assert text.splitlines()[2] == "`````text"
    assert text.splitlines()[-3] == "`````"
    assert text.startswith("### What this would change in `test`\n")


def test_a_plan_that_is_too_long_for_a_comment_is_cut_and_says_so(script):
    text = script("plan_comment").comment("prod", "x" * 100_000)

    assert len(text) < 65_536
    assert "40,000 characters more" in text


def test_without_a_state_the_comment_says_that_there_is_none(script):
    assert "No state of `test` is recorded yet" in script("plan_comment").comment("test", None)


def test_a_new_secret_is_found_and_one_that_was_looked_at_is_not(script, tmp_path, monkeypatch):
    pytest.importorskip("detect_secrets")
    finder = script("find_secrets")
    baseline = tmp_path / "baseline"
    monkeypatch.setattr(finder, "ROOT", tmp_path)
    monkeypatch.setattr(finder, "BASELINE", baseline)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "a.py").write_text('password = "' + "hunter2hunter2" + '"\n')
    subprocess.run(["git", "add", "a.py"], cwd=tmp_path, check=True)
    baseline.write_text("{}")

    def calls(*words):
        monkeypatch.setattr(sys, "argv", ["find_secrets.py", *words])
        return finder.main()

    assert calls() == 1
    assert calls("--write") == 0
    assert list(json.loads(baseline.read_text())) == ["a.py"]
    assert "hunter2" not in baseline.read_text()
    assert calls() == 0
    (tmp_path / "a.py").write_text("\n\n" + (tmp_path / "a.py").read_text())
    assert calls() == 0
    (tmp_path / "a.py").write_text('password = "' + "another-one-2" + '"\n')
    assert calls() == 1
