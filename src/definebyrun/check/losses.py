"""Checks answers to the exercises of the chapter on losses and activations."""

import functools
import math
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from definebyrun.check.answer import WrongAnswer
from definebyrun.check.run import Rules, compare, gradient, run
from definebyrun.scratch import losses as ready

FOLLOW = (
    "Look for a branch that is infinite, or a number that hides a part of the input from autograd."
)


def log_sum_exp(answer: Callable[[Tensor], Tensor]) -> None:
    """Check a stable log-sum-exp of a tensor of shape (K,).

    Args:
        answer: the reader's function.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    rules = Rules(
        forbid=dict.fromkeys(
            ("*logsumexp", "logaddexp*", "*softm*", "*cross_entropy*"),
            "The exercise asks for the function behind it: write it with exp, sum and log.",
        )
    )
    answer = _own(answer)
    z = torch.tensor([0.5, -1.0, 2.0])
    truth = torch.logsumexp(z, 0)
    beside = "Log and exp cancel when they stand next to each other: sum between the two."
    run(
        answer,
        z,
        truth=truth,
        rules=rules,
        mistakes={
            "You subtract the largest logit, but something is never added back.": truth - z.max(),
            "This is the sum of the exponentials; one function is still missing.": truth.exp(),
            "You average the exponentials; the definition has a sum.": z.exp().mean().log(),
            "The largest logit is added, but it was never subtracted first.": truth + z.max(),
            beside: z.sum(),
            beside + " (The shift does not help.)": (z - z.max()).sum() + z.max(),
            "The largest logit is taken away twice: after the logarithm it comes back with a "
            "plus.": truth - 2 * z.max(),
            "This is the largest logit alone: the others have no say.": z.max(),
        },
        look="Work one example by hand and compare term by term.",
        shapes={
            (3,): "Something is still to be summed.",
            (1,): "Leave no axis: sum without keepdim.",
        },
        dtype=torch.float32,
    )
    for level, remark in ((1000.0, "overflows"), (-1000.0, "underflows")):
        z = torch.tensor([level, level - 1])
        hint = (
            f"Small logits are right, but here every exponential {remark}. Which number, "
            "subtracted first, makes the largest one 1?"
        )
        run(
            answer,
            z,
            truth=torch.logsumexp(z, 0),
            rules=rules,
            look=hint,
            not_finite=hint,
            tolerance=1e-3,
            case=f"{z.tolist()}",
        )
    z = torch.tensor([1000.0, 999.0, 0.0])
    far = "Near logits are right. You subtract a number, but is it the largest logit?"
    run(
        answer,
        z,
        truth=torch.logsumexp(z, 0),
        rules=rules,
        look=far,
        not_finite=far,
        tolerance=1e-3,
        case=f"{z.tolist()}",
    )
    _same_gradient(answer, z, truth=torch.softmax(z, 0), rules=rules)
    print("Right: stable at both ends, and its gradient is the softmax.")


def binary_cross_entropy(answer: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Check a stable mean binary cross-entropy from logits and targets.

    Args:
        answer: the reader's function of logits and targets, both of shape (M,).

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    rules = Rules(
        forbid=dict.fromkeys(
            ("*cross_entropy*", "*_loss", "kl_div"),
            "The exercise asks for the loss itself, without one of PyTorch's.",
        )
        | dict.fromkeys(
            ("*softplus*", "*log*sigmoid*", "logaddexp*", "*logsumexp*", "*log_softmax*"),
            "The exercise asks for the form behind it: log(1 + exp(z)) is the log-sum-exp of 0 and "
            "z. Shift it by the larger of the two, detached.",
        )
    )
    answer = _own(answer)
    z, t = torch.tensor([1.5, -0.5, 2.0, -3.0]), torch.tensor([1.0, 0.0, 0.0, 0.25])
    truth = F.binary_cross_entropy_with_logits(z, t)
    run(
        answer,
        z,
        t,
        truth=truth,
        rules=rules,
        mistakes={
            "You sum over the examples; the loss is their mean.": 4 * truth,
            "The sign is turned round: a loss is never negative here.": -truth,
            "Yes and no are exchanged: which term has y, and which "
            "1 - y?": F.binary_cross_entropy_with_logits(z, 1 - t),
            "The targets have no say in your loss: a term with y is missing.": F.softplus(z).mean(),
            "This is the squared error of the probabilities; where are the logarithms?": (
                torch.sigmoid(z) - t
            )
            .square()
            .mean(),
            "Logits and targets are exchanged: the logits come first.": (
                F.softplus(t) - t * z
            ).mean(),
            "For z > 0 a part of log(1 + exp(z)) is missing: what did you pull out of the "
            "logarithm?": (F.softplus(-z.abs()) - t * z).mean(),
            "Mind the sign in the exponent: it is to be negative or zero for every z.": (
                z.clamp(min=0) - t * z + F.softplus(z.abs())
            ).mean(),
        },
        look="Work one example by hand and compare term by term.",
        shapes={(4,): "Something is still to be averaged."},
        dtype=torch.float32,
    )
    for far, target in ((1000.0, 0.0), (-1000.0, 1.0), (1000.0, 1.0), (-1000.0, 0.0)):
        z, t = torch.tensor([far]), torch.tensor([target])
        run(
            answer,
            z,
            t,
            truth=F.binary_cross_entropy_with_logits(z, t),
            rules=rules,
            look="Is something clipped? That hides the trouble, and the gradient with it.",
            not_finite="Moderate logits are right. Which exponential overflows, or which logarithm "
            "is of zero?",
            tolerance=1e-3,
            case=f"z = {far}, y = {target}",
        )
    z = torch.tensor([-200.0, -1.0, 3.0, 200.0])
    t = torch.tensor([1.0, 0.0, 1.0, 0.0])
    _same_gradient(answer, z, t, truth=(torch.sigmoid(z) - t) / 4, rules=rules)
    _same_slope_at_zero(answer, rules)
    print("Right: finite for logits of any usual size, with the gradient (p - y) / M.")


def poisson(answer: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Check the mean negative log-likelihood of counts, from the logarithms of their rates.

    Args:
        answer: the reader's function of log-rates and counts, both of shape (M,), which leaves
            out what does not depend on the log-rates.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    rules = Rules(
        forbid=dict.fromkeys(
            ("*_loss", "kl_div", "log_prob", "*xlogy*"),
            "The exercise asks for the loss itself, without one of PyTorch's.",
        )
    )
    z, y = torch.tensor([0.5, -1.0, 2.0, 1.0]), torch.tensor([1.0, 0.0, 5.0, 3.0])
    truth = F.poisson_nll_loss(z, y)
    factorials = torch.lgamma(y + 1)
    run(
        answer,
        z,
        y,
        truth=truth,
        rules=rules,
        mistakes={
            "You sum over the examples; the loss is their mean.": 4 * truth,
            "The sign is turned round: the loss is MINUS the logarithm.": -truth,
            "log y! does not depend on z and pulls at nothing: leave it out.": truth
            + factorials.mean(),
            "log y! does not depend on z: leave it out. And the loss is MINUS the "
            "logarithm.": -truth - factorials.mean(),
            "The counts have no say in your loss: a term with y is missing.": z.exp().mean(),
            "Only the part with y is there: what became of exp(-rate)?": -(y * z).mean(),
            "Log-rates and counts are exchanged: the log-rates come first.": (
                y.exp() - y * z
            ).mean(),
            "This is the gradient, said minus right; the exercise asks for the loss.": (
                z.exp() - y
            ).mean(),
            "This is the squared error: no count is normal.": (z.exp() - y).square().mean(),
            "This is the binary cross-entropy: a count can be more than 1.": (
                F.softplus(z) - y * z
            ).mean(),
            "This is the likelihood itself; its logarithm is missing.": (
                (y * z - z.exp() - factorials).exp().mean()
            ),
        },
        look="Take the logarithm of one probability by hand and compare term by term.",
        not_finite="z may be negative: it is the logarithm of the rate already.",
        shapes={(4,): "Something is still to be averaged."},
        dtype=torch.float32,
    )
    z, y = torch.tensor([-1000.0, -200.0]), torch.tensor([0.0, 3.0])
    deep = (
        "Moderate rates are right. Here exp(z) is rounded to 0: the logarithm of the rate is z "
        "itself, on paper."
    )
    run(
        answer,
        z,
        y,
        truth=F.poisson_nll_loss(z, y),
        rules=rules,
        look=deep,
        not_finite=deep,
        tolerance=1e-3,
        case=f"z = {z.tolist()}, y = {y.tolist()}",
    )
    z, y = torch.tensor([0.5, -1.0, 2.0, -200.0]), torch.tensor([1.0, 0.0, 5.0, 3.0])
    _same_gradient(answer, z, y, truth=(z.exp() - y) / 4, rules=rules)
    print("Right: minus the log-likelihood of a count, with the gradient (exp(z) - y) / M.")


def normal(answer: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
    """Check the mean negative log-likelihood of a normal distribution, mean and width both said.

    Args:
        answer: the reader's function of predictions, logarithms of standard deviations and
            targets, all of shape (M,), which leaves out the constant.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    rules = Rules(
        forbid=dict.fromkeys(
            ("*_loss", "kl_div"),
            "The exercise asks for the loss itself, without one of PyTorch's.",
        )
    )
    m, r, y = (
        torch.tensor([0.5, -1.0, 2.0, 1.0]),
        torch.tensor([0.0, -0.5, 1.0, 0.25]),
        torch.tensor([1.5, -1.25, 5.0, 0.5]),
    )
    part = 0.5 * ((m - y) / r.exp()).square()
    truth = (r + part).mean()
    constant = 0.5 * math.log(2 * math.pi)
    run(
        answer,
        m,
        r,
        y,
        truth=truth,
        rules=rules,
        mistakes={
            "You sum over the examples; the loss is their mean.": 4 * truth,
            "The sign is turned round: the loss is MINUS the logarithm.": -truth,
            "The constant log sqrt(2 pi) pulls at nothing: leave it out.": truth + constant,
            "Minus log(1/s) is + log s, and log s is r: that term is missing, and a huge s would "
            "cost nothing.": part.mean(),
            "Minus log(1/s) is + log s: your r has the wrong sign.": (part - r).mean(),
            "r is the logarithm of the standard deviation, not of the variance.": (
                r / 2 + 0.5 * (m - y).square() * (-r).exp()
            ).mean(),
            "The square of s is exp(2 r): you divide the squared miss by exp(r).": (
                r + 0.5 * (m - y).square() * (-r).exp()
            ).mean(),
            "A larger s makes a miss cheaper: mind the sign of r in the exponent.": (
                r + 0.5 * (m - y).square() * (2 * r).exp()
            ).mean(),
            "The factor 1/2 of the exponent is lost.": (r + 2 * part).mean(),
            "The width has no say in your loss: this is the squared error.": (
                0.5 * (m - y).square().mean()
            ),
        },
        look="Take the logarithm of one density by hand and compare term by term.",
        not_finite="r may be negative or 0: it is the logarithm of the standard deviation already.",
        shapes={(4,): "Something is still to be averaged."},
        dtype=torch.float32,
    )
    miss = (m - y) * (-2 * r).exp()
    _same_gradient(answer, m, r, y, truth=miss / 4, rules=rules)
    by_width = functools.wraps(answer)(lambda r, m, y: answer(m, r, y))
    _same_gradient(by_width, r, m, y, truth=(1 - miss * (m - y)) / 4, rules=rules)
    print("Right: minus the log-likelihood of a normal number, with its width.")


