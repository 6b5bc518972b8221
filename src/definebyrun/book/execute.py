"""Executes pages side by side, each in a clean kernel of its own, before Sphinx reads them.

A kernel is nbclient's, the cache of runs jupyter-cache's. Every kernel computes with the same
number of threads on every machine, so no number depends on how many pages run at once or on how
many cores there are. What readers have set up for themselves does not reach it: it starts in an
empty folder, without start-up files, and imports the package from where the build does.
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from myst_nb.core.render import strip_ansi
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from definebyrun.book import kernels
from definebyrun.book.freshness import JOBS, PACKAGE
from definebyrun.book.notebook import BUILDING

THREADS = "DEFINEBYRUN_THREADS"
KERNELS = {  # how kernels are set up; part of what a run depends on
    "OMP_WAIT_POLICY": "PASSIVE",  # idle threads sleep: spinning cost 30x on a busy machine,
    "GOMP_SPINCOUNT": "1000",  # but not at once: waking them for each product cost the MLP 2x
    "MALLOC_MMAP_THRESHOLD_": "33554432",  # keep the memory of large tensors for the next
    "MALLOC_TRIM_THRESHOLD_": "2000000000",  # ones, never give it back: a CNN trains 1.6x faster
}
NOT_IN_KERNELS = (kernels.CHOICE, "MPLBACKEND", "PYTHONSTARTUP", "PYTHONWARNINGS")
GIGABYTES = 2  # of memory that a page may want at once, on the CPU
GIGABYTES_ON_GPU = 4
REPORTS = "reports"  # a folder of the build: what stopped each page that failed
KEPT = 8  # runs of a page, so that going back to an earlier state costs nothing


@dataclass
class Job:
    """A page to execute, and where its run is kept."""

    page: str
    notebook: NotebookNode
    runs: Path  # the cache of the page's runs, a folder for each key
    key: str
    timeout: int
    estimate: float  # seconds, to start the longest first

    @property
    def cache(self) -> Path:
        """The folder that jupyter-cache keeps the run in."""
        return self.runs / self.key

    def is_done(self) -> bool:
        """Say whether the cache holds a whole run of these cells; clear out a damaged one."""
        if not self.cache.exists():
            return False
        try:
            get_cache(self.cache).merge_match_into_notebook(self.notebook)
        except KeyError:
            return False
        except Exception:
            shutil.rmtree(self.cache, ignore_errors=True)
            return False
        return True


def settings() -> dict[str, str]:
    """Return how kernels are set up, the number of threads with it."""
    threads = os.environ.get(THREADS) or "1"
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return KERNELS | dict.fromkeys(names, threads)


def how_many(device: str) -> int:
    """Return how many pages run at a time: as cores and memory allow, or as the reader says."""
    if os.environ.get(JOBS):
        return max(1, int(os.environ[JOBS]))
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    limit = _free_memory() // (GIGABYTES * 2**30)
    if device.startswith("cuda"):
        import torch

        free, _total = torch.cuda.mem_get_info(device)
        limit = min(limit, free // (GIGABYTES_ON_GPU * 2**30))
    return int(max(1, min(cores, limit)))


def chosen_device() -> str:
    """Return the device that pages run on.

    PyTorch, which takes seconds to load, is asked only where the environment does not say ``cpu``.
    """
    if os.environ.get("DEFINEBYRUN_DEVICE") == "cpu":
        return "cpu"
    from definebyrun.device import choose_device

    return str(choose_device())


def hardware(device: str) -> str:
    """Return what a device is; GPUs of two kinds share no runs."""
    if not device.startswith("cuda"):
        return device
    import torch

    return f"{device}: {torch.cuda.get_device_name(device)}"


def _free_memory() -> int:
    info = Path("/proc/meminfo")
    if info.exists():
        lines = dict(line.split(":", 1) for line in info.read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def durations(runs: Path) -> dict[str, float]:
    """Return how many seconds each page took when it last ran."""
    try:
        return {
            str(k): float(v) for k, v in json.loads((runs / "seconds.json").read_text()).items()
        }
    except (OSError, ValueError, AttributeError):
        return {}


def prepare(jobs: list[Job], workers: int, device: str) -> None:
    """Load the large libraries once for all kernels, where that pays and the device allows it."""
    if device == "cpu" and len(jobs) > workers:
        kernels.prepare(_environment())


def run_side_by_side(
    jobs: list[Job], workers: int, runs: Path, say: Callable[[str], None]
) -> dict[str, str]:
    """Execute pages and keep what they gave; return what went wrong, page by page.

    Each run is kept as soon as it ends, so an interrupted build loses only those under way.
    """
    started: dict[str, float] = {}
    clients: dict[str, NotebookClient] = {}
    failures: dict[str, str] = {}
    seconds = durations(runs)
    waiting = sorted(jobs, key=lambda job: job.estimate, reverse=True)
    pages = "1 page" if len(jobs) == 1 else f"{len(jobs)} pages"
    say(f"Running {pages}, {min(workers, len(jobs))} at a time.")
    pool = ThreadPoolExecutor(workers)

    def run(job: Job) -> str | None:
        started[job.page] = time.monotonic()
        return _run(job, clients, runs.parent / REPORTS / f"{job.page}.txt")

    futures: dict[Future[str | None], Job] = {pool.submit(run, job): job for job in waiting}
    pending = set(futures)
    try:
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                job = futures[future]
                took = time.monotonic() - started.pop(job.page)
                failure = future.result()
                if failure:
                    failures[job.page] = failure
                else:
                    seconds[job.page] = round(took, 1)
                    _write(runs / "seconds.json", json.dumps(seconds, indent=1))
                say(_progress(job.page, took, failure, started, len(jobs), len(pending)))
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        while any(future.running() for future in futures):
            for client in list(clients.values()):
                _kill(client)  # one whose kernel is still being started has none yet
            time.sleep(0.1)
        raise
    pool.shutdown()
    return failures


def _progress(
    page: str, took: float, failure: str | None, started: dict[str, float], total: int, left: int
) -> str:
    now = time.monotonic()
    under_way = [f"{name} ({now - begin:.0f} s)" for name, begin in sorted(started.items())]
    return (
        f"[{total - left}/{total}] {page} {'failed after' if failure else 'took'} {took:.1f} s; "
        f"running: {', '.join(under_way) or 'none'}; left: {left - len(under_way)}"
    )


def _run(job: Job, clients: dict[str, NotebookClient], report: Path) -> str | None:
    """Execute one page and keep its run; return what went wrong, in one line.

    The whole of it, with the traceback, is left in the report.
    """
    report.unlink(missing_ok=True)
    place = ""
    lines = job.notebook.metadata.get("source_map", [])
    cells = [n for n, cell in enumerate(job.notebook.cells) if cell.cell_type == "code"]

    def note(cell: NotebookNode, cell_index: int) -> None:
        nonlocal place
        line = f", line {lines[cell_index] + 1}" if cell_index < len(lines) else ""
        place = f"cell {cells.index(cell_index) + 1}{line}" if cell_index in cells else ""

    with tempfile.TemporaryDirectory() as folder:
        work, ipython = Path(folder, "work"), Path(folder, "ipython")
        work.mkdir()
        ipython.mkdir()
        client = NotebookClient(
            job.notebook,
            timeout=job.timeout,
            record_timing=False,  # it would write times into the cells, which the cache compares
            resources={"metadata": {"path": str(work)}},
            on_cell_execute=note,
        )
        clients[job.page] = client
        begin = time.monotonic()
        try:
            client.execute(env=_environment() | {"IPYTHONDIR": str(ipython)})
            _keep(job, time.monotonic() - begin)
        except Exception as error:
            said = explain(error, place, job.timeout)
            _write(report, f"{job.page} {said}\n\n{strip_ansi(str(error))}\n")
            return said
        finally:
            clients.pop(job.page, None)
    return None


def _environment() -> dict[str, str]:
    """Return the variables of a kernel: the reader's, less what would change what a page does."""
    kept = {name: value for name, value in os.environ.items() if name not in NOT_IN_KERNELS}
    ours = {BUILDING: "1", "PYTHONPATH": str(PACKAGE.parent)}
    plain = distribution("matplotlib").locate_file("matplotlib/mpl-data/matplotlibrc")
    ours["MATPLOTLIBRC"] = str(plain)  # the style sheet of a fresh installation
    return kept | settings() | ours


