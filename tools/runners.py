"""Decide for the workflows whose run of the book is published: the GPU's, or else the CPU's.

``runners.py ask`` asks for a run on the GPU runner that the repository names in its variable
GPU_RUNNER; ``runners.py choose`` waits for that run, a while, and says whose pages go out;
``runners.py pages`` says where the repository's GitHub Pages are, if they are on. None of them
fails: without a variable, in a pull request, with a runner that does not come or that fails, the
CPU's run stands in, and the summary of the workflow says why.

Nothing but Python's standard library and GitHub's command ``gh`` is needed.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

WORKFLOW = "gpu.yml"
ARTIFACT = "site-gpu"
MINUTES_TO_START = 30  # a runner that has not begun by then does not come
MINUTES_TO_END = 120  # counted from the asking, as above
PAUSE = 30  # seconds between two looks
LOOKS_FOR_RUN = 10  # GitHub shows a run some seconds after it was asked for
Api = Callable[..., Any]


@dataclass(frozen=True)
class Verdict:
    """Whose run is published, and why; ``stop`` tells to cancel the other."""

    device: str
    why: str
    stop: bool = False


@dataclass(frozen=True)
class State:
    """What GitHub says of the run on the GPU."""

    status: str  # "queued", "in_progress", "completed"; "unknown" when GitHub does not answer
    conclusion: str = ""
    has_pages: bool = False
    minutes: float = 0.0  # since it was asked for


def decide(state: State) -> Verdict | None:
    """Return whose run is published, or nothing while it is worth waiting."""
    if state.status == "completed":
        if state.conclusion == "success" and state.has_pages:
            return Verdict("gpu", "The GPU's run passed.")
        if state.conclusion == "success":
            return Verdict("cpu", "The GPU's run left no pages; the CPU's stand in.")
        how = state.conclusion or "nothing"
        return Verdict("cpu", f"The GPU's run ended with {how}; the CPU's stands in.")
    if state.status == "queued" and state.minutes >= MINUTES_TO_START:
        why = f"The GPU runner did not come in {MINUTES_TO_START} minutes; the CPU's run stands in."
        return Verdict("cpu", why, stop=True)
    if state.minutes >= MINUTES_TO_END:
        why = f"The GPU's run took over {MINUTES_TO_END} minutes; the CPU's stands in."
        return Verdict("cpu", why, stop=True)
    return None


def reason_not_to_ask(environment: Mapping[str, str]) -> str:
    """Say why no GPU is asked for, or nothing where one is."""
    if environment.get("GITHUB_EVENT_NAME", "").startswith("pull_request"):
        return "A pull request runs on the CPU alone."
    if not environment.get("GPU_RUNNER", "").strip():
        return (
            "The repository names no GPU runner in its variable GPU_RUNNER; the CPU's run counts."
        )
    return ""


def ask(environment: Mapping[str, str], api: Api, sleep: Callable[[float], None]) -> str:
    """Ask for the run on the GPU; return its number, or nothing where there is none.

    Raises:
        OSError: GitHub does not take the request.
    """
    asked_by = f"{environment['GITHUB_RUN_ID']}.{environment.get('GITHUB_RUN_ATTEMPT', '1')}"
    inputs = {"asked-by": asked_by, "commit": environment["GITHUB_SHA"]}
    inputs["site"] = environment.get("SITE", "")
    api(
        f"actions/workflows/{WORKFLOW}/dispatches",
        method="POST",
        body={"ref": environment["GITHUB_REF_NAME"], "inputs": inputs},
    )
    for _look in range(LOOKS_FOR_RUN):
        found = api(f"actions/workflows/{WORKFLOW}/runs?event=workflow_dispatch&per_page=50")
        for run in found["workflow_runs"]:
            if str(run["display_title"]).split()[-1] == asked_by:
                return str(run["id"])
        sleep(PAUSE / 5)
    return ""


def look(run: str, api: Api, now: datetime) -> State:
    """Ask GitHub how the run is doing; a runner has come when one of its jobs has begun."""
    found = api(f"actions/runs/{run}")
    asked = datetime.fromisoformat(found["created_at"].replace("Z", "+00:00"))
    minutes = (now - asked).total_seconds() / 60
    status, has_pages = found["status"], False
    if status == "completed":
        kept = api(f"actions/runs/{run}/artifacts?per_page=100")["artifacts"]
        has_pages = any(a["name"] == ARTIFACT and not a["expired"] for a in kept)
    else:
        jobs = api(f"actions/runs/{run}/jobs")["jobs"]
        begun = any(job["status"] in ("in_progress", "completed") for job in jobs)
        status = "in_progress" if begun else "queued"
    return State(status, found["conclusion"] or "", has_pages, minutes)


def choose(
    run: str,
    api: Api,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Verdict:
    """Wait for the GPU's run as long as that is worth it; say whose run is published."""
    if not run:
        return Verdict("cpu", "No run on a GPU was asked for.")
    begun = now()
    while True:
        try:
            state = look(run, api, now())
        except (OSError, KeyError, ValueError):  # GitHub does not answer, or answers otherwise
            state = State("unknown", minutes=(now() - begun).total_seconds() / 60)
        verdict = decide(state)
        if verdict:
            break
        sleep(PAUSE)
    if verdict.stop:
        try:
            api(f"actions/runs/{run}/cancel", method="POST")
        except OSError:
            return Verdict(verdict.device, f"{verdict.why} It could not be cancelled.")
    return verdict


