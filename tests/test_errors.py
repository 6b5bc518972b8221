"""The messages on the page of errors are those that Python raises, or the build fails."""

import re
from pathlib import Path

import pytest

from definebyrun.book.errors import shown

PAGE = Path(__file__).parent.parent / "book" / "errors.md"


def test_the_message_is_printed_as_python_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(ValueError):
        int("seven")
    assert capsys.readouterr().out == (
        "ValueError: invalid literal for int() with base 10: 'seven'\n"
    )


def test_long_messages_are_cut_and_lose_their_colours(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(RuntimeError, lines=2):
        raise RuntimeError("\x1b[1mone\x1b[0m \ntwo\nthree")
    assert capsys.readouterr().out == "RuntimeError: one\ntwo\n"


def test_another_error_or_none_stops_the_page() -> None:
    """A message that a new version no longer raises must not stay in the page unnoticed."""
    with (
        pytest.raises(AssertionError, match="raised nothing; expected ValueError"),
        shown(ValueError),
    ):
        pass
    with (
        pytest.raises(AssertionError, match="raised ZeroDivisionError; expected ValueError"),
        shown(ValueError),
    ):
        1 / 0  # noqa: B018


def test_each_mistake_runs_and_links_to_where_it_is_explained() -> None:
    """A section of the page is a mistake: it has a cell, and leads to a page of the book."""
    sections = re.split(r"^### ", PAGE.read_text("utf8"), flags=re.MULTILINE)[1:]
    assert len(sections) >= 20
    for section in sections:
        title = section.partition("\n")[0]
        assert "{code-cell}" in section, title
        assert re.search(r"\{ref\}|\]\(\w+\.md\)", section), title
