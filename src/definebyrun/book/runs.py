"""What the build learns from the run of a chapter: its values, claims, outputs and faults."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from jupyter_cache import get_cache
from sphinx.environment import BuildEnvironment

from definebyrun.book import claims, figures
from definebyrun.book.fences import HIDING
from definebyrun.book.notebook import MIME
from definebyrun.book.numbers import MARKUP

HIDDEN = {"remove-input", "remove-cell", "check"}
SHOWN = {"text/plain", "text/markdown", "text/html", "text/latex", "image/png", "image/svg+xml"}


@dataclass
class Run:
    """The record of one executed chapter."""

    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    claims: list[dict[str, Any]] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)  # modules whose source the chapter shows
    code: list[str] = field(default_factory=list)  # of every cell
    shown: list[str] = field(default_factory=list)  # code that the page shows
    faults: list[str] = field(default_factory=list)


@dataclass
class Page:
    """What the build keeps of one page from one build to the next."""

    run: Run
    faults: list[str]
    quotes: list[tuple[str, str, str]]  # page, name, format
    by_hand: set[str]
    is_chapter: bool
    has_report: bool
    texts: list[str] = field(default_factory=list)  # of a page without a run of its own
    broken: bool = False  # whether it has no run, though it has code
    shown: object = None  # what the page showed of other pages when it was last written


def pages(env: BuildEnvironment) -> dict[str, Page]:
    """Return the pages by name, kept in Sphinx's environment."""
    if not hasattr(env, "definebyrun_pages"):
        env.definebyrun_pages = {}  # type: ignore[attr-defined]
    kept: dict[str, Page] = env.definebyrun_pages  # type: ignore[attr-defined]
    return kept


def read_run(notebook: Path, cache: Path) -> Run:
    """Read the run of a notebook, which MyST-NB leaves beside the pages, from the cache of runs.

    The notebook is written again, as it was executed, for those who check what is published.
    """
    run = Run()
    chapter = nbformat.read(notebook, as_version=4)
    _record, executed = get_cache(cache).merge_match_into_notebook(chapter)
    nbformat.write(executed, notebook)
    for cell in executed.cells:
        if cell.cell_type != "code":
            continue
        tags = cell.metadata.get("tags") or []
        claimed = len(run.claims)
        run.code.append(cell.source)
        if not HIDDEN.intersection(tags):
            run.shown.append(cell.source)
        for output in cell.outputs:
            _read_output(run, output)
        run.faults += _raise_faults(len(run.code), cell, tags)
        if HIDING.intersection(tags):
            hidden = run.claims[claimed:]
            run.faults += [f"hides the claim {c['claim']!r} by a tag of its cell" for c in hidden]
        run.faults += figures.output_faults(len(run.code), cell)
    recorded = [(claim["claim"], claim["holds"]) for claim in run.claims]
    run.faults += claims.run_faults(run.code, recorded)
    return run


def _raise_faults(number: int, cell: Any, tags: list[str]) -> list[str]:
    """Hold the error that a cell raised against the one that its tags name."""
    meant = [tag.removeprefix("raises-") for tag in tags if tag.startswith("raises-")]
    meant = [name for name in meant if name != "exception"]
    raised = [output.ename for output in cell.outputs if output.output_type == "error"]
    if not meant or raised == meant:
        return []
    what = f"raised {raised[0]}" if raised else "raised nothing"
    return [f"is meant to raise {meant[0]} in cell {number}, which {what}"]


def _read_output(run: Run, output: Any) -> None:
    if output.output_type == "stream":
        if output.name == "stderr":
            words = next((line for line in output.text.splitlines() if line.strip()), "blank lines")
            run.faults.append(f"writes to stderr: {words.strip()!r}")
        else:
            run.printed.append(output.text)
            if "Not yet: " in output.text:
                run.faults.append(
                    f"prints a wrong answer: {output.text.strip().splitlines()[-1]!r}"
                )
        return
    data = output.get("data", {})
    if MIME not in data:
        # an image's text is only "<Figure size ...>"; a Markdown table stands in its own type
        words = data.get("text/markdown", data.get("text/plain", ""))
        if not any(kind.startswith("image/") for kind in data):
            run.printed.append(words)
        if "text/html" in data:
            run.printed.append(MARKUP.sub(" ", data["text/html"]))
        for kind in data.keys() - SHOWN:
            run.faults.append(f"shows an output of type {kind!r}, which a page cannot hold")
        return
    record = data[MIME]
    if record["kind"] == "fact":
        if record["name"] in run.facts:
            run.faults.append(f"records {record['name']!r} twice")
        run.facts[record["name"]] = {"value": record["value"], "varies": record["varies"]}
    elif record["kind"] == "claim":
        claim = {key: record[key] for key in ("claim", "holds")}
        run.claims.append(claim | {"values": dict(record["values"])})  # pairs: JSON would sort
    else:
        run.sources.add(record["module"])
        run.shown.append(record["source"])