def github(path: str, method: str = "GET", body: Mapping[str, Any] | None = None) -> Any:
    """Call GitHub's interface for this repository.

    Raises:
        OSError: GitHub refuses, or does not answer; the text is what it says.
    """
    repository = os.environ["GITHUB_REPOSITORY"]
    command = ["gh", "api", "--method", method, f"repos/{repository}/{path}"]
    command += ["--input", "-"] if body is not None else []
    sent = json.dumps(body) if body is not None else None
    try:
        done = subprocess.run(command, input=sent, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired as error:
        raise OSError("GitHub does not answer") from error
    if done.returncode:
        raise OSError((done.stderr.strip() or done.stdout.strip() or "no answer").splitlines()[-1])
    return json.loads(done.stdout) if done.stdout.strip() else {}


def tell(outputs: Mapping[str, str], words: str, environment: Mapping[str, str]) -> None:
    """Hand values to the steps that follow, and put a sentence into the workflow's summary."""
    print(words, *(f"{name}={value}" for name, value in outputs.items()), sep="\n")
    for variable, text in (
        ("GITHUB_OUTPUT", "".join(f"{name}={value}\n" for name, value in outputs.items())),
        ("GITHUB_STEP_SUMMARY", f"{words}\n\n"),
    ):
        if environment.get(variable):
            with Path(environment[variable]).open("a", encoding="utf8") as file:
                file.write(text)


def main(task: str, environment: Mapping[str, str], api: Api = github) -> None:
    """Do one of the three tasks."""
    if task == "ask":
        words, run = reason_not_to_ask(environment), ""
        if not words:
            try:
                run = ask(environment, api, time.sleep)
                words = "A run on the GPU was asked for."
                words = words if run else "GitHub shows no run on the GPU; the CPU's run counts."
            except (OSError, KeyError, ValueError) as error:
                words = f"No run on the GPU could be asked for ({error}); the CPU's run counts."
        tell({"run": run}, words, environment)
    elif task == "choose":
        run = environment.get("GPU_RUN", "")
        verdict = choose(run, api)
        chosen = run if verdict.device == "gpu" else environment["GITHUB_RUN_ID"]
        tell({"device": verdict.device, "run": chosen}, verdict.why, environment)
    elif task == "pages":
        try:
            site = str(api("pages")["html_url"])
            words = f"The site goes to {site}."
        except (OSError, KeyError):
            site = ""
            words = "GitHub Pages is off: choose 'GitHub Actions' under Settings, Pages."
        tell({"site": site}, words, environment)
    else:
        sys.exit(f"There is no task {task!r}: ask, choose or pages.")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]), os.environ)
