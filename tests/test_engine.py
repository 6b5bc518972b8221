"""The engine built from scratch against PyTorch, on expressions that nobody chose by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from definebyrun.scratch.engine import Variable, unbroadcast

NUMBERS = st.floats(-2, 2, allow_nan=False).map(lambda x: round(x, 3))


def pair(array):
    """Return the same leaf for both engines."""
    return Variable(array), torch.tensor(np.asarray(array), dtype=torch.float64, requires_grad=True)


def assert_same(expression, *arrays, seed=None):
    """Evaluate an expression by both engines and compare its value and every gradient."""
    ours, theirs = zip(*(pair(a) for a in arrays), strict=True)
    out, expected = expression(*ours), expression(*theirs)
    assert out.value.shape == expected.shape
    np.testing.assert_allclose(out.value, expected.detach(), rtol=1e-12)
    seed = np.cos(np.arange(out.value.size)).reshape(out.value.shape) if seed is None else seed
    out.backward(seed)
    expected.backward(torch.tensor(seed))
    for mine, torchs in zip(ours, theirs, strict=True):
        assert mine.grad.shape == mine.value.shape
        np.testing.assert_allclose(mine.grad, torchs.grad, rtol=1e-10, atol=1e-12)


UNARY = {
    "exp": lambda x: (x * 0.3).exp(),
    "log": lambda x: (x * x + 0.5).log(),
    "tanh": lambda x: x.tanh(),
    "relu": lambda x: x.relu(),
    "neg": lambda x: -x,
    "cube": lambda x: x**3,
    "twice": lambda x: x + x,  # a diamond
    "constant": lambda x: 1.5 - 2.0 * x / 4.0 + 1 / (x * x + 1),
    "sum": lambda x: x.sum(),
    "mean": lambda x: x.mean(),
    "flat": lambda x: x.reshape(-1),
}
BINARY = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / (y * y + 0.5),
    "pow": lambda x, y: (x * x + 0.5) ** y.tanh(),
}


def draw_step(data, pool):
    """Draw one more operation on what is there, valid for the shapes."""
    x, t = data.draw(st.sampled_from(pool), label="operand")
    if t.ndim and data.draw(st.booleans(), label="along an axis"):
        axis = data.draw(st.integers(-t.ndim, t.ndim - 1), label="axis")
        kept = data.draw(st.booleans(), label="keepdims")
        return x.sum(axis, kept), t.sum(axis, kept)
    if t.ndim and data.draw(st.booleans(), label="index"):
        index = data.draw(hnp.basic_indices(tuple(t.shape), allow_newaxis=True), label="index")
        if all(getattr(part, "step", 1) in (None, 1) for part in np.atleast_1d(index)):
            return x[index], t[index]
    if data.draw(st.booleans(), label="binary"):
        partners = [p for p in pool if broadcastable(p[1].shape, t.shape)]
        y, u = data.draw(st.sampled_from(partners), label="partner")
        operation = BINARY[data.draw(st.sampled_from(sorted(BINARY)), label="operation")]
        return operation(x, y), operation(t, u)
    operation = UNARY[data.draw(st.sampled_from(sorted(UNARY)), label="operation")]
    return operation(x), operation(t)


def broadcastable(*shapes):
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True


@settings(max_examples=150, deadline=None)
@given(data=st.data())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the mean of nothing
def test_random_expressions_have_pytorchs_values_and_gradients(data):
    """Random graphs with shared parts, random broadcastable shapes, empty arrays among them."""
    shapes = data.draw(
        hnp.mutually_broadcastable_shapes(num_shapes=3, min_side=0, max_side=3, max_dims=3)
    )
    leaves = [
        pair(data.draw(hnp.arrays(np.float64, shape, elements=NUMBERS)))
        for shape in shapes.input_shapes
    ]
    pool = list(leaves)
    for _ in range(data.draw(st.integers(1, 8), label="operations")):
        pool.append(draw_step(data, pool))
    out, expected = pool[-1]
    seed = data.draw(hnp.arrays(np.float64, tuple(expected.shape), elements=NUMBERS))
    # A path of operations may leave the range of floats; then both must agree that it does.
    np.testing.assert_allclose(out.value, expected.detach(), rtol=1e-9, atol=1e-9)
    out.backward(seed)
    gradients = torch.autograd.grad(
        expected, [t for _, t in leaves], torch.tensor(seed), allow_unused=True
    )
    for (leaf, t), gradient in zip(leaves, gradients, strict=True):
        truth = (torch.zeros_like(t) if gradient is None else gradient).numpy()
        if np.abs(truth).max(initial=0) < 1e100:
            np.testing.assert_allclose(leaf.grad, truth, rtol=1e-8, atol=1e-8)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_matmul_agrees_for_vectors_matrices_and_batches(data):
    """Every pair of shapes that NumPy multiplies, 1-D operands and broadcast batches included."""
    shapes = data.draw(
        hnp.mutually_broadcastable_shapes(
            signature=np.matmul.signature, max_dims=2, max_side=3, min_side=0
        )
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 100)))
    assert_same(lambda x, y: x @ y, *(rng.normal(size=shape) for shape in shapes.input_shapes))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((), ()),
        ((), (3,)),
        ((1,), (3,)),
        ((3, 1), (1, 4)),
        ((2, 1, 3), (4, 1)),
        ((1, 1, 1), ()),
        ((0,), (1,)),
        ((0, 3), (3,)),
        ((2, 0), (2, 1)),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", BINARY)
def test_awkward_broadcasts_collect_the_gradient_in_the_operands_shape(name, left, right):
    rng = np.random.default_rng(0)
    for shapes in [(left, right), (right, left)]:
        assert_same(BINARY[name], *(rng.normal(size=shape) for shape in shapes))


@pytest.mark.parametrize(
    "expression",
    [
        lambda x: np.arange(3.0) + x,
        lambda x: np.arange(3.0) - x,
        lambda x: np.arange(3.0) * x,
        lambda x: np.arange(3.0) / x,
        lambda x: np.arange(1.0, 4.0) ** x,
        lambda x: np.arange(6.0).reshape(2, 3) @ x,
        lambda x: np.arange(3.0) @ x,
        lambda x: np.float64(2.0) * x,
        lambda x: 2 - x,
        lambda x: 2 / x,
        lambda x: 2**x,
    ],
)
def test_arrays_and_numbers_may_stand_on_the_left(expression):
    """NumPy must leave the operation to the variable instead of making an array of objects."""
    x = Variable([0.5, 1.5, 2.5])
    out = expression(x)
    assert isinstance(out, Variable)
    out.backward(np.ones(out.value.shape))
    step = 1e-6
    for i in range(3):
        move = step * np.eye(3)[i]
        slope = (expression(x.value + move) - expression(x.value - move)).sum() / (2 * step)
        assert x.grad[i] == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        slice(None, None, 2),
        (slice(None), 1),
        ([0, 0, 1],),
        ([0, 1, 1], [2, 2, 2]),
        None,
        ...,
    ],
    ids=str,
)
def test_indexing_collects_every_use_of_an_element(index):
    assert_same(lambda x: x[index], np.arange(12.0).reshape(3, 4))


def test_a_mask_picks_and_gives_back():
    mask = np.array([True, False, True])
    assert_same(lambda x: x[mask if isinstance(x, Variable) else torch.tensor(mask)], np.ones(3))


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (-1, 0)], ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_sums_and_means_over_axes(axis, keepdims):
    array = np.random.default_rng(1).normal(size=(2, 3, 4))
    for name in ("sum", "mean"):
        assert_same(lambda x, name=name: getattr(x, name)(axis, keepdims), array)


def test_a_diamond_adds_up_both_ways():
    """x reaches the result by two paths; a walk that visits x too early loses one of them."""
    x = Variable(3.0)
    a = x * x
    b = a * 2.0 + a.exp() * x
    b.backward()
    assert x.grad == pytest.approx(12 + np.exp(9) * (1 + 2 * 9))


def test_many_diamonds_in_a_row_are_walked_once():
    """Sixty doublings have 2^60 paths; a walk by paths would never end."""
    x = Variable(1.0)
    y = x
    for _ in range(60):
        y = y + y
    y.backward()
    assert x.grad == 2.0**60


def test_a_graph_of_ten_thousand_operations_needs_no_recursion():
    """Deeper than Python's recursion limit, forward, backward and when it is thrown away."""
    x = Variable(0.5)
    y = x
    for _ in range(10_000):
        y = y * 1.0001
    y.backward()
    assert x.grad == pytest.approx(1.0001**10_000, rel=1e-9)
    del y
    assert x.grad != 0


