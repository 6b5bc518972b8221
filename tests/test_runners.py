"""Whose run is published: the GPU's where it comes and passes, else the CPU's, and always one."""

import json
import os
import runpy
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent.parent / "tools" / "runners.py"
TOOL = runpy.run_path(str(SCRIPT))
ASKED = datetime(2026, 1, 1, 12, tzinfo=UTC)
STARTS, ENDS = TOOL["MINUTES_TO_START"], TOOL["MINUTES_TO_END"]
ON_MAIN = {
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_REPOSITORY": "someone/book",
    "GITHUB_RUN_ID": "7",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_SHA": "abc",
    "GITHUB_REF_NAME": "main",
    "GPU_RUNNER": "gpu",
}


class GitHub:
    """Answers as GitHub does about one run; ``story`` says what each look finds, in turn."""

    def __init__(self, *story: tuple[str, str | None], artifact: str = "site-gpu") -> None:
        self.story = list(story)
        self.artifact = artifact
        self.minutes = 0.0
        self.calls: list[tuple[str, str]] = []

    def __call__(self, path: str, method: str = "GET", body: Any = None) -> Any:
        self.calls.append((method, path))
        if path.endswith("/dispatches"):
            self.asked_by = body["inputs"]["asked-by"]
            return {}
        if "/runs?" in path:
            other = {"id": 1, "display_title": "GPU run for 6.1"}
            return {"workflow_runs": [other, {"id": 9, "display_title": f"for {self.asked_by}"}]}
        if path.endswith("/cancel"):
            return {}
        status, conclusion = self.story[0] if len(self.story) == 1 else self.story.pop(0)
        if status == "silent":
            raise OSError("HTTP 502")
        if path.endswith("/jobs"):
            return {"jobs": [{"status": status}]}
        if "/artifacts" in path:
            return {"artifacts": [{"name": self.artifact, "expired": False}]}
        return {"created_at": "2026-01-01T12:00:00Z", "status": status, "conclusion": conclusion}

    def sleep(self, seconds: float) -> None:
        self.minutes += seconds / 60

    def now(self) -> datetime:
        return ASKED + timedelta(minutes=self.minutes)

    def choose(self, run: str = "9") -> Any:
        return TOOL["choose"](run, self, self.sleep, self.now)

    @property
    def cancelled(self) -> bool:
        return ("POST", "actions/runs/9/cancel") in self.calls


def run(task: str, environment: dict[str, str], api: Any, folder: Path) -> tuple[dict, str]:
    """Do a task as a workflow does; return the outputs and the summary."""
    files = {name: str(folder / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    TOOL["main"](task, environment | files, api)
    outputs = (folder / "GITHUB_OUTPUT").read_text().splitlines()
    return dict(o.split("=", 1) for o in outputs), (folder / "GITHUB_STEP_SUMMARY").read_text()


def test_a_gpu_that_passes_is_published() -> None:
    github = GitHub(
        ("queued", None), ("queued", None), ("in_progress", None), ("completed", "success")
    )
    assert github.choose().device == "gpu"
    assert not github.cancelled


def test_without_a_variable_nothing_is_asked_and_the_cpu_is_published(tmp_path: Path) -> None:
    github = GitHub()
    outputs, summary = run("ask", ON_MAIN | {"GPU_RUNNER": " "}, github, tmp_path)
    assert outputs == {"run": ""}
    assert "names no GPU runner" in summary
    assert github.calls == []
    outputs, _summary = run("choose", ON_MAIN | {"GPU_RUN": ""}, github, tmp_path)
    assert (outputs["device"], outputs["run"]) == ("cpu", "7")
    assert github.calls == []


@pytest.mark.parametrize("event", ["pull_request", "pull_request_target"])
def test_a_fork_never_reaches_the_gpu(event: str, tmp_path: Path) -> None:
    github = GitHub()
    outputs, _summary = run("ask", ON_MAIN | {"GITHUB_EVENT_NAME": event}, github, tmp_path)
    assert outputs == {"run": ""}
    assert github.calls == []


def test_a_runner_that_is_absent_is_waited_for_a_while_and_cancelled() -> None:
    github = GitHub(("queued", None))
    verdict = github.choose()
    assert verdict.device == "cpu"
    assert "did not come" in verdict.why
    assert STARTS <= github.minutes < STARTS + 2
    assert github.cancelled


def test_a_runner_that_never_ends_is_waited_for_longer_and_cancelled() -> None:
    github = GitHub(("in_progress", None))
    verdict = github.choose()
    assert verdict.device == "cpu"
    assert ENDS <= github.minutes < ENDS + 2
    assert github.cancelled


@pytest.mark.parametrize("how", ["failure", "cancelled", "timed_out", None])
def test_a_runner_that_fails_leaves_the_word_to_the_cpu(how: str | None) -> None:
    github = GitHub(("in_progress", None), ("completed", how))
    verdict = github.choose()
    assert verdict.device == "cpu"
    assert str(how or "nothing") in verdict.why
    assert not github.cancelled


def test_a_run_that_passed_and_left_no_pages_is_not_published() -> None:
    assert GitHub(("completed", "success"), artifact="report-gpu").choose().device == "cpu"


def test_one_silence_of_github_ends_nothing_and_a_long_one_ends_the_waiting() -> None:
    queued = [("queued", None)] * 2
    github = GitHub(*queued, ("silent", None), ("completed", "success"))
    assert github.choose().device == "gpu"
    silent = GitHub(("silent", None))
    assert silent.choose().device == "cpu"
    assert ENDS <= silent.minutes < ENDS + 2


def test_asking_names_the_commit_and_finds_its_own_run(tmp_path: Path) -> None:
    github = GitHub()
    outputs, _summary = run("ask", ON_MAIN, github, tmp_path)
    assert outputs == {"run": "9"}
    assert github.asked_by == "7.2"
    assert github.calls[0] == ("POST", "actions/workflows/gpu.yml/dispatches")


def test_a_refusal_is_told_and_stops_nothing(tmp_path: Path) -> None:
    """As for a token without the right, or a workflow that is switched off."""

    def refuse(path: str, method: str = "GET", body: Any = None) -> Any:
        raise OSError("HTTP 403: Resource not accessible")

    outputs, summary = run("ask", ON_MAIN, refuse, tmp_path)
    assert outputs == {"run": ""}
    assert "HTTP 403" in summary
    outputs, summary = run("pages", ON_MAIN, refuse, tmp_path / ".")
    assert outputs["site"] == ""
    assert "GitHub Pages is off" in summary


def test_gh_is_called_for_this_repository_and_its_errors_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command named ``gh`` that says what it was asked, or fails as the real one does."""
    gh = tmp_path / "gh"
    gh.write_text(
        "#!/usr/bin/env python3\nimport json, sys\n"  # the path of ours may have a space
        "if 'secret' in sys.argv[-1]: sys.exit('gh: Not Found (HTTP 404)')\n"
        "print(json.dumps([sys.argv[1:], sys.stdin.read()]))\n"
    )
    gh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GITHUB_REPOSITORY", "someone/book")
    words, sent = TOOL["github"]("actions/x", method="POST", body={"ref": "main"})
    assert words == ["api", "--method", "POST", "repos/someone/book/actions/x", "--input", "-"]
    assert json.loads(sent) == {"ref": "main"}
    with pytest.raises(OSError, match="Not Found"):
        TOOL["github"]("secret")


def test_it_runs_on_the_standard_library_alone() -> None:
    """The jobs that decide set up no environment."""
    command = [sys.executable, "-I", "-S", str(SCRIPT), "nothing"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "There is no task 'nothing'" in done.stderr
