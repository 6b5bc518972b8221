"""The three calls of a chapter, as they behave in a reader's own notebook and in a build."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from definebyrun.book import ClaimError, claim, compare, notebook, record, show_source


def test_a_claim_that_breaks_goes_on_for_a_reader_and_stops_the_build(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(notebook.BUILDING, raising=False)
    claim("One is more than two.", torch.tensor(1), ">", 2, one=1)
    monkeypatch.setenv(notebook.BUILDING, "1")
    with pytest.raises(ClaimError, match=r"One is more than two\. \(1 > 2, one = 1\)"):
        claim("One is more than two.", torch.tensor(1), ">", 2, one=1)


def test_a_finished_verdict_is_no_claim() -> None:
    with pytest.raises(TypeError):
        claim("One is more than two.", torch.tensor(1) > 2)
    with pytest.raises(TypeError):
        claim("A number compares nothing.", 3)


@pytest.mark.parametrize("name", ["Slope", "slope_1", "", "a--b", "slope "])
def test_a_name_of_another_form_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="hyphens"):
        record(name, 1.0)


@pytest.mark.parametrize("value", [[1, 2], None, torch.ones(2), {"a": 1}])
def test_only_one_number_or_string_is_recorded(value: object) -> None:
    with pytest.raises(TypeError, match="expected one number or a string"):
        record("value", value)


def test_builtins_have_no_source_to_show() -> None:
    with pytest.raises(TypeError):
        show_source(len)


def test_importing_the_package_is_quick_and_loads_no_machinery() -> None:
    """Colab and a reader's own script must not pay for Sphinx or matplotlib."""
    code = (
        "import sys, definebyrun; import definebyrun.book, definebyrun.device;"
        "print([m for m in ('sphinx', 'matplotlib', 'myst_nb') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_core_never_imports_the_machinery() -> None:
    """Mathematics, data, models and training must be usable without the book."""
    from pathlib import Path

    import definebyrun

    root = Path(definebyrun.__file__).parent
    core = [path for path in root.rglob("*.py") if "book" not in path.relative_to(root).parts]
    assert core
    assert [path for path in core if "definebyrun.book" in path.read_text("utf8")] == [
        root / "__init__.py"  # whose docstring tells what the folder is
    ]


t = torch.tensor([0.1, 0.2, 0.7])


@pytest.mark.parametrize(
    "compared",
    [
        (0.5, "<", 0.7),
        (0, "<", 0.5, "<", 1),
        (torch.tensor(0.5, requires_grad=True), ">", 0.4),
        (t, ">", 0),
        (t[:-1], "<", t[1:]),
        (t, "==", t.clone()),
        (t.numpy(), "==", t.clone()),
        (t[0], "<=", t),
        (t.shape, "==", (3,)),
        ([1, 2], "==", [1, 2]),
        ([3.0, 2.0], "<", 4),
        (torch.tensor([3], dtype=torch.uint8), "!=", torch.tensor([4])),
        ("RuntimeError", "in", "a RuntimeError was raised"),
        (3, "not in", (1, 2)),
        (t.dtype, "==", torch.float32),
        (None, "!=", t.dtype),
        (np.float32(0.5), "<", t.double().sum()),
        (len(t), "==", len(t.clone())),
    ],
)
def test_a_comparison_that_holds_is_recorded(
    compared: tuple, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(notebook.BUILDING, "1")
    claim("It holds.", *compared)


@pytest.mark.parametrize(
    "compared",
    [
        (0.7, "<", 0.5),
        (0, "<", 2, "<", 1),
        (2, "<", 1, "<", 3),
        (t, ">", 0.1),
        (t, "!=", torch.tensor([0.1, 0.3, 0.8])),
        (t.shape, "==", (4,)),
        (3, "in", (1, 2)),
        (t, "==", t.double() + 1e-9),
    ],
)
def test_a_comparison_that_fails_anywhere_stops_the_build(
    compared: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every element and every link counts."""
    monkeypatch.setenv(notebook.BUILDING, "1")
    with pytest.raises(ClaimError, match="claim does not hold: It holds"):
        claim("It holds.", *compared)


def test_close_is_an_absolute_distance_without_wrapping() -> None:
    small = torch.tensor([3, 5], dtype=torch.uint8)
    for left, right, within, holds in [
        (t, t + 1e-4, 1e-3, True),
        (t, t + 1e-2, 1e-3, False),
        (small, small + 1, 1.5, True),  # 3 - 4 is 255 in unsigned bytes
        (1 + 2j, np.array([1 + 2.001j]), 0.01, True),
        (1e9, 1e9 + 1, 0.5, False),
    ]:
        assert compare.holds((left, "close to", right), within) is holds


ALIAS = t.view(3)


@pytest.mark.parametrize(
    ("compared", "error", "message"),
    [
        ((torch.equal(t, t), "==", True), TypeError, "not a verdict"),
        ((t.sum() > 0, "==", 1), TypeError, "not a verdict"),
        ((np.bool_(True), "!=", 0), TypeError, "not a verdict"),
        ((math.nan, "!=", 1), ValueError, "NaN"),
        ((torch.tensor([1, math.nan]), "!=", 1), ValueError, "NaN"),
        (((1.0, math.nan), "!=", (1.0, 2.0)), ValueError, "NaN"),
        ((t, "==", t), ValueError, "itself"),
        ((t, "<=", ALIAS), ValueError, "itself"),
        ((t, "==", t.numpy()), ValueError, "itself"),
        ((t, "==", t.detach()), ValueError, "itself"),
        ((t, ">", torch.zeros(2)), ValueError, "shapes"),
        ((t, ">", torch.zeros(1)), ValueError, "shapes"),
        ((t[:0], ">", 5), ValueError, "empty"),
        (("", "in", "text"), ValueError, "empty"),
        ((0.5, "!=", None), ValueError, "never be equal"),
        (("1", "!=", 1), ValueError, "never be equal"),
        ((1, "<"), TypeError, "expected left, relation, right"),
        ((1, "<", 2, "<"), TypeError, "expected left, relation, right"),
        ((1, 2, 3), TypeError, "relation"),
        ((1, "<<", 3), TypeError, "relation"),
        ((1, "close to", 1.5), TypeError, "within"),
        ((), TypeError, "expected left"),
    ],
)
def test_a_comparison_that_proves_nothing_is_refused(
    compared: tuple, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        claim("It is so.", *compared)


@pytest.mark.parametrize(
    ("operand", "words"),
    [
        (torch.tensor(0.25), 0.25),
        (torch.tensor([0.5, -1.0]), "0.5, -1"),
        (torch.tensor([[3, 4], [5, 60_000]], dtype=torch.uint16), "3, 4, 5, 60000"),
        (np.arange(7) / 8, "0 … 0.75"),
        (np.ones((2, 4)), "1"),
        (torch.tensor([0.5, 0.25, 1.0], dtype=torch.bfloat16), "0.5, 0.25, 1"),
        (torch.ones(2, requires_grad=True), "1, 1"),
        (torch.tensor([1j, 2.0, 3.0, 4.0]), "complex64[4]"),
        (np.array([True, False]), "bool[2]"),
        ((2, 3), "(2, 3)"),
        ("a word", "a word"),
    ],
)
def test_what_is_compared_is_shown_in_numbers_that_a_reader_understands(operand, words) -> None:
    """Neither a type nor a shape tells whether six numbers lie below one."""
    assert compare.in_short(operand) == words


def test_a_claim_tells_what_it_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = []
    monkeypatch.setattr(notebook, "display", lambda data, raw: kept.append(data))
    claim("It is so.", torch.tensor(0.25), "<", np.zeros((2, 4)) + np.arange(1, 5), size=3)
    assert kept[0][notebook.MIME]["compared"] == [[0.25, "<", "1 … 4"]]
    assert kept[0]["text/plain"] == "Checked: It is so. (0.25 < 1 … 4, size = 3)"


@pytest.mark.parametrize(
    ("compared", "lines"),
    [
        (([0.5, torch.tensor(2)], ">", [0.25, 1]), [[0.5, ">", 0.25], [2, ">", 1]]),
        ((0, "<", (1, 2), "<", 3), [[0, "<", 1, "<", 3], [0, "<", 2, "<", 3]]),
        ((torch.tensor([2.0, 3.0]), ">=", 1), [[2.0, ">=", 1], [3.0, ">=", 1]]),
        ((torch.arange(7), "<", 9), [["0 … 6", "<", 9]]),
        ((torch.ones(2, 4), "<", 9), [["1", "<", 9]]),
        (((2, 3), "==", (2, 3)), [["(2, 3)", "==", "(2, 3)"]]),
        ((3, "not in", (1, 2)), [[3, "not in", "(1, 2)"]]),
        (([1, 2], "<", [3, 4, 5]), [["[1, 2]", "<", "[3, 4, 5]"]]),  # refused where it is checked
    ],
)
def test_of_a_few_numbers_each_is_shown_beside_its_bound(compared: tuple, lines: list) -> None:
    """Two lists with a sign between them leave a reader to pair what belongs together."""
    assert compare.in_lines(compared) == lines


def test_of_arrays_that_are_close_it_tells_how_far_they_are_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = []
    monkeypatch.setattr(notebook, "display", lambda data, raw: kept.append(data[notebook.MIME]))
    claim("It is so.", t, "close to", np.array([0.1, 0.7, 0.45]), within=1, size=3)
    claim("A number is near.", t[0], "close to", 0.1, within=1)
    claim("All are near one.", t, "close to", 1.0, "<", 2, within=1)
    assert kept[0]["values"] == [("largest_difference", pytest.approx(0.5)), ("size", 3)]
    assert kept[1]["values"] == []
    assert kept[2]["values"] == [("largest_difference", pytest.approx(0.9))]