def test_gradients_accumulate_over_calls_of_backward():
    """The second call adds the same amount, also where an intermediate result kept its own."""
    x = Variable([1.0, 2.0])
    y = (x * x).sum() * 3.0
    y.backward()
    y.backward()
    np.testing.assert_allclose(x.grad, 2 * 6 * x.value)


def test_a_gradient_is_not_shared_with_the_seed_or_another_variable():
    x, y = Variable([1.0, 2.0]), Variable([3.0, 4.0])
    seed = np.ones(2)
    (x + y).backward(seed)
    x.grad += 5
    np.testing.assert_array_equal(seed, 1)
    np.testing.assert_array_equal(y.grad, 1)


def test_backward_without_a_seed_needs_one_number():
    with pytest.raises(ValueError, match=r"shape \(2,\) needs a seed"):
        (Variable([1.0, 2.0]) * 2).backward()
    x = Variable([[3.0]])
    (x * x).backward()
    np.testing.assert_array_equal(x.grad, [[6.0]])


def test_a_seed_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"seed has shape \(3,\); expected \(2,\)"):
        Variable([1.0, 2.0]).backward(np.ones(3))


@pytest.mark.parametrize("point", [-1.0, 0.0, 2.0])
def test_slopes_at_special_points_are_pytorchs(point):
    """The kink of relu; zero to the power of zero, one and two."""
    assert_same(lambda x: x.relu(), np.array(point))
    for power in (0, 1, 2):
        assert_same(lambda x, power=power: x**power, np.array(point))


