"""Setting up fails with one clear line, and does nothing when there is nothing to do."""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "tools" / "environment.py"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with nothing set up, and pins that are quick to look for."""
    (tmp_path / "tools").mkdir()
    shutil.copy(SCRIPT, tmp_path / "tools")
    (tmp_path / "requirements.lock").write_text("definebyrun-no-such-package==1.0\n")
    (tmp_path / "pyproject.toml").write_text("")
    return tmp_path


def set_up(checkout: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(checkout / "tools" / "environment.py")]
    return subprocess.run(
        command, capture_output=True, text=True, env=os.environ | environment, timeout=120
    )


def test_no_network_is_one_line(checkout: Path) -> None:
    """An index that refuses connections, as on a machine without a network."""
    done = set_up(
        checkout,
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
        PIP_EXTRA_INDEX_URL="",
        PIP_FIND_LINKS="",
        PIP_RETRIES="0",
        PIP_CONFIG_FILE=os.devnull,
    )
    assert done.returncode != 0
    assert "package index could not be reached" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (checkout / ".venv" / "ready").exists()


def load(checkout: Path) -> dict[str, Any]:
    return runpy.run_path(str(checkout / "tools" / "environment.py"))


def test_a_full_disk_is_one_line(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = load(checkout)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 8, 1))
    with pytest.raises(SystemExit, match="GB of free disk are needed"):
        script["main"]()
    assert not (checkout / ".venv").exists()


def test_a_wrong_python_is_one_line(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = load(checkout)
    monkeypatch.setattr(sys, "version_info", (3, 9, 1, "final", 0))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match=r"Python 3\.11 to 3\.13 is needed"):
        script["suitable_python"]()


def test_nothing_is_done_twice(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that fits the pins is left alone; other pins are installed."""
    script = load(checkout)
    ran: list[tuple[str, ...]] = []
    script["main"].__globals__["run"] = lambda *command: ran.append(command)
    (checkout / ".venv" / "bin").mkdir(parents=True)
    for name in ("python", "pip"):
        (checkout / ".venv" / "bin" / name).touch()
    script["main"]()
    first = len(ran)
    script["main"]()
    assert (first, len(ran)) == (2, 2)
    (checkout / "requirements.lock").write_text("another==2.0\n")
    script["main"]()
    assert len(ran) == 4


def test_an_environment_of_another_folder_or_with_a_gap_is_made_anew(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A checkout that was moved or copied with its environment, and one that lost a package."""
    script = load(checkout)
    script["main"].__globals__["run"] = lambda *command: None
    package = checkout / ".venv" / "lib" / "python3" / "site-packages" / "torch-2.0.dist-info"

    def set_up_again() -> str:
        for folder in (checkout / ".venv" / "bin", package):
            folder.mkdir(parents=True, exist_ok=True)
        for name in ("python", "pip"):
            (checkout / ".venv" / "bin" / name).touch()
        capsys.readouterr()
        script["main"]()
        return capsys.readouterr().out

    set_up_again()
    assert set_up_again() == ""
    shutil.rmtree(package)
    script["main"]()
    assert "The environment is damaged; it is made anew." in capsys.readouterr().out
    set_up_again()
    stamp = checkout / ".venv" / "ready"
    stamp.write_text(stamp.read_text().replace(str(checkout), "/somewhere/else"))
    assert "The environment was made for another folder" in set_up_again()
    shutil.rmtree(checkout / ".venv")
    (checkout / ".venv").symlink_to(checkout / "tools")
    with pytest.raises(SystemExit, match="link to the environment of another folder"):
        script["main"]()
