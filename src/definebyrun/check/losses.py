"""Checks answers to the exercises of the chapter on losses and activations."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from definebyrun.check.answer import WrongAnswer


def _tensor(answer: object, shape: tuple[int, ...]) -> Tensor:
    """Return the answer if it is a float32 tensor of this shape; hint otherwise."""
    if isinstance(answer, float):
        raise WrongAnswer(
            f"your function returned the number {answer:.6g}; a tensor is expected. "
            "Compute with tensors to the end, without item(), tolist() or math"
        )
    if not isinstance(answer, Tensor):
        raise WrongAnswer(
            f"your function returned {answer!r}; a tensor is expected: is there a return?"
        )
    if answer.shape != shape:
        raise WrongAnswer(
            f"your function returned shape {tuple(answer.shape)}; expected {shape}, one number: "
            "something is still to be summed or averaged"
        )
    if answer.dtype != torch.float32:
        raise WrongAnswer(
            f"your function returned {answer.dtype}; expected torch.float32, as the logits: "
            "another type only moves the cliff"
        )
    return answer.detach()


def _need_gradient(loss: Tensor, inputs: Tensor, expected: Tensor) -> None:
    """Hint when autograd cannot pass, or arrives with something else than expected."""
    if not loss.requires_grad:
        raise WrongAnswer(
            "the value is right, but autograd cannot follow: the result has no graph. "
            "Compute with tensors to the end, without item(), numpy() or math"
        )
    (gradient,) = torch.autograd.grad(loss, inputs)
    if not torch.allclose(gradient, expected, atol=1e-3):
        raise WrongAnswer(
            f"the value is right, but the gradient at {inputs.tolist()} is {gradient.tolist()}. "
            "Look for a branch that is infinite, or a number that hides a part of the input"
        )


def log_sum_exp(answer: Callable[[Tensor], Tensor]) -> None:
    """Check a stable log-sum-exp of a tensor of shape (K,).

    Args:
        answer: the reader's function.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    z = torch.tensor([0.5, -1.0, 2.0])
    value, truth = _tensor(answer(z), ()), torch.logsumexp(z, 0)
    mistakes = {
        truth - z.max(): "you subtract the largest logit, but something is never added back",
        truth.exp(): "this is the sum of the exponentials; one function is still missing",
        z.exp().mean().log(): "you average the exponentials; the definition has a sum",
        truth + z.max(): "the largest logit is added, but it was never subtracted first",
        z.sum(): "log and exp cancel when they stand next to each other: sum between the two",
        (z - z.max()).sum() + z.max(): "log and exp cancel when they stand next to each other: "
        "sum between the two",
        truth - 2 * z.max(): "the largest logit is taken away twice: after the logarithm it comes "
        "back with a plus",
        z.max(): "this is the largest logit alone: the others have no say",
    }
    _recognise(value, truth, mistakes)
    for level, remark in ((1000.0, "overflows"), (-1000.0, "underflows")):
        z = torch.tensor([level, level - 1])
        value, truth = _tensor(answer(z), ()), torch.logsumexp(z, 0)
        if not torch.isclose(value, truth):
            raise WrongAnswer(
                f"small logits are right, but for {z.tolist()} you get {value.item()}: every "
                f"exponential {remark}. Which number, subtracted first, makes the largest one 1?"
            )
    z = torch.tensor([1000.0, 999.0, 0.0], requires_grad=True)
    value = _tensor(answer(z), ())
    if not torch.isclose(value, torch.logsumexp(z.detach(), 0)):
        raise WrongAnswer(
            f"near logits are right, but for {z.tolist()} you get {value.item()}. You subtract a "
            "number, but is it the largest logit?"
        )
    _need_gradient(answer(z), z, torch.softmax(z.detach(), 0))
    print("Right: stable at both ends, and its gradient is the softmax.")


