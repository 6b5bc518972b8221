"""The index of the search: what of a page is found, and how formulas and titles are written."""

import re
from itertools import chain

import pytest
from docutils import nodes
from sphinx_exercise.nodes import exercise_node

from definebyrun.book.search import SYNONYMS, places, plain_formula


def section(name: str, title: str, *parts: nodes.Node) -> nodes.section:
    return nodes.section("", nodes.title("", title), *parts, ids=[name])


def paragraph(words: str) -> nodes.paragraph:
    return nodes.paragraph("", words)


def document(*parts: nodes.Node) -> nodes.Element:
    whole = nodes.container()
    whole += list(parts)
    return whole


def test_each_section_and_exercise_is_a_place_of_its_own() -> None:
    """What stands in an inner section is found there and not in the outer one."""
    task = exercise_node("", nodes.title("", "Exercise"), paragraph("Try."), ids=["ex"])
    inner = section("in", "Inner", paragraph("Deep"), task)
    page = document(section("out", "Outer", paragraph("Wide."), inner))
    assert list(places(page)) == [
        ["out", "Outer", "Wide.", ""],
        ["in", "Inner", "Deep.", ""],
        ["ex", "Exercise", "Try.", ""],
    ]


def test_solutions_and_output_are_not_found() -> None:
    """No excerpt gives an answer away; code is found, what it printed is not."""
    code = nodes.container("", nodes.literal_block("", "f(x)"), nb_element="cell_code_source")
    printed = nodes.container("", nodes.literal_block("", "1.5"), nb_element="cell_code_output")
    answer = nodes.container("", paragraph("It is two."), classes=["solution"])
    behind = nodes.container("", paragraph("a = 3"), classes=["claim-behind"])
    page = document(section("s", "S", code, printed, answer, behind, paragraph("Ask?")))
    assert list(places(page)) == [["s", "S", "Ask?", "f(x)"]]


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (r"\eta", "η"),
        (r"\Delta x \le 1", "Δ x ≤ 1"),
        (r"\mathrm{d}L", "dL"),
        (r"x \cdot y", "x · y"),
        (r"\frac{\partial L}{\partial w_{i j}} = \sum_k a_k b_k c_k d_k", "…"),
    ],
)
def test_short_formulas_become_plain_signs(latex: str, plain: str) -> None:
    assert plain_formula(latex) == plain


def test_synonyms_are_groups_of_different_names() -> None:
    for group in SYNONYMS:
        assert len(group) > 1
        assert len({name.casefold() for name in group}) == len(group)
    assert not [name for name in chain(*SYNONYMS) if re.search(r"[*+?\\\\]", name)]
