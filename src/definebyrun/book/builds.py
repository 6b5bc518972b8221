"""Keeps a build true to its sources: what is executed, read and drawn again, by content alone.

Sphinx compares the times of files; an older file put back, or a build killed while pages are
written, would leave stale pages for ever. Here each page's text, the files it includes and the key
of its run are compared with those it was read with, and a build that did not finish is made up for
by the next.
"""

import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

from myst_nb.core.read import create_nb_reader
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ConfigError

from definebyrun.book import execute
from definebyrun.book.freshness import (
    PACKAGE,
    digest_of,
    drawing,
    imported,
    run_key,
    surroundings,
)

ROUNDS = 3  # how often a page that is edited while it runs is run again
EVERYTHING = "everything"


class Build:
    """What one build knows of the runs: those it made, those that failed, and what they rest on."""

    def __init__(self) -> None:
        """Know nothing yet; :meth:`start` tells the rest."""
        self.failures: dict[str, str] = {}
        self.read: set[str] = set()
        self.shared = ""
        self.device = ""
        self.notebooks: dict[str, tuple[str, NotebookNode | None]] = {}
        self.runs = Path()
        self.unfinished = Path()

    def start(self, app: Sphinx, config: Config, device: str) -> None:
        """Refuse another checkout's code, and forget what an unfinished build may have left.

        Raises:
            ConfigError: the package that was imported is not the one beside the book.
        """
        ours = Path(app.srcdir) / "src" / "definebyrun"
        if ours.is_dir() and ours.resolve() != PACKAGE.resolve():
            raise ConfigError(
                f"the code of another folder would run: {PACKAGE} instead of {ours}; "
                "build with 'make book', or run 'pip install -e .' here"
            )
        folder = Path(app.outdir).parent
        self.runs = folder / ".jupyter_cache"
        self.unfinished = folder / f".unfinished-{Path(app.outdir).name}"
        self.device = device
        self.shared = self._surroundings(app)
        config["definebyrun_drawing"] = drawing(Path(app.srcdir))
        if self.unfinished.exists():
            names = self.unfinished.read_text("utf8").split("\n")
            if EVERYTHING in names:
                shutil.rmtree(app.doctreedir, ignore_errors=True)
                Path(app.doctreedir).mkdir(parents=True)
            for name in names:
                Path(app.doctreedir, f"{name}.doctree").unlink(missing_ok=True)

    def outdated(
        self,
        app: Sphinx,
        env: BuildEnvironment,
        added: set[str],
        changed: set[str],
        _gone: set[str],
    ) -> list[str]:
        """Name the pages whose text, included files or run differ from what was read."""
        return [
            name
            for name in env.found_docs - added - changed
            if _kept(env).get(name) != self._now(app, name)
        ]

    def before_reading(self, app: Sphinx, env: BuildEnvironment, names: list[str]) -> None:
        """Execute, side by side, the pages that are about to be read and have no run."""
        if names:
            self._mark("\n".join(names))
        workers = 0
        for _round in range(ROUNDS):
            seconds = execute.durations(self.runs)
            jobs = [self._job(app, name, _text(app, name), seconds) for name in names]
            wanted = [job for job in jobs if job and not job.is_done()]
            wanted = [job for job in wanted if job.page not in self.failures]
            if not wanted:
                return
            workers = workers or execute.how_many(self.device)
            execute.prepare(wanted, workers, self.device)
            keys = {job.page: job.key for job in wanted}
            failures = execute.run_side_by_side(wanted, workers, self.runs, _say)
            self.failures |= failures
            for (
                name,
                key,
            ) in keys.items():  # a run whose files changed counts for nothing
                job = self._job(app, name, _text(app, name), seconds)
                if name not in failures and (job is None or job.key != key):
                    shutil.rmtree(self.runs / name / key, ignore_errors=True)

    def choose_run(self, app: Sphinx, name: str, source: list[str]) -> None:
        """Point MyST-NB to the run of the page that Sphinx is reading."""
        env: Any = app.env
        job = self._job(app, name, source[0], {})
        mode, cache = "off", ""
        if job and name not in self.failures:
            if job.is_done():
                mode, cache = "cache", str(job.cache)
            else:
                self.failures[name] = "changed while the book was being built; build it again"
        env.mystnb_config = env.mystnb_config.copy(execution_mode=mode, execution_cache_path=cache)
        _kept(env)[name] = (digest_of(source[0]), job.key if job else "", {})
        self.read.add(name)
        if name in self.failures and job is None:
            source[0] = f"# {name}\n"  # the rest would stop Sphinx; the failure is known

    def after_reading(self, app: Sphinx, env: BuildEnvironment) -> list[str]:
        """Note what the pages included; from here on, a build that ends early has to be made up."""
        for name in self.read & set(_kept(env)):
            text, key, _files = _kept(env)[name]
            _kept(env)[name] = (text, key, _files_of(app, name))
        if self.read:
            self._mark(EVERYTHING)
        return []

    def changed_meanwhile(self, app: Sphinx) -> list[str]:
        """Name the pages whose code or surroundings changed between their run and now."""
        env = app.env
        self.shared = self._surroundings(app)
        return [
            f"{name} rests on code that changed while the book was being built; build it again"
            for name in sorted(self.read & set(_kept(env)) - set(self.failures))
            if self._key(env, name) != _kept(env)[name][1]
        ]

    def cache_of(self, env: BuildEnvironment, name: str) -> Path:
        """Return the folder of the run that a page was read with."""
        return self.runs / name / _kept(env)[name][1]

    def finish(self, app: Sphinx, exception: Exception | None) -> None:
        """Remove the pages of sources that are gone, and note that the build is whole."""
        if exception is not None:
            return
        for folder in {Path(name).parent for name in app.env.found_docs} - {Path()}:
            for page in Path(app.outdir, folder).glob("*.html"):
                if (folder / page.stem).as_posix() not in app.env.found_docs:
                    page.unlink()
        self.unfinished.unlink(missing_ok=True)

    def _mark(self, text: str) -> None:
        self.unfinished.parent.mkdir(parents=True, exist_ok=True)
        self.unfinished.write_text(text, encoding="utf8")

    def _job(
        self, app: Sphinx, name: str, text: str, seconds: dict[str, float]
    ) -> execute.Job | None:
        """Return what has to be executed for a page, or nothing if it has no code."""
        notebook = self._notebook(app, name, text)
        cells = notebook.cells if notebook else []
        code = [cell.source for cell in cells if cell.cell_type == "code"]
        _imports(app.env)[name] = sorted(imported(code))
        if notebook is None or not code:
            return None
        return execute.Job(
            page=name,
            notebook=deepcopy(notebook),
            runs=self.runs / name,
            key=self._key(app.env, name),
            timeout=app.config.nb_execution_timeout,
            estimate=seconds.get(name, _guess(text, _imports(app.env)[name])),
        )

    def _notebook(self, app: Sphinx, name: str, text: str) -> NotebookNode | None:
        """Return the page as MyST-NB will read it; nothing where it is no notebook."""
        if self.notebooks.get(name, ("", None))[0] != text:
            env: Any = app.env
            path = env.doc2path(name)
            reader = create_nb_reader(path, env.myst_config, env.mystnb_config, text)
            notebook = None
            try:
                notebook = reader.read(text) if reader else None
            except Exception as error:  # a cell whose options are no YAML, among others
                said = " ".join(str(error).split()) or type(error).__name__
                self.failures[name] = f"cannot be read: {said}"
            self.notebooks[name] = text, notebook
        return self.notebooks[name][1]

    def _surroundings(self, app: Sphinx) -> str:
        device = execute.hardware(self.device)
        return surroundings(Path(app.srcdir), device, execute.settings())

    def _key(self, env: BuildEnvironment, name: str) -> str:
        imports = _imports(env).get(name)
        return run_key(imports, self.shared) if imports else ""

    def _now(self, app: Sphinx, name: str) -> tuple[str, str, dict[str, str]]:
        return digest_of(_text(app, name)), self._key(app.env, name), _files_of(app, name)


