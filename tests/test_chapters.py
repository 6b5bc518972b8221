"""Each chapter as a test: what the build's own run of it recorded, and how it is made."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import jupytext
import pytest
import yaml

from definebyrun.book.cells import visible

ROOT = Path(__file__).parent.parent
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text("utf8"))
PAGES = [item["file"] for part in TOC["parts"] for item in part["chapters"]]
CHAPTERS = [page for page in PAGES if "{chapter-needs}" in (ROOT / f"{page}.md").read_text("utf8")]


@pytest.fixture(params=CHAPTERS)
def chapter(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def source(chapter: str) -> str:
    return (ROOT / f"{chapter}.md").read_text("utf8")


def test_there_are_chapters() -> None:
    assert CHAPTERS


def test_every_cell_was_executed_and_its_lesson_is_in_the_page(chapter: str, pages: Path) -> None:
    """A page published unexecuted would show the cells and none of their outputs."""
    cells = [c for c in jupytext.read(ROOT / f"{chapter}.md").cells if c.cell_type == "code"]
    tagged = [(cell.source, cell.metadata.get("tags", [])) for cell in cells]
    hidden = {"remove-cell", "remove-input"}
    shown = [code for code, tags in tagged if not hidden & set(tags) and visible(code, tags)]
    html = (pages / f"{chapter}.html").read_text("utf8")
    assert len(re.findall(r'<div class="cell_input\b', html)) == len(shown)
    drawn = [code for code in shown if "figure(" in code or "show_images(" in code]
    assert html.count('class="only-dark"') >= len([code for code in drawn if "def " not in code])


def test_a_page_is_one_sitting(chapter: str, pages: Path) -> None:
    """An hour for a tired student: so many words and cells, no machinery, sources to be read."""
    measured = {row["page"]: row for row in json.loads((pages / "measures.json").read_text("utf8"))}
    page = measured[chapter]
    assert page["words"] <= 5500
    assert page["cells"] <= 45
    assert page["calls"] == 0
    assert page["source"] <= 25


def test_errors_in_the_page_are_the_ones_shown_on_purpose(chapter: str, pages: Path) -> None:
    notebook = jupytext.read(ROOT / f"{chapter}.md")
    on_purpose = sum("raises-exception" in c.metadata.get("tags", []) for c in notebook.cells)
    html = (pages / f"{chapter}.html").read_text("utf8")
    assert len(re.findall(r'class="[^"]*\btraceback\b', html)) == on_purpose


def test_every_claim_of_the_chapter_was_recorded_and_holds(
    chapter: str, claims: list[dict[str, Any]]
) -> None:
    recorded = [claim for claim in claims if claim["page"] == chapter]
    assert recorded, "a chapter claims nothing"
    assert all(claim["holds"] for claim in recorded)


def test_the_chapter_quotes_its_run(chapter: str, facts: dict[str, dict[str, Any]]) -> None:
    assert facts.get(chapter), "a chapter quotes no number of its run"


def test_every_exercise_has_a_hint_and_an_executed_solution(source: str) -> None:
    labels = re.findall(r"\{exercise(?:-start)?\}[^\n]*\n(?:[^\n]*\n)*?:label: (\S+)", source)
    solved = re.findall(r"\{solution(?:-start)?\} (\S+)", source)
    assert len(labels) >= 3
    assert Counter(labels) == Counter(solved)
    assert len(re.findall(r"\{dropdown\} Hint", source)) >= len(labels)


def test_the_chapter_opens_and_ends_as_all_do(source: str) -> None:
    headings = re.findall(r"^## (.+)$", source, re.MULTILINE)
    tail = headings[-3:]
    assert [heading.lower() for heading in tail] == ["summary", "exercises", "where to read on"]
    assert source.index("{chapter-needs}") < source.index("{code-cell}")


def test_no_chapter_installs_anything_or_names_a_device(source: str) -> None:
    assert "pip install" not in source
    assert not re.search(r"[\"']cuda:0[\"']", source)
