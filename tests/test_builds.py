"""A change is never lost and nothing runs twice: content decides, whatever the files' times say."""

import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from small_book import CELL, FIGURE, Book

pytestmark = pytest.mark.xdist_group("builds")  # the tests share a book; a longer one has its own
SLEEPS = CELL.format("import time\ntime.sleep(300)")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """Three pages: one computes with a convolution, one with nothing, one without code."""
    small = Book(tmp_path_factory.mktemp("builds"))
    uses = "from definebyrun.scratch.convolution import output_size\noutput_size(5, 3)"
    small.write("one", CELL.format(uses))
    small.write("two", FIGURE)
    assert small.runs() == ["one", "two"]
    return small


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf8")


@pytest.mark.xdist_group("edit")
def test_an_edit_runs_the_pages_that_depend_on_it(book: Book) -> None:
    """Counted in one book: prose and machinery run nothing, a helper runs those that use it."""
    source = book.folder / "src" / "definebyrun"
    assert book.runs() == []

    book.write("two", FIGURE + "More prose.\n")
    assert book.runs() == []
    assert "More prose." in book.html("two")

    edit(source / "scratch" / "convolution.py", '"""', '"""Edited. ')
    assert book.runs() == ["one"]

    edit(source / "book" / "outputs.py", '"""', '"""Edited. ')
    assert book.runs() == [], "the machinery draws a page and does not run it"

    edit(source / "__init__.py", '__version__ = "', '__version__ = "10.')
    assert book.runs() == ["one", "two"]
    assert "The size is 1.000." in book.html("one")
    assert "It quotes 1.000." in book.html("index"), "the quoting page was not written again"

    edit(source / "__init__.py", '__version__ = "10.', '__version__ = "')
    assert book.runs() == [], "the runs of an earlier state are kept"
    assert "It quotes 0.625." in book.html("index")

    (book.folder / "requirements.lock").write_text("torch==2.14.1\n")
    assert book.runs() == ["one", "two"]


def test_an_older_file_put_back_is_noticed(book: Book) -> None:
    """As ``mv`` and version control do it: the text is another, the time is older."""
    page, kept = book.folder / "book" / "two.md", book.folder / "kept.md"
    kept.write_text(page.read_text("utf8") + "The older prose.\n", "utf8")
    os.utime(kept, (1, 1))
    kept.replace(page)
    book.runs()
    assert "The older prose." in book.html("two")


