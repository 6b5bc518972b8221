"""What of a cell a page shows, and what stands behind a claim."""

import pytest

from definebyrun.book.cells import (
    checking_code,
    machinery_calls,
    only_imports,
    silent_value,
    visible,
)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("x = 1", "x = 1"),
        ('x = 1\n\nrecord("x", x)', "x = 1"),
        ('claim(\n    "One.",\n    x, "<", 2,\n)\nx + 1', "x + 1"),
        ('x = 1\n# for the prose\n# and the claim\nrecord("x", x)\nx', "x = 1\nx"),
        ('for k in range(3):\n    record(f"x-{k}", k)', ""),
        ('definebyrun.book.claim("One.", x, "<", 2)', ""),
        ('# only a word\n\nclaim("One.", x, "<", 2)', ""),
        ("show_source(fit)", ""),
        ('%time y = f(x)\nclaim("One.", x, "<", 2)', "%time y = f(x)"),
        (
            "def f():\n    return 1\n\n\nrecord('x', f())\n\n\ndef g():\n    return 2",
            "def f():\n    return 1\n\n\ndef g():\n    return 2",
        ),
    ],
)
def test_calls_of_the_machinery_are_not_shown(source: str, shown: str) -> None:
    assert visible(source, []) == shown


@pytest.mark.parametrize(
    "source",
    [
        'for k in range(3):\n    print(k)\n    record(f"x-{k}", k)',  # a lesson with a call in it
        'text = """\nclaim("no call")\n"""',
        "claim(",  # a cell that shows a syntax error
        'my.claim("of something else")',
        'x = 1; record("x", x)',
    ],
)
def test_what_is_no_such_statement_stays(source: str) -> None:
    assert visible(source, []) == source


def test_a_cell_that_only_checks_shows_nothing() -> None:
    assert visible("gap = 2 - x", ["check"]) == ""


def test_behind_a_claim_stands_its_statement_or_the_cell_made_for_it() -> None:
    cell = 'gap = 2 - x\nclaim("Low.", gap, "<", 1)\nclaim("There.", gap, ">", 0)\nrecord("g", x)'
    assert checking_code(cell, "There.", []) == 'claim("There.", gap, ">", 0)'
    assert checking_code(cell, "There.", ["check"]) == 'gap = 2 - x\nclaim("There.", gap, ">", 0)'


def test_a_sentence_made_in_a_loop_shows_the_loop() -> None:
    cell = 'for n in (1, 2):\n    claim(f"{n} fits.", n, "<", x)'
    assert checking_code(cell, "1 fits.", []) == cell


def test_calls_left_in_sight_are_counted() -> None:
    assert machinery_calls('for k in y:\n    print(k)\n    record("k", k)') == 1
    assert machinery_calls("recorder.record_all(x)") == 0


def test_only_imports_fold() -> None:
    assert only_imports("import torch\nfrom torch import nn  # layers")
    assert not only_imports("import torch\n\ntorch.manual_seed(0)")
    assert not only_imports("# nothing")


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ('w.grad\nclaim("It falls.", w.grad, "<", 0)', "w.grad"),
        ('claim("It falls.", w.grad, "<", 0)\nw.grad', ""),
        ('print(w)\nrecord("w", w)', ""),
        ("w.grad", ""),
        ('record("w", w)', ""),
    ],
)
def test_a_value_that_is_not_shown_is_noticed(source: str, value: str) -> None:
    """A page would end an input with it, and nothing would stand below."""
    assert silent_value(source) == value
