"""How the build reads numbers in prose: a wrong reading would let a typed number through."""

import pytest

from definebyrun.book.numbers import numbers, significant_digits, typed_numbers, write_number
from definebyrun.book.runs import constant_claims


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("the loss is 0.0025.", [0.0025]),
        ("= -0.1", [-0.1]),
        ("$2 \\cdot 1 \\cdot (1.95 - 2) = -0.1$", [2, 1, 1.95, 2, -0.1]),
        ("1,208 images", [1208]),
        ("1.2 \\times 10^{-5}", [1.2e-5]),
        ("3e-4 and 3.5e2", [3e-4, 350]),
        ("a minus sign \u22122.5", [-2.5]),
        ("x-3 and (1)-2", [3, 1, 2]),
        ("torch 2.14.1, conv2d, sha256", []),
        ("70.7 %", [70.7]),
    ],
)
def test_numbers_are_read_as_a_person_reads_them(text: str, values: list[float]) -> None:
    found = [value for _typed, value, _half in numbers(text)]
    assert found == pytest.approx(values, rel=1e-12)


@pytest.mark.parametrize(
    ("typed", "digits"),
    [("0.0250", 3), ("300", 1), ("1,208", 4), ("3.027", 4), ("-0.65364", 5), ("1.20e-5", 3)],
)
def test_digits_that_vouch_for_a_run_are_counted(typed: str, digits: int) -> None:
    assert significant_digits(typed) == digits


@pytest.mark.parametrize(
    ("prose", "produced"),
    [
        ("it reaches 0.707 on the test set", 0.70712),
        ("it reaches 70.7 % on the test set", 0.70712),
        ("a slope of \u22120.654", -0.65364),
        ("a loss of 1.25e-4", 0.000125),
        ("exactly 784 inputs", 784),
    ],
)
def test_a_typed_result_is_found(prose: str, produced: float) -> None:
    assert typed_numbers([prose], [produced])


@pytest.mark.parametrize(
    ("prose", "produced"),
    [
        ("it reaches 0.708 on the test set", 0.70712),
        ("about 0.7", 0.70712),
        ("1000 steps", 1000.0),
        ("in 1986 it was 0.5", 0.5),
    ],
)
def test_other_numbers_are_left_alone(prose: str, produced: float) -> None:
    assert not typed_numbers([prose], [produced])


def test_numbers_are_written_with_a_true_minus_sign_and_powers_of_ten() -> None:
    assert write_number(-0.654321, ".2f") == "\u22120.65"
    assert write_number(0.1 + 0.2, "") == "0.3"
    assert write_number(7360, ",") == "7,360"
    assert write_number(-1.14e-12, ".1e") == "\u22121.1\u00a0\u00d7\u00a010\u207b\u00b9\u00b2"
    assert write_number(3e8, "") == "3\u00a0\u00d7\u00a010\u2078"
    assert write_number("CPU-only", "") == "CPU-only"
    with pytest.raises(ValueError, match="cannot be written as"):
        write_number("text", ".3f")


@pytest.mark.parametrize(
    "source",
    [
        'claim("c", True)',
        'claim("c", 1 < 2)',
        'claim("c", not 0)',
        'claim("c", bool(1))',
        "y = 3\nclaim('c', y > 2)",
        "y = 3\nz = y + 1\nclaim('c', z > 2, z=z)",
        'claim("c", x.sum() > 0 or True)',
        'claim("c", x == x)',
        "claim('c', condition=len('abc') == 3)",
        "claim('c', 1, '<', 2)",
        "y = 3\nclaim('c', 2, '<', y)",
        "claim('c', loss, '==', loss)",
        "other = loss\nclaim('c', loss, '<=', other)",
        "claim('c', loss, '<', 1, '<', 2)",
    ],
)
def test_a_constant_condition_is_refused(source: str) -> None:
    assert len(constant_claims([source])) == 1


@pytest.mark.parametrize(
    "source",
    [
        'claim("c", loss < 0.1)',
        'claim("c", loss, "<", 0.1)',
        'claim("c", 0, "<", p, "<", 1)',
        "y = measure()\nclaim('c', y, 'close to', 2, within=0.1)",
        'claim("c", torch.allclose(a, b))',
        "y = measure()\nclaim('c', y > 2)",
        "for y in range(3):\n    pass\nclaim('c', y == 2)",
        "y = 0\ny += step()\nclaim('c', y > 2)",
        "seen = []\nseen.append(loss())\nclaim('c', max(seen) < 1)",
        "a, b = race()\nclaim('c', a > b)",
        "claim('c', max(losses) < 1 and losses[0] > losses[-1])",
        "claim('c', all(a > b for a, b in pairs))",
    ],
)
def test_a_condition_that_depends_on_the_run_is_accepted(source: str) -> None:
    assert constant_claims([source]) == []
