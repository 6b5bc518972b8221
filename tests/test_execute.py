"""Pages side by side: the longest first, each kept as it ends, every failure in one line."""

import errno
import json
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
import torch
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from definebyrun.book import execute
from definebyrun.book.execute import Job, durations, explain, how_many, run_side_by_side, settings
from definebyrun.book.freshness import surroundings

TRACEBACK = "cell\n---\n\x1b[0;31mClaimError\x1b[0m  Traceback\nClaimError: It holds not. (x = 1)"


@pytest.mark.parametrize(
    ("error", "place", "expected"),
    [
        (
            CellExecutionError(TRACEBACK, "ClaimError", "It holds not."),
            "cell 2, line 9",
            "did not run to its end: ClaimError: It holds not. (x = 1) (cell 2, line 9)",
        ),
        (
            CellExecutionError("cell\nNot yet: the sign is wrong", "WrongAnswer", ""),
            "cell 4",
            "did not run to its end: Not yet: the sign is wrong (cell 4)",
        ),
        (CellTimeoutError("..."), "cell 3", "a cell took more than 7 s (cell 3); make the cell"),
        (
            DeadKernelError("Kernel died"),
            "cell 1",
            "its kernel died (cell 1); it ran out",
        ),
        (RuntimeError("Kernel died before replying"), "", "could not be started: Kernel died"),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "cell 9",
            "its run could not be kept: No space left on device",
        ),
    ],
)
def test_each_cause_has_its_line(error: Exception, place: str, expected: str) -> None:
    said = explain(error, place, 7)
    assert expected in said
    assert "\n" not in said


def job(folder: Path, page: str, estimate: float) -> Job:
    cell = nbformat.v4.new_code_cell(f"'{page}'")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    return Job(page, notebook, folder / page, "key", 9, estimate)


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pages in the order in which they are started; nothing is executed."""
    started: list[str] = []

    class Client:
        def __init__(self, notebook: Any, **options: Any) -> None:
            self.page = notebook.cells[0].source.strip("'")

        def execute(self, env: dict[str, str]) -> None:
            started.append(self.page)
            time.sleep(0.01)
            if self.page == "broken":
                raise DeadKernelError("dead")

    monkeypatch.setattr(execute, "NotebookClient", Client)
    return started


def test_the_longest_page_starts_first_and_each_is_kept(tmp_path: Path, order: list[str]) -> None:
    """With one failure among them, the others are kept, and their seconds noted."""
    jobs = [job(tmp_path, *page) for page in [("short", 1.0), ("broken", 2.0), ("long", 9.0)]]
    said: list[str] = []
    assert not any(one.is_done() for one in jobs)
    failures = run_side_by_side(jobs, 1, tmp_path, said.append)
    assert order == ["long", "broken", "short"]
    assert list(failures) == ["broken"]
    assert [one.is_done() for one in jobs] == [True, False, True]
    assert set(durations(tmp_path)) == {"long", "short"}
    assert said[0] == "Running 3 pages, 1 at a time."
    assert said[1].startswith("[1/3] long took ")
    assert said[2].startswith("[2/3] broken failed after ")
    assert said[3].endswith("running: none; left: 0")


def test_a_page_that_fails_leaves_its_report(tmp_path: Path, order: list[str]) -> None:
    """Beside the runs, for whoever cannot see the machine; gone when the page runs again."""
    runs = tmp_path / "runs"
    report = tmp_path / "reports" / "broken.txt"
    failures = run_side_by_side([job(runs, "broken", 1.0)], 1, runs, lambda line: None)
    assert report.read_text().startswith(f"broken {failures['broken']}\n\ndead")
    report.rename(tmp_path / "reports" / "mended.txt")
    run_side_by_side([job(runs, "mended", 1.0)], 1, runs, lambda line: None)
    assert list(report.parent.iterdir()) == []


def test_a_damaged_run_is_made_again(tmp_path: Path, order: list[str]) -> None:
    """A build that was killed may leave half a file."""
    one = job(tmp_path, "page", 1.0)
    run_side_by_side([one], 2, tmp_path, lambda line: None)
    (kept,) = one.cache.glob("executed/*/base.ipynb")
    kept.write_text(kept.read_text()[:40])
    assert not one.is_done()
    run_side_by_side([one], 2, tmp_path, lambda line: None)
    assert one.is_done()


def test_half_a_record_of_seconds_is_no_record(tmp_path: Path) -> None:
    for text in ('{"book/a": 1.', "[1]", '{"book/a": "x"}', ""):
        (tmp_path / "seconds.json").write_text(text)
        assert durations(tmp_path) == {}
    (tmp_path / "seconds.json").write_text(json.dumps({"book/a": 2}))
    assert durations(tmp_path) == {"book/a": 2.0}


def test_memory_and_the_reader_limit_how_many_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEFINEBYRUN_JOBS", raising=False)
    monkeypatch.setattr(execute, "_free_memory", lambda: 3 * 2**30)
    assert how_many("cpu") == 1
    monkeypatch.setenv("DEFINEBYRUN_JOBS", "5")
    assert how_many("cpu") == 5


def test_a_gpu_is_shared_as_its_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEFINEBYRUN_JOBS", raising=False)
    monkeypatch.setattr(execute, "_free_memory", lambda: 99 * 2**30)
    monkeypatch.setattr(execute.os, "sched_getaffinity", lambda pid: range(16), raising=False)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (9 * 2**30, 0))
    assert (how_many("cpu"), how_many("cuda")) == (16, 2)


def test_gpus_of_two_kinds_share_no_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = set()
    for name in ("one kind", "another kind"):
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device, name=name: name)
        keys |= {surroundings(Path(), execute.hardware(d), {}) for d in ("cpu", "cuda")}
    assert len(keys) == 3


def test_every_kernel_has_one_thread_whatever_the_reader_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Numbers depend neither on the number of cores nor on the reader's own variables."""
    monkeypatch.delenv("DEFINEBYRUN_THREADS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert settings()["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("DEFINEBYRUN_THREADS", "4")
    assert settings()["MKL_NUM_THREADS"] == "4"


def test_an_interrupt_ends_a_kernel_that_is_still_being_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C finds no process yet; it waits for one and kills it, so the build ends at once."""
    killed = threading.Event()
    process = SimpleNamespace(kill=killed.set)

    class Starting:
        km: Any = None

        def __init__(self, *_arguments: Any, **_options: Any) -> None: ...

        def execute(self, **_options: Any) -> None:
            time.sleep(0.3)
            self.km = SimpleNamespace(provisioner=SimpleNamespace(process=process))
            raise DeadKernelError("killed" if killed.wait(30) else "left alone")

    def interrupted(*_arguments: Any, **_options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(execute, "NotebookClient", Starting)
    monkeypatch.setattr(execute, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_side_by_side([job(tmp_path, "slow", 1)], 1, tmp_path, print)
    assert killed.is_set()
