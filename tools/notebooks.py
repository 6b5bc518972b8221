"""Publish the notebooks, and execute each of them alone, as a stranger's machine would.

``notebooks.py`` lays the notebooks that the build made into ``_build/notebooks/``, with a wheel of
the package. ``notebooks.py run`` executes them, all or those that are named, each in an environment
of its own that holds the wheel and what the notebook asks for, and none of the book's tools. The
packages of that environment are links to those that are installed here, so no network is needed.
``notebooks.py fresh`` leaves out the package and what a page needs besides, and lets the set-up
cell fetch them from the package index.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "_build" / "html" / "notebooks"
PUBLISHED = ROOT / "_build" / "notebooks"
TIMEOUT = 600  # seconds for a cell
NOT_FOR_KERNELS = ("PYTHONPATH", "PYTHONHOME", "MPLBACKEND", "PYTHONSTARTUP", "VIRTUAL_ENV")


def build_wheel(folder: Path) -> Path:
    """Build the package's wheel into a folder, without the network."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    done = subprocess.run(
        [*command, "--directory", str(folder)], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"The wheel cannot be built: {done.stderr.strip().splitlines()[-1]}")
    return next(folder.glob("definebyrun-*.whl"))


def publish() -> None:
    """Lay the notebooks and the wheel into the folder that is published."""
    if not BUILT.exists():
        sys.exit("There are no notebooks; run 'make book' first.")
    shutil.rmtree(PUBLISHED, ignore_errors=True)
    shutil.copytree(BUILT, PUBLISHED)
    build_wheel(PUBLISHED)


def closure(wanted: Iterable[str]) -> dict[str, metadata.Distribution]:
    """Return the installed distributions that these requirements bring, by name."""
    found: dict[str, metadata.Distribution] = {}
    waiting = [(Requirement(one), "") for one in wanted]
    done = set()
    while waiting:
        need, extra = waiting.pop()
        if need.marker and not need.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(need.name)
        one = found.setdefault(name, metadata.distribution(need.name))
        for inner in ["", *need.extras]:
            if (name, inner) not in done:
                done.add((name, inner))
                waiting += [(Requirement(text), inner) for text in one.requires or []]
    return found


def environment(folder: Path, wanted: Iterable[str], wheel: Path | None) -> Path:
    """Make an environment of links to what these requirements bring; return its Python.

    Args:
        folder: where to make it.
        wanted: requirements that are installed here.
        wheel: a wheel to unpack into it, or none.
    """
    venv.create(folder, symlinks=True)
    site = next(folder.glob("lib/python*/site-packages"))
    for one in closure(wanted).values():
        for file in one.files or []:
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not (site / top).exists():
                (site / top).symlink_to(Path(str(one.locate_file(top))).resolve())
    if wheel:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    return folder / "bin" / "python"


def _above(python: Path, folder: Path) -> Path:
    """Make an empty environment with pip that sees the packages of another, and return its Python.

    What pip adds goes into the new one; the links of the other stay as they are.
    """
    venv.create(folder, symlinks=True, with_pip=True)
    below = next(python.parent.parent.glob("lib/python*/site-packages"))
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "below.pth").write_text(f"{below}\n")
    for old in site.glob("setuptools*"):  # it comes with pip, and would hide what lies below
        shutil.rmtree(old)
    return folder / "bin" / "python"


def needs(notebook: Path) -> list[str]:
    """Return what a notebook's set-up cell asks for besides the package."""
    cells = nbformat.read(notebook, as_version=4).cells
    lines = [line for cell in cells if cell.id == "set-up" for line in cell.source.splitlines()]
    start = "NEEDS: list[str] = "
    found = [line.removeprefix(start).partition("  #")[0] for line in lines if start in line]
    return json.loads(found[0].replace("'", '"')) if found else []