def of(app: Sphinx) -> Build:
    """Return what this build knows of the runs."""
    build: Build = app.__dict__.setdefault("definebyrun_build", Build())
    return build


def _forget(app: Sphinx, env: BuildEnvironment, name: str) -> None:
    _kept(env).pop(name, None)


def setup(app: Sphinx) -> None:
    """Connect to the events of a build; the extension starts it."""
    build = of(app)
    app.add_config_value("definebyrun_drawing", "", "env")
    app.connect("env-get-outdated", build.outdated)
    app.connect("env-before-read-docs", build.before_reading)
    app.connect("env-purge-doc", _forget)
    app.connect("source-read", build.choose_run, priority=1)
    app.connect("env-updated", build.after_reading, priority=900)
    app.connect("build-finished", build.finish, priority=900)


def _guess(text: str, imports: list[str]) -> float:
    """Guess how many seconds a page takes that never ran; one that trains takes a minute more."""
    trains = any(name.startswith("definebyrun.training") for name in imports)
    return len(text) / 2000 + 60 * trains


def _say(line: str) -> None:
    """Print a line of progress at once; the build script shows it."""
    print(line, flush=True)


def _text(app: Sphinx, name: str) -> str:
    return Path(app.env.doc2path(name)).read_text("utf-8-sig")


def _files_of(app: Sphinx, name: str) -> dict[str, str]:
    """Return the digests of the files that a page includes or shows."""
    files = sorted(app.env.dependencies.get(name, ()))
    paths = {file: Path(app.srcdir, file) for file in files}
    return {f: digest_of(p.read_bytes()) if p.is_file() else "" for f, p in paths.items()}


def _kept(env: BuildEnvironment) -> dict[str, tuple[str, str, dict[str, str]]]:
    """Return, by page, the digests of its text, its run and its files as they were read."""
    kept: dict[str, tuple[str, str, dict[str, str]]]
    kept = env.__dict__.setdefault("definebyrun_read", {})
    return kept


def _imports(env: BuildEnvironment) -> dict[str, list[str]]:
    """Return, by page, the modules of the package that its cells import."""
    found: dict[str, list[str]] = env.__dict__.setdefault("definebyrun_imports", {})
    return found
