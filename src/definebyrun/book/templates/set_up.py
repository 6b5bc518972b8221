# @title Set-up: installs what is missing, and moves no version that is there
import importlib
import subprocess
import sys
import tempfile
from importlib import metadata, util
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = ""  # where the code of the book comes from; a wheel beside this notebook goes first
NEEDS: list[str] = []  # what this page uses besides


def installed() -> dict[str, str]:
    found: dict[str, str] = {}
    for one in metadata.distributions():
        found.setdefault(canonicalize_name(one.metadata["Name"] or ""), one.version)
    return {name: version for name, version in found.items() if name and version}


def set_up() -> None:
    before = installed()
    wanted = [need for need in NEEDS if canonicalize_name(Requirement(need).name) not in before]
    for need in map(Requirement, set(NEEDS) - set(wanted)):
        if not need.specifier.contains(before[canonicalize_name(need.name)], prereleases=True):
            there = f"{need.name} {before[canonicalize_name(need.name)]}"
            raise RuntimeError(
                f"This page needs {need}, and {there} is installed. Update it first."
            )
    if util.find_spec("definebyrun") is None:
        wheels = sorted(Path.cwd().glob("definebyrun-*.whl"))
        wanted.append(f"definebyrun @ {wheels[-1].as_uri()}" if wheels else PACKAGE)
    if "" in wanted:
        raise RuntimeError(
            "The code of this book, the package definebyrun, is not installed, and this copy "
            "of the book names no repository to fetch it from. Run 'python -m pip install .' in "
            "the folder of the book, or lay its wheel beside this notebook; then run this again."
        )
    if not wanted:
        return
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder, "installed.txt")
        pins.write_text("".join(f"{name}=={version}\n" for name, version in before.items()))
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--constraint", str(pins)]
        done = subprocess.run([*pip, *wanted], capture_output=True, text=True)
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise RuntimeError(f"{', '.join(wanted)} cannot be added to what is here:\n{last}")
    after = installed()
    moved = [name for name, version in before.items() if after.get(name) != version]
    assert not moved, f"The versions of {moved} have changed. Restart with a fresh environment."
    importlib.invalidate_caches()


set_up()