def explain(error: Exception, place: str, timeout: int) -> str:
    """Say in one line what stopped a page, where, and what to do."""
    where = f" ({place})" if place else ""
    if isinstance(error, CellExecutionError):
        text = strip_ansi(error.traceback).strip().splitlines()
        said = [line for line in text if line.startswith(f"{error.ename}: ")]
        return f"did not run to its end: {(said or text)[-1].strip()}{where}"
    if isinstance(error, CellTimeoutError):
        advice = "make the cell shorter, or raise execute: timeout: in _config.yml"
        return f"did not run to its end: a cell took more than {timeout} s{where}; {advice}"
    if isinstance(error, DeadKernelError):
        advice = "it ran out of memory, or compiled code crashed; make the cell smaller"
        return f"did not run to its end: its kernel died{where}; {advice}"
    said = str(error).strip().splitlines() or [type(error).__name__]
    if isinstance(error, OSError):
        return f"ran, but its run could not be kept: {error.strerror or said[0]}"
    if not place:
        advice = "remove .venv and run make again if it does so twice"
        return f"could not be started: {said[0]}; {advice}"
    return f"did not run to its end: {type(error).__name__}: {said[0]}{where}"


def _keep(job: Job, seconds: float) -> None:
    """Put an executed page into the cache of runs, and the oldest runs of the page out of it."""
    job.cache.mkdir(parents=True, exist_ok=True)
    bundle = CacheBundleIn(job.notebook, job.page, data={"execution_seconds": seconds})
    get_cache(job.cache).cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    os.utime(job.cache)
    folders = sorted(job.runs.iterdir(), key=lambda folder: folder.stat().st_mtime)
    for folder in folders[:-KEPT]:
        shutil.rmtree(folder, ignore_errors=True)


def _write(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(text, encoding="utf8")
    part.replace(file)


def _kill(client: Any) -> None:
    """End the process of a kernel at once."""
    process = getattr(getattr(client.km, "provisioner", None), "process", None)
    if process is not None:
        process.kill()
