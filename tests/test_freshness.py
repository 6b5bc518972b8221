"""What a run depends on: all that it reaches, and no more."""

from pathlib import Path

import pytest

from definebyrun.book.freshness import imported, reached, run_key, surroundings

FILES = {
    "__init__.py": "",
    "alone.py": "",
    "data/__init__.py": "from small.data.kana import load",
    "data/kana.py": "from small.data import names",
    "data/names.py": "",
    "data/kana.npz": "pixels",
    "data/fonts/kana": "a file without a dot, in a folder without modules",
    "check/__init__.py": "def __getattr__(name): ...",
    "check/tensors.py": "from .answer import right",
    "check/answer.py": "",
    "check/cnn.py": "from small.alone import thing",
    "book/__init__.py": "from small.book.notebook import claim",
    "book/notebook.py": "",
    "book/extension.py": "from small.book.outputs import draw",
    "book/book.css": "",
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def files(package: Path, *cells: str) -> set[str]:
    found = reached(imported(cells, package), package)
    return {file.relative_to(package).as_posix() for file in found}


BOOK = {"__init__.py", "book/__init__.py", "book/notebook.py"}
DATA = {"__init__.py", "data/__init__.py", "data/kana.py", "data/names.py", "data/kana.npz"}


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("import torch", set()),
        ("from small.book import claim", BOOK),
        ("from small.data import load", DATA | {"data/fonts/kana"}),
        ("if True:\n    import small.alone as a", {"__init__.py", "alone.py"}),
        (
            "from small import check\ncheck.tensors.one_hot(1)",
            {"__init__.py", "check/__init__.py", "check/tensors.py", "check/answer.py"},
        ),
        ("import small\nsmall.alone.thing", {"__init__.py", "alone.py"}),
        ('__import__("small.alone")', {"__init__.py", "alone.py"}),
    ],
)
def test_a_page_reaches_what_its_cells_load(package: Path, cell: str, expected: set[str]) -> None:
    assert files(package, cell) == expected


def test_one_cell_imports_and_another_uses(package: Path) -> None:
    """A chapter names its checkers far below the cell that imports them."""
    assert "alone.py" in files(package, "from small import check", "check.cnn.size(1)")
    assert "alone.py" not in files(package, "from small import check", "check.tensors.one_hot(1)")


def test_what_cannot_be_followed_counts_as_reaching_everything(package: Path) -> None:
    """A package handed on whole, or a cell that is no Python, may load any module."""
    assert "check/cnn.py" in files(package, "from small import check\ngetattr(check, name)")
    for cell in ("from small import ((", "!python -m small.alone", "%time from small import data"):
        assert "alone.py" in files(package, cell)


@pytest.mark.parametrize(
    ("edited", "runs_again"),
    [
        ("data/names.py", True),
        ("data/kana.npz", True),
        ("data/fonts/kana", True),
        ("book/notebook.py", True),
        ("alone.py", False),
        ("check/tensors.py", False),
        ("book/extension.py", False),
        ("book/book.css", False),
    ],
)
def test_an_edit_runs_what_depends_on_it(package: Path, edited: str, runs_again: bool) -> None:
    cells = ["from small.book import claim", "from small import data"]
    before = run_key(imported(cells, package), "", package)
    (package / edited).write_text(FILES[edited] + "\n# edited")
    assert (run_key(imported(cells, package), "", package) != before) == runs_again


def test_the_surroundings_count_and_the_number_of_workers_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pins, device, threads and the book's variables count; not how many pages run at a time."""
    monkeypatch.delenv("DEFINEBYRUN_KANA", raising=False)
    first = surroundings(tmp_path, "cpu", {"OMP_NUM_THREADS": "1"})
    monkeypatch.setenv("DEFINEBYRUN_JOBS", "7")
    assert surroundings(tmp_path, "cpu", {"OMP_NUM_THREADS": "1"}) == first
    others = [
        surroundings(tmp_path, "cuda", {"OMP_NUM_THREADS": "1"}),
        surroundings(tmp_path, "cpu", {"OMP_NUM_THREADS": "2"}),
    ]
    monkeypatch.setenv("DEFINEBYRUN_KANA", "download")
    others.append(surroundings(tmp_path, "cpu", {"OMP_NUM_THREADS": "1"}))
    monkeypatch.delenv("DEFINEBYRUN_KANA")
    (tmp_path / "requirements.lock").write_text("torch==2.14.1\n")
    others.append(surroundings(tmp_path, "cpu", {"OMP_NUM_THREADS": "1"}))
    assert len({first, *others}) == 5
