"""The checkers accept right answers and give each typical mistake its own hint."""

import pytest
import torch

from definebyrun import check
from definebyrun.scratch.operations import sigmoid


def operation(save, slope, value=torch.sigmoid, pass_on=True):
    """Build an operation that saves and differentiates as told."""

    class Own(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return value(x)

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*save(inputs[0], output))

        @staticmethod
        def backward(ctx, grad_output):
            local = slope(*ctx.saved_tensors)
            return grad_output * local if pass_on else local

    return Own.apply


class WithSelf(torch.autograd.Function):
    def forward(self, x):
        return torch.sigmoid(x)

    def setup_context(self, ctx, inputs, output):
        ctx.save_for_backward(output)


class StillPacked(operation(lambda x, s: (s,), lambda s: s).__self__):
    @staticmethod
    def backward(ctx, grad_output):
        s = ctx.saved_tensors
        return grad_output * s


class SavesTheTuple(operation(lambda x, s: (s,), lambda s: s).__self__):
    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs)


class SavesOnTheContext(operation(lambda x, s: (s,), lambda s: s).__self__):
    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.s = output

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * ctx.s * (1 - ctx.s)


class SendsNothing(operation(lambda x, s: (s,), lambda s: s).__self__):
    @staticmethod
    def backward(ctx, grad_output):
        return None


class UnpacksNothing(operation(lambda x, s: (), lambda: 1).__self__):
    @staticmethod
    def backward(ctx, grad_output):
        (s,) = ctx.saved_tensors
        return grad_output * s * (1 - s)


class OldStyle(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        s = torch.sigmoid(x)
        ctx.save_for_backward(s)
        return s

    @staticmethod
    def backward(ctx, grad_output):
        (s,) = ctx.saved_tensors
        return grad_output * s * (1 - s)


def by_output(s):
    return s * (1 - s)


def output(x, s):
    return (s,)


def test_the_books_own_sigmoid_passes(capsys):
    check.autograd.sigmoid(sigmoid)
    assert capsys.readouterr().out.startswith("Right:")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (operation(output, by_output, lambda x: 1 / (1 + torch.exp(x))), "sign of x"),
        (operation(output, by_output, lambda x: torch.sigmoid(2 * x + 1)), "one half"),
        (operation(output, by_output, torch.tanh), "below 0 or above 1"),
        (torch.sigmoid, "operation of your own"),
        (OldStyle, "hand over the class"),
        (WithSelf.apply, "@staticmethod"),
        (StillPacked.apply, "is a tuple"),
        (SavesTheTuple.apply, "inputs is a tuple"),
        (SavesOnTheContext.apply, "with ctx.save_for_backward"),
        (SendsNothing.apply, "sends nothing"),
        (UnpacksNothing.apply, "finds nothing"),
        pytest.param(
            lambda x: SendsNothing(),
            "Call its apply",
            marks=pytest.mark.filterwarnings("ignore:.*should not be instantiated"),
        ),
        (lambda x: None, "end with return"),
        (operation(output, by_output, pass_on=False), "Multiply it by grad_output"),
        (operation(lambda x, s: (x,), by_output), "s is the INPUT"),
        (operation(output, lambda s: 1 - s), "on paper"),
        (operation(lambda x, s: (x,), lambda x: by_output(torch.sigmoid(x))), "keeps its input"),
        (operation(lambda x, s: (x, s), lambda x, s: by_output(s)), "its input and its output"),
        (operation(output, lambda s: by_output(s.detach())), "not the second derivative"),
        (OldStyle.apply, "setup_context"),
    ],
)
def test_a_wrong_sigmoid_gets_its_own_hint(answer, hint):
    with pytest.raises(check.WrongAnswer, match=hint):
        check.autograd.sigmoid(answer)


def rows(function, x, *, seeds=None, retain=True):
    x = x.detach().requires_grad_(True)
    out = function(x)
    return [
        torch.autograd.grad(out, x, seed, retain_graph=retain)[0]
        for seed in (torch.eye(len(out), dtype=x.dtype) if seeds is None else seeds)
    ]