def smoothing(answer: Callable[[Tensor, Tensor, float], Tensor]) -> None:
    """Check cross-entropy with smoothed labels.

    Args:
        answer: the reader's function of logits (M, K), class indices (M,) and epsilon.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 1.0, 3.0]])
    labels, epsilon = torch.tensor([0, 1]), 0.2
    truth = F.cross_entropy(logits, labels, label_smoothing=epsilon)
    log_p, columns = torch.log_softmax(logits, 1), torch.log_softmax(logits, 0)
    plain, everywhere = F.nll_loss(log_p, labels), -log_p.mean()
    others = (3 * everywhere - plain) / 2  # the mean over the wrong classes alone
    share = 1 - epsilon
    rules = Rules(
        forbid=dict.fromkeys(
            ("one_hot", "eye", "scatter*"),
            "The exercise asks for an answer without one-hot vectors.",
        )
        | {
            "cross_entropy*": "It could do it all by itself: begin with a log-softmax instead.",
        },
        errors={
            "out of bounds": "An index runs along the wrong axis: the classes lie along axis 1.",
            "must match the size": "One part has a number an example, the other one a class. "
            "Average each part until one number is left.",
        },
    )
    run(
        answer,
        logits,
        labels,
        epsilon,
        truth=truth,
        rules=rules,
        mistakes={
            "This is the loss without smoothing: epsilon has no effect.": plain,
            "Epsilon and 1 - epsilon are exchanged.": epsilon * plain + share * everywhere,
            "You spread epsilon over the K - 1 wrong classes; here it is spread over all K, the "
            "right one too.": share * plain + epsilon * others,
            "Your q does not sum to 1: the right class gets its share of epsilon too.": share
            * plain
            + epsilon * 2 / 3 * others,
            "Epsilon is shared among the classes: something is to be divided by K.": share * plain
            + 3 * epsilon * everywhere,
            "You sum over the examples; the loss is their mean.": 2 * truth,
            "The sign is turned round: logarithms of probabilities are negative.": -truth,
            "Only the part with 1 - epsilon is there: where is the even share?": share * plain,
            "One part has the wrong sign: logarithms of probabilities are negative.": share * plain
            - epsilon * everywhere,
            "The even share is a mean over the examples and over the classes; you sum over "
            "both.": share * plain + 6 * epsilon * everywhere,
            "Epsilon is divided by K, the number of classes, not by M, the number of "
            "examples.": share * plain + 3 / 2 * epsilon * everywhere,
            "Your q sums to more than 1: the right class gives up a share of epsilon first.": plain
            + epsilon * everywhere,
            "The logits went in where logarithms of probabilities belong.": share
            * F.nll_loss(logits, labels)
            - epsilon * logits.mean(),
            "Each column sums to 1: the classes lie along axis 1, in the rows.": share
            * F.nll_loss(columns, labels)
            - epsilon * columns.mean(),
        },
        look="Work one example by hand and compare term by term.",
        shapes={(2,): "Something is still to be averaged."},
        dtype=torch.float32,
    )
    logits, labels = torch.tensor([[1000.0, 0.0, -1000.0]]), torch.tensor([2])
    run(
        answer,
        logits,
        labels,
        epsilon,
        truth=F.cross_entropy(logits, labels, label_smoothing=epsilon),
        rules=rules,
        look="Small logits are right. Is something clipped?",
        not_finite="Small logits are right. Take the logarithm on paper, as log-softmax does, not "
        "after the softmax.",
        tolerance=1e-2,
        case=f"{logits.tolist()}",
    )
    smoothed = share * F.one_hot(labels, 3) + epsilon / 3
    slope = torch.softmax(logits, 1) - smoothed
    _same_gradient(answer, logits, labels, epsilon, truth=slope, rules=rules)
    print("Right: equal to PyTorch's label_smoothing, on extreme logits too.")


def one_logit(answer: Callable[[Tensor], Tensor]) -> None:
    """Check a function that turns two logits into the one that a sigmoid needs.

    Args:
        answer: takes logits of shape (M, 2) and returns one logit each, shape (M,), whose
            sigmoid is the softmax probability of class 1.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    logits = torch.tensor([[0.5, 2.0], [1.5, -1.0], [0.75, 0.25], [-3.0, -2.5]])
    run(
        answer,
        logits,
        truth=logits[:, 1] - logits[:, 0],
        mistakes={
            "The sign is turned round: the sigmoid of yours is the probability of class 0.": logits[
                :, 0
            ]
            - logits[:, 1],
            "This is the probability itself; the logit is what stands before the "
            "sigmoid.": torch.softmax(logits, 1)[:, 1],
            "This is the logit of class 1 alone: it takes two to make a softmax.": logits[:, 1],
            "This is the logarithm of the probability, log p. A logit is log p - log(1 - "
            "p).": torch.log_softmax(logits, 1)[:, 1],
            "You divide one logit by the other; probabilities are divided, logits "
            "subtracted.": logits[:, 1] / logits[:, 0],
        },
        look="Compare torch.sigmoid(result) with torch.softmax(logits, 1)[:, 1].",
        shapes={
            (4, 2): "One logit for each example is asked for.",
            (4, 1): "Leave the axis of the classes out.",
            (2,): "You subtract examples. The classes lie along axis 1.",
            (): "One logit for EACH example is asked for.",
        },
    )
    extreme = torch.tensor([[0.0, 1000.0], [1000.0, -1000.0]])
    lost = "Small logits are right. Subtract on paper: no exponential and no logarithm are left."
    run(
        answer,
        extreme,
        truth=torch.tensor([1000.0, -2000.0]),
        look=lost,
        not_finite=lost,
        tolerance=1e-2,
        case=f"{extreme.tolist()}",
    )
    print("Right: the sigmoid of your logit is the softmax probability of class 1.")


