"""The three calls of a chapter, as they behave in a reader's own notebook and in a build."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from definebyrun.book import ClaimError, claim, notebook, record, show_source


def test_a_claim_that_breaks_goes_on_for_a_reader_and_stops_the_build(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(notebook.BUILDING, raising=False)
    claim("One is more than two.", torch.tensor(1) > 2, one=1)
    monkeypatch.setenv(notebook.BUILDING, "1")
    with pytest.raises(ClaimError, match=r"One is more than two\. \(one = 1\)"):
        claim("One is more than two.", torch.tensor(1) > 2, one=1)


def test_a_claim_takes_one_boolean() -> None:
    claim("Arrays of one element will do.", np.array([3]) > 2)
    with pytest.raises(TypeError, match="condition"):
        claim("Two booleans are not one.", torch.tensor([1, 2]) > 0)
    with pytest.raises(TypeError, match="one boolean"):
        claim("A number is no condition.", 3)


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