def accumulated(function, x):
    x = x.clone().requires_grad_(True)
    out, found = function(x), []
    for seed in torch.eye(len(out), dtype=x.dtype):
        out.backward(seed, retain_graph=True)
        found.append(x.grad.clone())
    return torch.stack(found)


def by_differences(function, x, h=1e-5):
    columns = [
        (function(x + h * u) - function(x - h * u)) / (2 * h)
        for u in torch.eye(len(x), dtype=x.dtype)
    ]
    return torch.stack(columns, dim=1)


def of_four_outputs(function, x):
    """The Jacobian of the first function that the checker hands over, known beforehand."""
    leaf = x.clone().requires_grad_(True)
    torch.autograd.grad(function(leaf).sum(), leaf)
    a, b, c = torch.tensor([0.5, -1.5, 2.0], dtype=x.dtype)
    one, none = torch.ones_like(a), torch.zeros_like(a)
    table = [[b, a, none], [none, 2 * b, none], [one, none, c.cos()], [c, none, a]]
    return torch.stack([torch.stack(row) for row in table])


def test_a_jacobian_by_rows_passes(capsys):
    check.autograd.jacobian(lambda function, x: torch.stack(rows(function, x)))
    assert capsys.readouterr().out.startswith("Right:")


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda f, x: torch.stack(rows(f, x, retain=False)), "keeps it"),
        (lambda f, x: torch.autograd.grad(f(x).sum(), x), "does not require grad"),
        (lambda f, x: rows(f, x), "tuple with one"),
        (lambda f, x: torch.stack([(row,) for row in rows(f, x)]), "stack tuples"),
        (lambda f, x: rows(f, x, seeds=torch.eye(2, dtype=x.dtype)), "each OUTPUT"),
        (lambda f, x: None, "Is there a return"),
        (lambda f, x: torch.stack(rows(f, x.requires_grad_(True))), "changes x, .*it requires a"),
        (lambda f, x: torch.stack(rows(f, x), dim=1), "on its side"),
        (lambda f, x: rows(f, x, seeds=[torch.ones(4, dtype=x.dtype)])[0], "sum of them all"),
        (accumulated, "accumulates"),
        (lambda f, x: accumulated(f, x)[-1].expand(4, 3), "one tensor, x.grad"),
        (lambda f, x: torch.cat(rows(f, x)), "one long row"),
        (lambda f, x: torch.autograd.grad(f(x.requires_grad_(True)), x), "takes the seed"),
        (
            lambda f, x: torch.autograd.grad(f(x.requires_grad_(True)).sum(), x.clone()),
            "the very x",
        ),
        (lambda f, x: torch.func.jacrev(f)(x), "PyTorch's own Jacobian"),
        (lambda f, x: torch.func.jacfwd(f)(x), "PyTorch's own Jacobian"),
        (lambda f, x: torch.autograd.functional.jacobian(f, x), "PyTorch's own Jacobian"),
        (lambda f, x: by_differences(f, x), "no gradient was sent back"),
        (lambda f, x: of_four_outputs(f, x), "one output of two inputs"),
        (torch.eye(3), "without calling it"),
        (lambda f, x: torch.zeros(4, 3), "first row alone"),
    ],
)
def test_a_wrong_jacobian_gets_its_own_hint(answer, hint):
    with pytest.raises(check.WrongAnswer, match=hint):
        check.autograd.jacobian(answer)


def test_rows_in_one_batch_and_rows_by_backward_pass(capsys):
    def batched(function, x):
        x = x.detach().requires_grad_(True)
        out = function(x)
        seeds = torch.eye(len(out), dtype=x.dtype)
        return torch.autograd.grad(out, x, seeds, is_grads_batched=True)[0]

    def by_backward(function, x):
        found = []
        for i in range(len(function(x))):
            leaf = x.clone().requires_grad_(True)
            function(leaf)[i].backward()
            found.append(leaf.grad)
        return torch.stack(found)

    for answer in (batched, by_backward):
        check.autograd.jacobian(answer)
        assert capsys.readouterr().out.startswith("Right:")


def test_an_error_of_the_readers_own_is_not_hidden():
    def broken(function, x):
        raise RuntimeError("something else")

    with pytest.raises(check.WrongAnswer, match=r"raise Runtime.*RuntimeError: something else"):
        check.autograd.jacobian(broken)
