"""The perceptron keeps to its theorem: it finds a line where there is one, and soon enough."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Perceptron

from definebyrun.scratch.perceptron import fires, learn_perceptron

CORNERS = torch.tensor(list(itertools.product((0.0, 1.0), repeat=2)), dtype=torch.float64)


@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(2, 40))
def test_corrections_stay_under_the_bound_of_the_convergence_theorem(seed, n, m):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(m, n, dtype=torch.float64, generator=generator)
    truth = torch.randn(n + 1, dtype=torch.float64, generator=generator)
    inputs = torch.cat([x, torch.ones(m, 1, dtype=torch.float64)], dim=1)
    score = inputs @ truth / truth.norm()
    far = score.abs() > 0.1  # points near the line would only make the bound large
    if not far.any():
        return
    x, y = x[far], (score[far] > 0).double()
    learned = learn_perceptron(x, y, passes=10**6)
    longest, margin = inputs[far].norm(dim=1).max(), score[far].abs().min()
    assert len(learned.weights) - 1 <= (longest / margin) ** 2
    assert learned.mistakes[-1] == 0
    assert torch.equal(fires(x, learned.weights[-1]), y)


@pytest.mark.parametrize("table", list(itertools.product((0, 1), repeat=4)))
def test_of_sixteen_truth_tables_only_xor_and_its_opposite_are_not_learned(table):
    """A known count: 14 of the 16 functions of two bits are linearly separable."""
    learned = learn_perceptron(CORNERS, torch.tensor(table), passes=100)
    assert (learned.mistakes[-1] == 0) == (table not in ((0, 1, 1, 0), (1, 0, 0, 1)))


def test_every_correction_is_counted_and_kept():
    learned = learn_perceptron(CORNERS, torch.tensor([0, 1, 1, 0]), passes=7)
    assert len(learned.mistakes) == 7
    assert learned.weights.shape == (sum(learned.mistakes) + 1, 3)
    assert not learned.weights[0].any()


def test_it_makes_the_corrections_of_scikit_learn():
    """Both begin at zero; there the library corrects every point, so the first one is to fire."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(60, 2, dtype=torch.float64, generator=generator)
    y = (x @ torch.tensor([1.0, -2.0], dtype=torch.float64) > 0.3).long()
    order = y.argsort(descending=True, stable=True)[:1]
    x, y = torch.cat([x[order], x]), torch.cat([y[order], y])
    ours = learn_perceptron(x, y, passes=3)
    theirs = Perceptron(max_iter=3, tol=None, shuffle=False).fit(x.numpy(), y.numpy())
    expected = torch.tensor([*theirs.coef_[0], *theirs.intercept_], dtype=torch.float64)
    torch.testing.assert_close(ours.weights[-1], expected)


@pytest.mark.parametrize(
    ("x", "y", "passes", "named"),
    [
        (torch.ones(3), torch.ones(3), 1, "x is"),
        (torch.ones(3, 2, dtype=torch.int64), torch.ones(3), 1, "x is"),
        (torch.ones(0, 2), torch.ones(0), 1, "x is"),
        (torch.tensor([[float("nan")]]), torch.ones(1), 1, "x holds"),
        (torch.ones(3, 2), torch.ones(2), 1, "y has shape"),
        (torch.ones(3, 2), torch.tensor([1, -1, 1]), 1, "y holds -1"),
        (torch.ones(3, 2), torch.ones(3), 0, "passes is 0"),
    ],
)
def test_what_it_cannot_use_is_named(x, y, passes, named):
    with pytest.raises(ValueError, match=named):
        learn_perceptron(x, y, passes)