def core(wheel: Path) -> list[str]:
    """Return what the package in a wheel requires, extras apart."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        lines = archive.read(name).decode().splitlines()
    found = [line.removeprefix("Requires-Dist: ") for line in lines if "Requires-Dist: " in line]
    return [one for one in found if "extra ==" not in one]


def execute(notebook: Path, wheel: Path, *, fresh: bool = False) -> str:
    """Execute a notebook in an environment of its own; return what went wrong, or nothing.

    Args:
        notebook: the notebook.
        wheel: the package.
        fresh: whether the set-up cell has to install the package and what the page needs.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wanted = [*core(wheel), "ipykernel", *([] if fresh else needs(notebook))]
        python = environment(folder / "environment", wanted, None if fresh else wheel)
        if fresh:
            python = _above(python, folder / "above")
        work, kernels = folder / "work", folder / "kernels"
        work.mkdir()
        (kernels / "alone").mkdir(parents=True)
        start = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        start += ["--log-level=CRITICAL"]  # what a kernel says of itself is not the notebook's
        spec = {"argv": start, "display_name": "alone", "language": "python"}
        (kernels / "alone" / "kernel.json").write_text(json.dumps(spec))
        if fresh:
            shutil.copy(wheel, work)
        book = nbformat.read(notebook, as_version=4)
        specs = KernelSpecManager(kernel_dirs=[str(kernels)])
        manager = AsyncKernelManager(kernel_name="alone", kernel_spec_manager=specs)
        place = {"metadata": {"path": str(work)}}
        client = NotebookClient(book, km=manager, timeout=TIMEOUT, resources=place)
        try:
            client.execute(cleanup_kc=True, env=_variables(folder))
        except CellExecutionError as error:
            return f"{error.ename}: {error.evalue}".strip()
        except Exception as error:
            return f"{type(error).__name__}: {str(error).strip().splitlines()[-1:]}"
    said = [line for text in printed(book) for line in text.splitlines()]
    broken = [line for line in said if line.startswith("Does not hold here: ")]
    return "; ".join(broken)


def printed(notebook: nbformat.NotebookNode) -> list[str]:
    """Return what the cells of an executed notebook printed, as plain text."""
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    return [out.get("text", "") or out.get("data", {}).get("text/plain", "") for out in outputs]


def _variables(folder: Path) -> dict[str, str]:
    """Return the variables of a kernel: none that leads back to the book's own environment.

    The kernels that run at once share the cores. Without a word each would take all of them, and
    threads that wait for a core by spinning cost the others many times what they gain.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in NOT_FOR_KERNELS and not name.startswith("DEFINEBYRUN_")
    }
    threads = str(max(1, (os.cpu_count() or 1) // at_once()))
    return kept | {"OMP_NUM_THREADS": threads, "IPYTHONDIR": str(folder / "ipython")}


def at_once() -> int:
    """Return how many notebooks run at a time: as many as there are cores, or as is asked for."""
    return int(os.environ.get("DEFINEBYRUN_JOBS") or os.cpu_count() or 1)


def run(names: list[str], *, fresh: bool) -> int:
    """Execute these notebooks, or all; say how each went, and return how many failed."""
    notebooks = sorted(PUBLISHED.glob("*.ipynb"))
    notebooks = [path for path in notebooks if not names or path.stem in names]
    wheel = next(PUBLISHED.glob("definebyrun-*.whl"))
    failed = 0

    def one(path: Path) -> tuple[str, str, float]:
        begin = time.monotonic()
        return path.stem, execute(path, wheel, fresh=fresh), time.monotonic() - begin

    with ThreadPoolExecutor(at_once()) as pool:
        for name, wrong, took in pool.map(one, notebooks):
            failed += bool(wrong)
            print(f"{name}: {wrong or 'ran to its end'} ({took:.0f} s)", flush=True)
    return failed


def main() -> None:
    """Publish, or publish and run."""
    publish()
    command, *names = sys.argv[1:] or [""]
    if command in ("run", "fresh"):
        failed = run(names, fresh=command == "fresh")
        sys.exit(f"{failed} notebooks failed." if failed else 0)
    print(f"The notebooks are in {PUBLISHED.relative_to(ROOT)}/.")


if __name__ == "__main__":
    main()
