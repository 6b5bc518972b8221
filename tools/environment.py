"""Make the isolated environment that the book is built in: ``.venv/``, from ``requirements.lock``.

Runs on the Python that is there, with nothing but its standard library. It does nothing when the
environment is ready already, and fails with one line that says what to do.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOG = VENV / "setup.log"
STAMP = VENV / "ready"
OLDEST, NEWEST = (3, 11), (3, 13)
GIGABYTES = 9 if sys.platform == "linux" else 3  # on Linux, PyTorch brings its GPU libraries
REASONS = {
    "No space left": "the disk is full; free some space and try again",
    "Could not find a version": "the package index could not be reached, or lacks a pinned package",
    "Max retries exceeded": "the package index could not be reached; check the network",
    "NewConnectionError": "the package index could not be reached; check the network",
    "Temporary failure": "the package index could not be reached; check the network",
}


def stop(reason):
    """End with one clear line."""
    sys.exit("Cannot set up the environment: " + reason)


def suitable_python():
    """Return a Python of a version that the book runs on: this one, or another on the PATH."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        works = found and subprocess.run([found, "--version"], capture_output=True).returncode == 0
        if works:
            return found
    return stop(
        f"Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]} is needed, this is "
        f"{sys.version.split()[0]}; name another with 'make PYTHON=...'"
    )


def run(*command):
    """Run a command, its output kept in the log; end with one line when it fails."""
    with LOG.open("a") as log:
        failed = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT).returncode
    if failed:
        text = LOG.read_text(errors="replace")
        reason = next((REASONS[sign] for sign in REASONS if sign in text), None)
        last = (text.strip().splitlines() or ["no output"])[-1]
        stop((reason or last) + " (all of it: .venv/setup.log)")


def installed():
    """Name the packages that lie in the environment."""
    return sorted(path.name for path in VENV.glob("lib/python*/site-packages/*.dist-info"))


def recorded():
    """Return what the last set-up noted: the digest of the pins, the folder, the packages."""
    lines = STAMP.read_text(encoding="utf8").splitlines() if STAMP.exists() else []
    return lines[:1], lines[1:2], lines[2:]


def begin_anew():
    """Remove an environment that was made for another folder, or that lost a part."""
    _pins, folder, packages = recorded()
    broken = set(packages) - set(installed()) or not (VENV / "bin" / "python").exists()
    if VENV.is_symlink():
        stop("'.venv' is a link to the environment of another folder; remove it and try again")
    if STAMP.exists() and (broken or folder not in ([], [str(ROOT)])):
        why = "is damaged" if broken else "was made for another folder"
        print(f"The environment {why}; it is made anew.", flush=True)
        shutil.rmtree(str(VENV), ignore_errors=True)


def main():
    """Bring the environment to what the pins say, if it is not there yet."""
    python = suitable_python()
    pins = (ROOT / "requirements.lock").read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    wanted = hashlib.sha256(pins).hexdigest()
    begin_anew()
    if recorded()[:2] == ([wanted], [str(ROOT)]):
        return
    if not STAMP.exists() and shutil.disk_usage(str(ROOT)).free < GIGABYTES * 10**9:
        stop(f"{GIGABYTES} GB of free disk are needed")
    print("Setting up .venv with the pinned packages; this takes a few minutes, once.", flush=True)
    if STAMP.exists():
        STAMP.unlink()
    VENV.mkdir(exist_ok=True)
    LOG.write_text("")
    if not ((VENV / "bin" / "pip").exists() and (VENV / "bin" / "python").exists()):
        run(python, "-m", "venv", "--clear", str(VENV))
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    pip.append("--disable-pip-version-check")
    run(*pip, "-r", "requirements.lock")
    run(*pip, "--no-deps", "--no-build-isolation", "-e", ".")
    STAMP.write_text("\n".join([wanted, str(ROOT), *installed()]), encoding="utf8")


if __name__ == "__main__":
    os.chdir(str(ROOT))
    main()