def test_finite_differences_agree_on_a_small_network():
    """An independent truth that shares no code with either engine."""
    rng = np.random.default_rng(2)
    x, w, b = (rng.normal(size=shape) for shape in [(5, 2), (2, 3), (3,)])

    def loss(w, b):
        return ((x @ w + b).tanh() ** 2).mean()

    weights, bias = Variable(w), Variable(b)
    loss(weights, bias).backward()
    for parameter, grad in [(w, weights.grad), (b, bias.grad)]:
        for position in np.ndindex(parameter.shape):
            kept, values = parameter[position], []
            for step in (1e-5, -1e-5):
                parameter[position] = kept + step
                values.append(loss(Variable(w), Variable(b)).value)
            parameter[position] = kept
            assert grad[position] == pytest.approx((values[0] - values[1]) / 2e-5, abs=1e-8)


def test_a_value_cannot_be_changed_behind_the_back_of_a_rule():
    """With values held by reference, x.value *= 10 before backward gave 0.05 in silence."""
    x = Variable(2.0)
    y = x.log().sum()
    with pytest.raises(ValueError, match="read-only"):
        x.value *= 10
    rows = Variable(np.ones((2, 3)))
    for result in (rows, rows * 2, rows.reshape(6), rows[0], rows.sum(0)):
        with pytest.raises(ValueError, match="read-only"):
            result.value[0] = 5
    y.backward()
    assert x.grad == 0.5


def test_the_array_that_a_variable_was_made_from_stays_the_callers():
    """It can be written to, and that changes nothing in the variable."""
    array = np.ones(3)
    x = Variable(array)
    y = (x * x).sum()
    array *= 7
    y.backward()
    np.testing.assert_array_equal(x.grad, [2, 2, 2])


@pytest.mark.parametrize("name", [*UNARY, *BINARY])
def test_a_leaf_may_get_a_new_value_before_backward(name):
    """Each rule keeps the value that it was computed with, not the variable."""
    start, other = np.array([0.5, 1.5]), np.array([0.25, 2.0])
    x, t = pair(start)
    y, u = pair(other)
    if name in UNARY:
        out, expected = UNARY[name](x), UNARY[name](t)
    else:
        out, expected = BINARY[name](x, y), BINARY[name](t, u)
    x.value = x.value + 10
    y.value = y.value - 5
    out.backward(np.ones(out.shape))
    expected.sum().backward()
    np.testing.assert_allclose(x.grad, t.grad, rtol=1e-12)


def test_a_sum_of_a_thousand_leaves_is_walked_in_a_moment():
    """All of them wait at once, and the newest must be found among them each time."""
    leaves = [Variable(float(i)) for i in range(1000)]
    total = leaves[0] * leaves[0]
    for leaf in leaves[1:]:
        total = total + leaf * leaf
    total.backward()
    assert [float(leaf.grad) for leaf in leaves] == [2.0 * i for i in range(1000)]


def test_unbroadcast_undoes_a_stretch():
    np.testing.assert_array_equal(unbroadcast(np.ones((2, 3, 4)), (3, 1)), np.full((3, 1), 8.0))
    assert unbroadcast(np.ones((2, 3)), ()).shape == ()


def test_a_variable_explains_itself():
    x = Variable([1.0, 2.0])
    (x * x).sum().backward()
    assert repr(x) == "Variable([1., 2.], grad=[2., 4.])"