def weight_gradient(answer: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
    """Check the gradient of binary cross-entropy in the weights of a model with two features.

    Args:
        answer: takes w of shape (3,), x of shape (M, 2) and y of shape (M,), and returns the
            gradient in w, shape (3,), without autograd.

    Raises:
        WrongAnswer: it is not right yet; the text is a hint.
    """
    rules = Rules(
        forbid={
            "*cross_entropy*": "Differentiate on paper: no loss is needed.",
            "grad": "Differentiate on paper, without autograd.",
            "backward": "Differentiate on paper, without autograd.",
        }
    )
    w = torch.tensor([0.2, -1.0, 0.5], dtype=torch.float64)
    x = torch.tensor([[1.0, 2.0], [-0.5, 0.5], [3.0, -1.0], [0.0, 1.5]], dtype=torch.float64)
    y = torch.tensor([1.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    features = torch.cat([torch.ones(4, 1, dtype=torch.float64), x], dim=1)
    z = features @ w
    miss = torch.sigmoid(z) - y
    truth = features.T @ miss / 4
    squared = features.T @ (2 * miss * torch.sigmoid(z) * (1 - torch.sigmoid(z))) / 4
    run(
        answer,
        w,
        x,
        y,
        truth=truth,
        rules=rules,
        mistakes={
            "This is the sum over the examples; the loss is their mean.": 4 * truth,
            "The sign: said minus right, p - y.": -truth,
            "The logit stands where the probability should: p is its sigmoid.": features.T
            @ (z - y)
            / 4,
            "This is the gradient of the squared error: with cross-entropy the factor p (1 - p) "
            "cancels.": squared,
            "Said minus right is there, but not the feature that the weight multiplies.": (
                miss.mean().repeat(3)
            ),
        },
        look="Work one example by hand: p - y, times 1 for w0 and times its two features.",
        shapes={(2,): "The gradient of w0 is missing: its feature is 1.", (4, 3): "Take the mean."},
        tolerance=1e-9,
    )
    print("Right: said minus right, times the feature, and the mean of that.")


def _own(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Return the answer, watched: it may not call the book's own losses, which need no writing."""
    if not callable(answer):
        return answer  # ``run`` says what is wrong

    @functools.wraps(answer)
    def watched(*inputs: Any) -> Any:
        before = sys.getprofile()
        sys.setprofile(_refuse_ready_made)
        try:
            return answer(*inputs)
        finally:
            sys.setprofile(before)

    return watched


def _refuse_ready_made(frame: FrameType, event: str, _: Any) -> None:
    """Stop at a call of one of the book's own losses."""
    if event == "call" and frame.f_code.co_filename == ready.__file__:
        raise WrongAnswer(
            f"Your function uses the book's own {frame.f_code.co_name}, which has done the work "
            "already. Write the answer with exp and log, and sum where there is a sum."
        )


def _same_gradient(
    answer: Callable[..., Tensor], inputs: Tensor, *rest: object, truth: Tensor, rules: Rules
) -> None:
    """Hint when autograd cannot pass, or arrives with something else than the truth."""
    found = gradient(answer, inputs, *rest, rules=rules)
    hint = f"The value is right, but the gradient is {found.tolist()}. {FOLLOW}"
    case = f"the gradient at {inputs.tolist()}"
    compare(found, truth, look=hint, not_finite=hint, tolerance=1e-3, case=case)


def _same_slope_at_zero(answer: Callable[[Tensor, Tensor], Tensor], rules: Rules) -> None:
    """Hint when the corners of max(z, 0) and |z| at z = 0 leave their mark on the gradient."""
    hint = (
        "The value is right. On paper the corners of max(z, 0) and |z| at 0 cancel, but autograd "
        "takes the slope of each alone. Shift as the softmax does: log(1 + exp(z)) is c + "
        "log(exp(-c) + exp(z - c)) for every c, so c may be the larger of 0 and z, detached. (Or "
        "take torch.maximum(z, torch.zeros_like(z)): it shares its slope between equals.)"
    )
    for target in (0.0, 1.0):
        slope = gradient(answer, torch.zeros(1), torch.tensor([target]), rules=rules)
        truth, case = torch.tensor([0.5 - target]), f"the gradient at z = 0 with y = {target:g}"
        compare(slope, truth, look=hint, not_finite=hint, tolerance=1e-3, case=case)
