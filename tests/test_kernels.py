"""Kernels that are forks: like those that start from nothing, and ended with the build."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from definebyrun.book.freshness import PACKAGE

BUILD = """
import sys
from pathlib import Path
import nbformat
from definebyrun.book import execute

folder, forked = Path(sys.argv[1]), sys.argv[2] == "forked"
pages = sorted(folder.glob("*.ipynb"))
jobs = [
    execute.Job(page.stem, nbformat.read(page, 4), folder / "runs" / page.stem, "key", 60, 1.0)
    for page in pages
]
if forked:
    execute.prepare(jobs, 1, "cpu")
print(execute.run_side_by_side(jobs, 1, folder / "runs", lambda line: None))
for job in jobs:
    nbformat.write(job.notebook, folder / f"{job.page}.ran")
"""
CLEAN = """
import os, sys
print(sorted(os.listdir()), os.environ["OMP_NUM_THREADS"], os.environ["DEFINEBYRUN_BUILDING"])
print(os.environ.get("MPLBACKEND"), os.environ.get("PYTHONSTARTUP"))
print(os.getpgid(0) == os.getpid(), sys.argv[1])
"""
LOADED = "import sys\nprint('torch' in sys.modules)"
CHANGING = """
import torch, matplotlib.pyplot as plt
print(torch.get_default_dtype(), plt.rcParams["lines.linewidth"], torch.get_num_threads())
torch.set_default_dtype(torch.float64)
plt.rcParams["lines.linewidth"] = 7
"""
FIGURE = "plt.plot([1, 2])\nplt.show()"
DYING = "import os\nos._exit(3)"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no kernel is forked")


def write(folder: Path, **pages: list[str]) -> None:
    for name, cells in pages.items():
        made = [nbformat.v4.new_code_cell(cell) for cell in cells]
        nbformat.write(nbformat.v4.new_notebook(cells=made), folder / f"{name}.ipynb")


def start(folder: Path, how: str) -> subprocess.Popen:
    variables = os.environ | {"PYTHONPATH": str(PACKAGE.parent), "MPLBACKEND": "Agg"}
    command = [sys.executable, "-c", BUILD, str(folder), how]
    return subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_fork_gives_what_a_kernel_from_nothing_gives(tmp_path: Path) -> None:
    """Variables, folder, threads, figures; nothing of one page reaches the next; one may die."""
    ran = {}
    for how in ("forked", "plain"):
        folder = tmp_path / how
        folder.mkdir()
        page = [LOADED, CLEAN, CHANGING, FIGURE]
        write(folder, a_first=page, b_dying=[DYING], c_second=page)
        output, errors = start(folder, how).communicate(timeout=120)
        assert output.startswith("{'b_dying': 'did not run to its end: its kernel died"), errors
        for name in ("a_first", "c_second"):
            cells = nbformat.read(folder / f"{name}.ran", 4).cells
            loaded, *ran[how, name] = [cell.outputs for cell in cells]
            assert loaded[0]["text"] == f"{how == 'forked'}\n", "forked or not, as asked"
    assert ran["forked", "a_first"][2][0]["data"]["image/png"]
    assert ran["forked", "a_first"] == ran["plain", "a_first"]
    assert ran["forked", "c_second"] == ran["plain", "c_second"] == ran["plain", "a_first"]


def test_a_kernel_ends_with_the_build_that_was_killed(tmp_path: Path) -> None:
    """Or it would compute for hours, for nobody."""
    note = tmp_path / "pid"
    waiting = (
        f"import os, pathlib, time\npathlib.Path({str(note)!r}).write_text(str(os.getpid()))\n"
    )
    write(tmp_path, one=[waiting + "time.sleep(600)"], two=["1"])
    build = start(tmp_path, "forked")
    _wait_until(lambda: note.exists() and note.read_text() != "")
    build.send_signal(signal.SIGKILL)
    build.communicate()
    _wait_until(lambda: not _runs(int(note.read_text())))


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _wait_until(true) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come to pass within a minute")