def test_a_build_killed_while_it_writes_is_made_up_for(book: Book) -> None:
    """A value changes, and the build dies after reading and before the quoting page is written."""
    edit(book.folder / "book" / "one.md", "/ 8", "/ 4")
    hook = book.folder / "killer"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(
        "import os, signal\n"
        "from sphinx.environment import BuildEnvironment\n"
        "BuildEnvironment.check_consistency = lambda env: os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    status, _output = book.build(path=str(hook))
    assert status == -signal.SIGKILL
    assert "It quotes 0.625." in book.html("index")
    assert book.runs() == [], "what ran before the kill is kept"
    assert "It quotes 1.250." in book.html("index")


def test_a_removed_page_leaves_nothing(book: Book) -> None:
    book.write("three", "")
    book.runs()
    assert "The size is" in book.html("three")
    (book.folder / "book" / "three.md").unlink()
    book.write("two", FIGURE)
    book.runs()
    assert not (book.folder / "_build" / "html" / "book" / "three.html").exists()


def test_a_kernel_starts_clean(book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No start-up files, no backend or settings from outside, no files of the book, one thread."""
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "mine.py").write_text("from_start_up = 1\n")
    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 77\n")
    (book.folder / "book" / "neighbour.py").write_text("")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setenv("MATPLOTLIBRC", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    looks = (
        "import importlib.util, os, pathlib, matplotlib, torch\n"
        "assert 'from_start_up' not in globals()\n"
        "assert matplotlib.get_backend().lower() != 'agg'\n"
        "assert matplotlib.rcParams['lines.linewidth'] != 77\n"
        "assert list(pathlib.Path().iterdir()) == []\n"
        "assert importlib.util.find_spec('neighbour') is None\n"
        f"assert definebyrun.__file__.startswith({str(book.folder)!r})\n"
        "assert torch.get_num_threads() == 1"
    )
    book.write("clean", CELL.format(looks) + FIGURE)
    assert book.runs() == ["clean"]
    assert 'alt="A rising line."' in book.html("clean")
    (book.folder / "book" / "clean.md").unlink()
    book.write("two", FIGURE)


def test_what_changes_under_a_running_page_is_never_taken_for_the_old(book: Book) -> None:
    """A helper and the page itself are edited while the page runs: it runs again."""
    helper = book.folder / "src" / "definebyrun" / "scratch" / "convolution.py"
    page = book.folder / "book" / "one.md"
    edits = (
        "import pathlib\n"
        "from definebyrun.scratch import convolution\n"
        f"helper, page = map(pathlib.Path, [{str(helper)!r}, {str(page)!r}])\n"
        "if '# edited' not in helper.read_text():\n"
        "    helper.open('a').write('# edited\\n')\n"
        "text = page.read_text()\n"
        "page.write_text(text.replace('bef' 'ore', 'after'));"
    )
    book.write("one", CELL.format(edits) + CELL.format("print('it ran', 'before')"))
    status, output = book.build()
    assert status == 0, output[-2000:]
    assert re.findall(r"\] book/(\w+) took", output) == ["one", "one"]
    assert "it ran after" in book.html("one")
    assert book.runs() == []


@pytest.mark.xdist_group("stops")
def test_what_stops_a_page_is_told_in_one_line(tmp_path: Path) -> None:
    """A dead kernel, a cell that never ends, unreadable options: page, cell, cause, advice."""
    broken = Book(tmp_path)
    edit(tmp_path / "_config.yml", "timeout: 600", "timeout: 2")
    broken.write("one", "")
    broken.write("dies", CELL.format("import os\nos._exit(1)"))
    broken.write("sleeps", SLEEPS)
    broken.write("options", "```{code-cell} ipython3\n---\ntags: [\n---\n1\n```\n")
    expected = {
        "dies": "its kernel died (cell 2, line ",
        "sleeps": "a cell took more than 2 s (cell 2, line ",
        "options": "cannot be read: Code cell 3 at line ",
    }
    for _attempt in range(2):
        status, output = broken.build()
        assert status != 0
        for page, message in expected.items():
            lines = [line for line in output.splitlines() if line.startswith(f"  book/{page} ")]
            assert any(message in line for line in lines), (page, output[-2000:])


@pytest.mark.xdist_group("interrupted")
def test_an_interrupted_build_keeps_the_pages_that_were_done(tmp_path: Path) -> None:
    """Interrupted while the second page runs: its kernel ends, and the first is not run again."""
    small = Book(tmp_path)
    small.write("one", "")
    small.write("two", SLEEPS)
    command = [str(Path(sys.executable).with_name("jb")), "build", str(tmp_path)]
    log = tmp_path / "log"
    # a job in the background of a shell is born deaf to Ctrl-C, and so are its children
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            env=small.environment(),
            start_new_session=True,
            preexec_fn=heard,
        )
        for _wait in range(600):
            if "book/one took" in log.read_text() or process.poll() is not None:
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=120)  # a busy machine needs long, a kernel left alone longer
    assert "book/one took" in log.read_text(), log.read_text()[-2000:]
    small.write("two", "")
    assert small.runs() == ["two"]
    (seconds,) = (tmp_path / "_build" / ".jupyter_cache").glob("seconds.json")
    assert {"book/one", "book/two"} == set(re.findall(r"book/\w+", seconds.read_text()))


def test_the_code_of_another_checkout_is_refused(book: Book) -> None:
    """A copy of a checkout whose package is found elsewhere says so and builds nothing."""
    other = Path(__file__).parent.parent / "src"
    status, output = book.build(path=str(other), alone=True)
    assert status != 0
    assert "the code of another folder would run" in output