def binary_cross_entropy(answer: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Check a stable mean binary cross-entropy from logits and targets.

    Args:
        answer: the reader's function of logits and targets, both of shape (M,).

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    z, t = torch.tensor([1.5, -0.5, 2.0, -3.0]), torch.tensor([1.0, 0.0, 0.0, 0.25])
    value = _tensor(answer(z, t), ())
    truth = F.binary_cross_entropy_with_logits(z, t)
    mistakes = {
        4 * truth: "you sum over the examples; the loss is their mean",
        -truth: "the sign is turned round: a loss is never negative here",
        F.binary_cross_entropy_with_logits(z, 1 - t): "yes and no are exchanged: which term has t, "
        "and which 1 - t?",
        F.softplus(z).mean(): "the targets have no say in your loss: a term with t is missing",
        (torch.sigmoid(z) - t).square().mean(): "this is the squared error of the probabilities; "
        "where are the logarithms?",
        (F.softplus(t) - t * z).mean(): "logits and targets are exchanged: the logits come first",
        (F.softplus(-z.abs()) - t * z).mean(): "for z > 0 a part of log(1 + exp(z)) is missing: "
        "what did you pull out of the logarithm?",
        (z.clamp(min=0) - t * z + F.softplus(z.abs())).mean(): "mind the sign in the exponent: it "
        "is to be negative or zero for every z",
    }
    _recognise(value, truth, mistakes)
    for far, target in ((1000.0, 0.0), (-1000.0, 1.0), (1000.0, 1.0), (-1000.0, 0.0)):
        z, t = torch.tensor([far]), torch.tensor([target])
        value, truth = _tensor(answer(z, t), ()), F.binary_cross_entropy_with_logits(z, t)
        if not value.isfinite():
            raise WrongAnswer(
                f"moderate logits are right, but at z = {far}, t = {target} you get "
                f"{value.item()}. Which exponential overflows, or which logarithm is of zero?"
            )
        if not torch.isclose(value, truth):
            raise WrongAnswer(
                f"at z = {far}, t = {target} you get {value.item():.6g}; "
                f"expected {truth.item():.6g}. Is something clipped? That hides "
                "the trouble, and the gradient with it"
            )
    z = torch.tensor([-200.0, -1.0, 3.0, 200.0], requires_grad=True)
    t = torch.tensor([1.0, 0.0, 1.0, 0.0])
    _need_gradient(answer(z, t), z, (torch.sigmoid(z.detach()) - t) / 4)
    print("Right: finite for every logit, with the gradient (p - t) / M.")


def smoothing(answer: Callable[[Tensor, Tensor, float], Tensor]) -> None:
    """Check cross-entropy with smoothed labels.

    Args:
        answer: the reader's function of logits (M, K), class indices (M,) and epsilon.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 1.0, 3.0]])
    labels, epsilon = torch.tensor([0, 1]), 0.2
    value = _tensor(answer(logits, labels, epsilon), ())
    truth = F.cross_entropy(logits, labels, label_smoothing=epsilon)
    log_p, columns = torch.log_softmax(logits, 1), torch.log_softmax(logits, 0)
    plain, everywhere = F.nll_loss(log_p, labels), -log_p.mean()
    others = (3 * everywhere - plain) / 2  # the mean over the wrong classes alone
    mistakes = {
        plain: "this is the loss without smoothing: epsilon has no effect",
        epsilon * plain + (1 - epsilon) * everywhere: "epsilon and 1 - epsilon are exchanged",
        (1 - epsilon) * plain
        + epsilon * others: "you spread epsilon over the K - 1 wrong classes; "
        "here it is spread over all K, the right one too",
        (1 - epsilon) * plain + epsilon * 2 / 3 * others: "your q does not sum to 1: the right "
        "class gets its share of epsilon too",
        (1 - epsilon) * plain + 3 * epsilon * everywhere: "epsilon is shared among the classes: "
        "something is to be divided by K",
        2 * truth: "you sum over the examples; the loss is their mean",
        -truth: "the sign is turned round: logarithms of probabilities are negative",
        (1 - epsilon) * plain: "only the part with 1 - epsilon is there: where is the even share?",
        (1 - epsilon) * plain - epsilon * everywhere: "one part has the wrong sign: logarithms of "
        "probabilities are negative",
        (1 - epsilon) * plain + 6 * epsilon * everywhere: "the even share is a mean over the "
        "examples and over the classes; you sum over both",
        (1 - epsilon) * plain + 3 / 2 * epsilon * everywhere: "epsilon is divided by K, the number "
        "of classes, not by M, the number of examples",
        plain
        + epsilon * everywhere: "your q sums to more than 1: the right class gives up a share "
        "of epsilon first",
        (1 - epsilon) * F.nll_loss(logits, labels) - epsilon * logits.mean(): "the logits went in "
        "where logarithms of probabilities belong",
        (1 - epsilon) * F.nll_loss(columns, labels) - epsilon * columns.mean(): "each column sums "
        "to 1: the classes lie along axis 1, in the rows",
    }
    _recognise(value, truth, mistakes)
    logits = torch.tensor([[1000.0, 0.0, -1000.0]], requires_grad=True)
    labels = torch.tensor([2])
    loss = answer(logits, labels, epsilon)
    if not _tensor(loss, ()).isfinite():
        raise WrongAnswer(
            f"small logits are right, but for {logits.tolist()} you get {loss.item()}: "
            "take the logarithm on paper, as log-softmax does, not after the softmax"
        )
    smoothed = (1 - epsilon) * F.one_hot(labels, 3) + epsilon / 3
    _need_gradient(loss, logits, torch.softmax(logits.detach(), 1) - smoothed)
    print("Right: equal to PyTorch's label_smoothing, on extreme logits too.")


def _recognise(value: Tensor, truth: Tensor, mistakes: dict[Tensor, str]) -> None:
    """Raise the hint of the mistake that gives this value, or a general one if none does."""
    if torch.isclose(value, truth, atol=1e-6):
        return
    for wrong, hint in mistakes.items():
        if torch.isclose(value, wrong, atol=1e-6):
            raise WrongAnswer(hint)
    raise WrongAnswer(
        f"you get {value.item():.6g}; expected {truth.item():.6g}. "
        "Work one example by hand and compare term by term"
    )
