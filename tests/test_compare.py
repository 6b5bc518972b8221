"""McNemar's test, standard errors, and the one-cycle schedule."""

import pytest
import torch
from scipy import stats

from definebyrun.training import mcnemar, one_cycle, standard_error


def answers(both, first_only, second_only, neither):
    first = [True] * (both + first_only) + [False] * (second_only + neither)
    second = [True] * both + [False] * first_only + [True] * second_only + [False] * neither
    return torch.tensor(first), torch.tensor(second)


@pytest.mark.parametrize("counts", [(9, 1), (0, 5), (5, 0), (7, 7), (40, 61), (400, 520)])
@pytest.mark.parametrize("agreed", [(0, 0), (1000, 30)])
def test_p_is_the_two_sided_binomial_test(counts, agreed):
    """SciPy's own exact test of a fair coin; what both agree on must not matter."""
    both, neither = agreed
    result = mcnemar(*answers(both, *counts, neither))
    assert (result.first_only, result.second_only) == counts
    expected = stats.binomtest(counts[0], sum(counts)).pvalue
    assert result.p == pytest.approx(expected, rel=1e-9)


def test_p_by_hand():
    """Six to none: two of the 64 ways in which six coins can fall."""
    assert mcnemar(*answers(10, 6, 0, 2)).p == 2 / 64


def test_equal_classifiers_cannot_be_told_apart():
    first, _ = answers(10, 3, 0, 2)
    assert mcnemar(first, first).p == 1.0


def test_mcnemar_refuses_what_is_no_pair_of_answers():
    right = torch.tensor([True, False])
    with pytest.raises(ValueError, match=r"second has shape \(3,\)"):
        mcnemar(right, torch.tensor([True, False, True]))
    with pytest.raises(ValueError, match=r"dtype torch.int64"):
        mcnemar(right, torch.tensor([1, 0]))
    with pytest.raises(ValueError, match="first has shape"):
        mcnemar(right[None], right[None])


def test_standard_error_is_what_many_test_sets_show():
    generator = torch.Generator().manual_seed(0)
    right = torch.rand(20_000, 200, generator=generator) < 0.9
    spread = right.float().mean(dim=1).std().item()
    assert standard_error(0.9, 200) == pytest.approx(spread, rel=0.02)


@pytest.mark.parametrize(("accuracy", "n"), [(1.1, 10), (-0.1, 10), (0.5, 0)])
def test_standard_error_names_what_is_wrong(accuracy, n):
    with pytest.raises(ValueError, match=f"accuracy is {accuracy} and n {n}"):
        standard_error(accuracy, n)


def test_one_cycle_rises_to_one_and_falls_to_zero_without_a_jump():
    shares = torch.linspace(0, 1, 1001, dtype=torch.float64).tolist()
    factors = torch.tensor([one_cycle(share) for share in shares])
    assert factors[0] == pytest.approx(0.1)
    assert factors.argmax() == 200
    assert factors.max() == pytest.approx(1)
    assert factors[-1] == pytest.approx(0, abs=1e-12)
    assert (factors[:201].diff() > 0).all()
    assert (factors[200:].diff() < 0).all()
    assert factors.diff().abs().max() < 0.01
