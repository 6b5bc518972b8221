"""The workflows are thin and harmless: tested commands, pinned actions, few rights."""

import re
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))
WRITES = {  # the only jobs that may change anything, and what
    ("book", "ask"): {"actions"},
    ("book", "choose"): {"actions"},
    ("book", "publish"): {"pages", "id-token"},
    ("book", "notebooks"): {"contents"},
    ("release", "release"): {"contents"},
}
COMMAND = re.compile(r"make [a-z-]+|python3 tools/(\w+)\.py( [\w=./-]+)*|gh release create .*")


def read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(file.read_text("utf8"), Loader=yaml.BaseLoader)
    return found


def jobs() -> list[tuple[str, str, dict[str, Any]]]:
    return [(f.stem, name, job) for f in FILES for name, job in read(f)["jobs"].items()]


def test_badges_show_the_runs_of_whoever_looks() -> None:
    """Each names a workflow that exists, by an address that a fork need not change."""
    badges = re.findall(
        r"\]\((\S+)/badge\.svg\)\]\((\S+)\)", (ROOT / "README.md").read_text("utf8")
    )
    assert badges
    for picture, link in badges:
        assert picture == link
        assert link.removeprefix("../../actions/workflows/") in {file.name for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_nothing_is_given_away(file: Path) -> None:
    """No secrets, no event that hands them to forks, and no right that is not named by a job."""
    text, workflow = file.read_text("utf8"), read(file)
    assert "secrets." not in text
    assert "pull_request_target" not in text
    assert not set(workflow["on"]) & {"workflow_run", "issue_comment"}
    assert workflow["permissions"] == {}


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_actions_are_pinned_by_commit_and_say_their_version(file: Path) -> None:
    uses = re.findall(r"uses: *(.*)", file.read_text("utf8"))
    for use in uses:
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use), use


def test_an_action_is_pinned_to_one_commit_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for file in FILES:
        for name, commit in re.findall(r"uses: *([\w/-]+)@(.*)", file.read_text("utf8")):
            pins.setdefault(name, set()).add(commit)
    assert {name: commits for name, commits in pins.items() if len(commits) > 1} == {}


@pytest.mark.parametrize(("workflow", "name", "job"), jobs())
def test_a_job_has_only_the_rights_it_needs(workflow: str, name: str, job: dict[str, Any]) -> None:
    rights = job["permissions"]
    assert {r for r, level in rights.items() if level == "write"} == WRITES.get(
        (workflow, name), set()
    )
    assert "timeout-minutes" in job
    for step in job["steps"]:
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] == "false"


@pytest.mark.parametrize(("workflow", "name", "job"), jobs())
def test_a_step_is_a_target_or_a_script_that_is_there(
    workflow: str, name: str, job: dict[str, Any]
) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf8"), re.MULTILINE))
    for step in job["steps"]:
        command = step.get("run", "")
        assert "${{" not in command, "a value of GitHub's inside a command can be anything"
        if not command:
            continue
        assert COMMAND.fullmatch(command), command
        first, second = command.split()[:2]
        if first == "make":
            assert second in targets
        elif first == "python3":
            assert (ROOT / second).exists()


def test_a_pull_request_reaches_one_job_on_a_cpu() -> None:
    """All others are left out by their own condition, or because what they need was left out."""
    book = read(FOLDER / "book.yml")["jobs"]
    reached = [n for n, job in book.items() if "'pull_request'" not in job.get("if", "")]
    reached = [n for n in reached if "github.ref == 'refs/heads/main'" not in book[n].get("if", "")]
    assert reached == ["cpu"]
    assert book["cpu"]["permissions"] == {"contents": "read"}
    assert book["cpu"]["env"]["DEFINEBYRUN_DEVICE"] == "cpu"
    assert [f.stem for f in FILES if "pull_request" in read(f)["on"]] == ["book"]


def test_the_gpu_runs_only_when_asked_and_shares_no_cache_with_the_cpu() -> None:
    gpu = read(FOLDER / "gpu.yml")
    assert set(gpu["on"]) == {"workflow_dispatch"}
    job = gpu["jobs"]["gpu"]
    assert job["runs-on"] == "${{ vars.GPU_RUNNER }}"
    assert job["env"]["DEFINEBYRUN_DEVICE"] == "cuda"

    def caches(job: dict[str, Any]) -> list[str]:
        steps = [s["with"] for s in job["steps"] if s.get("uses", "").startswith("actions/cache")]
        return [cache[part] for cache in steps for part in ("key", "restore-keys")]

    cpu = read(FOLDER / "book.yml")["jobs"]["cpu"]
    assert all(key.startswith("runs-gpu-") for key in caches(job))
    assert all(key.startswith("runs-cpu-") for key in caches(cpu))
    assert len(caches(job)) == len(caches(cpu)) == 2


def test_what_is_published_is_chosen_by_the_tested_scripts() -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "runners.py"))
    gpu, book = read(FOLDER / "gpu.yml"), read(FOLDER / "book.yml")["jobs"]
    names = [
        step["with"]["name"]
        for step in gpu["jobs"]["gpu"]["steps"]
        if "name" in step.get("with", {})
    ]
    assert tool["ARTIFACT"] in names
    assert tool["WORKFLOW"] == "gpu.yml"
    assert gpu["run-name"].endswith("${{ inputs.asked-by }}"), "the asking run knows it by this"
    assert set(gpu["on"]["workflow_dispatch"]["inputs"]) == {"asked-by", "commit", "site"}
    assert int(book["choose"]["timeout-minutes"]) > tool["MINUTES_TO_END"]
    assert book["choose"]["needs"] == ["ask", "cpu"]
    assert "needs.cpu.result == 'success'" in book["choose"]["if"], "nothing goes out untested"


def test_what_failed_leaves_a_report() -> None:
    for file, name in (("book.yml", "cpu"), ("gpu.yml", "gpu")):
        last = read(FOLDER / file)["jobs"][name]["steps"][-1]
        assert last["if"] == "failure()"
        assert "_build/reports/" in last["with"]["path"]


def test_a_folder_becomes_a_branch_without_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pushed to a repository on this disk: made, left alone when the same, replaced when not."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    push = runpy.run_path(str(ROOT / "tools" / "push_branch.py"))["push"]
    remote, folder = tmp_path / "remote.git", tmp_path / "notebooks"
    subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
    folder.mkdir()
    with pytest.raises(OSError, match="is empty"):
        push(folder, "notebooks", str(remote), "words")
    (folder / "inner").mkdir()
    (folder / "one.ipynb").write_text("1")
    (folder / "inner" / "two.ipynb").write_text("2")

    def on_branch(*words: str) -> list[str]:
        command = ["git", "-C", str(remote), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    assert push(folder, "notebooks", str(remote), "words", token="secret")
    assert on_branch("ls-tree", "-r", "--name-only", "notebooks") == [
        "inner/two.ipynb",
        "one.ipynb",
    ]
    assert not push(folder, "notebooks", str(remote), "words")
    shutil.rmtree(folder / "inner")
    assert push(folder, "notebooks", str(remote), "words")
    assert on_branch("ls-tree", "-r", "--name-only", "notebooks") == ["one.ipynb"]
    assert len(on_branch("rev-list", "notebooks")) == 1
    assert "secret" not in (remote / "config").read_text()
