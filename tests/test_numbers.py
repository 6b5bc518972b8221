"""How the build reads numbers in prose: a wrong reading would let a typed number through."""

import pytest

from definebyrun.book.claims import run_faults, source_faults
from definebyrun.book.fences import read_cells
from definebyrun.book.hushed import hushed_faults
from definebyrun.book.numbers import (
    numbers,
    numbers_in_code,
    significant_digits,
    typed_in_code,
    typed_numbers,
    unfounded_numbers,
    write_number,
)


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
        ("$92.97\\,\\%$", [92.97]),
        ("$109{,}386$ or $109\\,386$ or 109\u202f386 or 109\u00a0386", [109386] * 4),
        ("0.9297s, 0.9297x and 0.9297-fold", [0.9297] * 3),
        ("1.25 \u00d7 10\u207b\u2074 and $1.25 \\times 10^{-4}$", [1.25e-4] * 2),
        ("$2{,}048 \\cdot 10^{3}$", [2048000]),
        ("ResNet-152, 10x10 and x_{12}", [12]),
    ],
)
def test_numbers_are_read_as_a_person_reads_them(text: str, values: list[float]) -> None:
    found = [number.value for number in numbers(text)]
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
        ("of 70.7 things it reaches 70.7 percent", 0.70712),
        ("it takes 0.707s", 0.70712),
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
        'claim("It is so.", True)',
        'claim("It is so.", 1 < 2)',
        'claim("It is so.", not 0)',
        'claim("It is so.", bool(1))',
        "y = 3\nclaim('It is so.', y > 2)",
        "y = 3\nz = y + 1\nclaim('It is so.', z > 2, z=z)",
        'claim("It is so.", x.sum() > 0 or True)',
        'claim("It is so.", x == x)',
        "claim('It is so.', 1, '<', 2)",
        "y = 3\nclaim('It is so.', 2, '<', y)",
        "claim('It is so.', loss, '==', loss)",
        "other = loss\nclaim('It is so.', loss, '<=', other)",
        "claim('It is so.', loss, '<', 1, '<', 2)",
    ],
)
def test_a_constant_condition_is_refused(source: str) -> None:
    assert len(source_faults([source])) == 1


@pytest.mark.parametrize(
    "source",
    [
        'claim("It is so.", loss, "<", 0.1)',
        'claim("It is so.", 0, "<", p, "<", 1)',
        "y = measure()\nclaim('It is so.', y, 'close to', 2, within=0.1)",
        "for y in range(3):\n    pass\nclaim('It is so.', y, '==', 2)",
        "y = 0\ny += step()\nclaim('It is so.', y, '>', 2)",
        "seen = []\nseen.append(loss())\nclaim('It is so.', max(seen), '<', 1)",
        "a, b = race()\nclaim('It is so.', a, '>', b)",
        "claim('It is so.', max(losses), '<', 1)",
    ],
)
def test_a_condition_that_depends_on_the_run_is_accepted(source: str) -> None:
    assert source_faults([source]) == []


def test_a_number_that_nothing_vouches_for_is_found() -> None:
    """A stale result is produced by no run any more; only its origin can tell."""
    texts = ["It was 0.931 in 2012.", "There are 784 inputs, 5 rings and 10,000 images.", "784 %"]
    in_code = numbers_in_code("%time x = torch.zeros(28, 784)  # 999")
    found = unfounded_numbers(texts, in_code)
    assert [line.split()[1] for line in found] == ["0.931", "784"]


@pytest.mark.parametrize(
    "source",
    [
        "claim('It is so.', loss < 1)",
        "claim(sentence, loss, '<', 1)",
        "claim('so', loss, '<', 1)",
        "claim(*all_of_it)",
        "claim('It is so.', loss, '==', loss + 0)",
        "claim('It is so.', loss.clone(), '==', loss)",
        "claim('It is so.', len(seen), '>', -1)",
        "claim('It is so.', 0, '<=', abs(loss))",
        "claim('It is so.', math.pi, '>', 3)",
        "claim('It is so.', (y := 3), '>', 2)",
        "y: int = 3\nclaim('It is so.', y, '>', 2)",
        "a, b = 1, 2\nclaim('It is so.', a, '<', b)",
        "def two():\n    return 2\nclaim('It is so.', two(), '<', 3)",
        "%time y = 1\nclaim('It is so.', 1, '<', 2)",
        "%%time\nclaim('It is so.', 1, '<', 2)",
        "!true\nclaim('It is so.', 1, '<', 2)",
        "claim = print",
        "def claim(*rest): pass",
        "def f(claim): pass",
        "from definebyrun.book import claim as check_that",
        "import definebyrun.book as book",
        "book.claim('It is so.', loss, '<', 1)",
        "pool.submit(claim, 'It is so.', loss, '<', 1)",
        "os.environ.pop('DEFINEBYRUN_BUILDING')",
        "from definebyrun.book.notebook import claim",
        "from definebyrun.book import ClaimError",
    ],
)
def test_a_claim_that_proves_nothing_is_refused(source: str) -> None:
    assert source_faults([source])


def test_every_claim_ran_and_held() -> None:
    cells = [
        "claim('One.', x, '<', 1)",
        "%time claim('Two.', x, '<', 2)\nclaim('Three.', x, '<', 3)",
    ]
    sound = [("One.", True), ("Two.", True), ("Three.", True)]
    assert not run_faults(cells, sound)
    assert not run_faults(cells, [*sound, ("Two.", True)]), "a loop makes a claim many times"
    assert run_faults(cells, sound[:2]) == ["claims 'Three.', which never ran"]
    assert run_faults([*cells, cells[0]], sound) == ["claims 'One.' 2 times, and ran it 1 times"]
    assert run_faults(cells, [*sound, ("Four.", True)])
    assert run_faults(cells, [*sound, ("One.", False)])


@pytest.mark.parametrize("opening", ["```python", "~~~{code-block} python"])
def test_a_claim_that_is_only_shown_is_refused(opening: str) -> None:
    text = f"# A page\n\n{opening}\nclaim('It is so.', x, '<', 1)\n{opening[:3]}\n"
    _cells, faults = read_cells(text, [])
    assert faults == ["shows a claim in a block that does not run; make it a code cell"]
    assert read_cells(text.replace("claim", "print"), []) == ([], [])


def test_a_result_in_words_of_code_is_found_and_a_setting_is_not() -> None:
    """Comments and strings may repeat the numbers that the code computes with."""
    for code in ("# it reaches 0.930", "print('it reaches 93.0 %')", "f'of {x} it is 0.930'"):
        assert typed_in_code([code], [0.92973], [0.92973]), code
    for code in ("momentum = 0.93  # 0.930 is usual", "f'{x:.930f}'", "# in 1930", "# about 0.93"):
        assert not typed_in_code([code], [0.92973, 1930.0], [0.92973, 1930.0]), code


@pytest.mark.parametrize(
    "source",
    [
        "!ls",
        "files = !ls",
        "%%bash\nls",
        "%%capture\nfit()",
        "warnings.filterwarnings(action='ignore')",
        "from contextlib import redirect_stderr",
        "with suppress(Exception):\n    check.tensors.strides(answer)",
    ],
)
def test_what_hides_an_error_is_refused(source: str) -> None:
    assert len(hushed_faults([source])) == 1
    sound = (
        "warnings.filterwarnings('ignore', message='of one kind')\ncheck.tensors.strides(answer)"
    )
    assert not hushed_faults([sound, "try:\n    fit()\nexcept RuntimeError:\n    print(1)"])
