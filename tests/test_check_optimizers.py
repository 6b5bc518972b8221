"""The checkers of the page on optimizers accept right answers and name typical mistakes."""

from functools import partial

import pytest
import torch

from definebyrun.check import WrongAnswer, optimizers
from definebyrun.scratch import optimizers as ready


def adagrad_as_the_page(parameter, gradient, state, *, lr, eps=1e-10):
    total = state.get("total", 0) + gradient**2
    return parameter - lr * gradient / (total.sqrt() + eps), {"total": total}


def adagrad(parameter, gradient, state, lr):
    return adagrad_as_the_page(parameter, gradient, state, lr=lr)


def adam_as_the_page(parameter, gradient, state, *, lr, betas=(0.9, 0.999), eps=1e-8):
    t = state.get("t", 0) + 1
    m = betas[0] * state.get("m", 0) + (1 - betas[0]) * gradient
    s = betas[1] * state.get("s", 0) + (1 - betas[1]) * gradient**2
    root = (s / (1 - betas[1] ** t)).sqrt()
    moved = parameter - lr * m / (1 - betas[0] ** t) / (root + eps)
    return moved, {"t": t, "m": m, "s": s}


def adam(p, g, state, lr):
    m, s, t = state.get("all", (torch.zeros_like(p), torch.zeros_like(p), 0))
    t, m, s = t + 1, m.lerp(g, 0.1), s.lerp(g * g, 0.001)
    moved = p - lr * (m / (1 - 0.9**t)) / (torch.sqrt(s / (1 - 0.999**t)) + 1e-8)
    return moved, {"all": (m, s, t)}


RIGHT = [
    (optimizers.adagrad, adagrad_as_the_page, torch.optim.Adagrad),
    (optimizers.adagrad, adagrad, torch.optim.Adagrad),
    (optimizers.adam, adam_as_the_page, torch.optim.Adam),
    (optimizers.adam, adam, torch.optim.Adam),
]


@pytest.mark.parametrize(("checker", "rule", "library"), RIGHT)
def test_right_answers_pass_and_equal_pytorch(checker, rule, library, capsys):
    checker(rule)
    assert capsys.readouterr().out.startswith("Right")
    ours, state = torch.ones(3, dtype=torch.float64), {}
    theirs = torch.nn.Parameter(ours.clone())
    optimizer = library([theirs], lr=0.1)
    for gradient in torch.randn(20, 3, dtype=torch.float64):
        ours, state = rule(ours, gradient, state, lr=0.1)
        theirs.grad = gradient.clone()
        optimizer.step()
    torch.testing.assert_close(ours, theirs.detach())


def summed(divide):
    """Make a rule of Adagrad's form that divides in a way of its own."""

    def rule(p, g, s, lr):
        total, count = s.get("t", 0) + g**2, s.get("n", 0) + 1
        return p - lr * g / divide(total, count, s.get("t", 0 * g)), {"t": total, "n": count}

    return rule


def root_mean_square(p, g, s, lr):
    square = 0.99 * s.get("t", 0) + 0.01 * g**2
    return p - lr * g / (square.sqrt() + 1e-10), {"t": square}


def in_a_global():
    kept = {}

    def rule(p, g, s, lr):
        moved, new = adagrad(p, g, kept, lr)
        kept.update(new)
        return moved, {}

    return rule


def fixed_rate(p, g, s, lr):
    return adagrad(p, g, s, 0.1)


def torch_inside(p, g, s, lr):
    w = torch.nn.Parameter(p.clone())
    optimizer = torch.optim.Adagrad([w], lr=lr)
    w.grad = g
    optimizer.step()
    return w.detach(), {}


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda p, g, s, lr: (p - lr * g, s), "plain"),
        (lambda p, g, s, lr: (p + lr * g / (g.abs() + 1e-10), s), "against"),
        (lambda p, g, s, lr: (lr * g / (g.abs() + 1e-10), s), "moved parameter"),
        (lambda p, g, s, lr: (p - lr * g / (g.abs() + 1e-10), {}), "state"),
        (summed(lambda total, count, late: total + 1e-10), "where is the root"),
        (summed(lambda total, count, late: (total + 1e-10).sqrt()), "inside the root"),
        (summed(lambda total, count, late: total.sqrt()), "where is ε"),
        (summed(lambda total, count, late: total.sqrt() + 1e-8), "not the 10"),
        (summed(lambda total, count, late: (total / count).sqrt() + 1e-10), "mean of the squ"),
        (summed(lambda total, count, late: total.sum().sqrt() + 1e-10), "one number"),
        (summed(lambda total, count, late: late.sqrt() + 1e-10), "one step late"),
        (root_mean_square, "RMSprop"),
        (in_a_global(), "twice"),
        (fixed_rate, "another rate"),
        (torch_inside, "PyTorch's optimizer"),
        (lambda p, g, s: (p, s), "does not take"),
        (lambda p, g, s, lr: p, "two things"),
        (lambda p, g, s, lr: (None, {}), "None"),
        (lambda p, g, s, lr: (p * float("nan"), {}), "nan"),
    ],
)
def test_typical_mistakes_in_adagrad_get_their_own_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        optimizers.adagrad(answer)


def moved(finish, mean=0.9, square=0.999):
    """Make a rule of Adam's form that ends in a way of its own."""

    def rule(p, g, state, lr):
        t = state.get("t", 0) + 1
        m = mean * state.get("m", 0) + (1 - mean) * g
        s = square * state.get("s", 0) + (1 - square) * g**2
        return p - lr * finish(m, s, t, g), {"t": t, "m": m, "s": s}

    return rule


def whole(p, g, state, lr):
    t = state.get("t", 0) + 1
    m, s = 0.9 * state.get("m", 0) + g, 0.999 * state.get("s", 0) + g**2
    step = m / (1 - 0.9**t) / ((s / (1 - 0.999**t)).sqrt() + 1e-8)
    return p - lr * step, {"t": t, "m": m, "s": s}


def from_zero(p, g, state, lr):
    t = state.get("t", 0)
    return p - lr * g / (1 - torch.tensor(0.9).double() ** t), {"t": t + 1}


ready_adam = ready.adam


def borrowed_by_name(p, g, state, lr):
    return ready_adam(p, g, state, lr=lr)


def c1(t):
    return 1 - 0.9**t


def c2(t):
    return 1 - 0.999**t


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (moved(lambda m, s, t, g: m / (s.sqrt() + 1e-8)), "bias correction"),
        (moved(lambda m, s, t, g: m / c1(t) / (s.sqrt() + 1e-8)), "m and not s"),
        (moved(lambda m, s, t, g: m / ((s / c2(t)).sqrt() + 1e-8)), "s and not m"),
        (moved(lambda m, s, t, g: m / c1(t) / (s / c2(t) + 1e-8)), "where is the root"),
        (moved(lambda m, s, t, g: m / c1(t) / (s / c2(t) + 1e-8).sqrt()), "inside"),
        (moved(lambda m, s, t, g: m / c1(t) / (s / c2(t)).sqrt()), "where is ε"),
        (moved(lambda m, s, t, g: m / c1(t) / ((s / c2(t)).sqrt() + 1e-10)), "not 10"),
        (moved(lambda m, s, t, g: m / 0.1 / ((s / 0.001).sqrt() + 1e-8)), "t counted"),
        (moved(lambda m, s, t, g: g / ((s / c2(t)).sqrt() + 1e-8)), "not its mean"),
        (
            moved(lambda m, s, t, g: m / c2(t) / ((s / c1(t)).sqrt() + 1e-8), 0.999, 0.9),
            "changed places",
        ),
        (lambda p, g, s, lr: (p - lr * g / (g.abs() + 1e-8), {}), "first one"),
        (lambda p, g, s, lr: adam(p, g, s, 0.1), "another rate"),
        (whole, "where are the factors"),
        (from_zero, "still 0"),
        (borrowed_by_name, "write your own"),
        (ready.adam, "write your own"),
        (lambda p, g, s, lr: p, "two things"),
    ],
)
def test_typical_mistakes_in_adam_get_their_own_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        optimizers.adam(answer)


def test_a_rule_with_its_settings_filled_in_passes():
    optimizers.adam(partial(adam_as_the_page, eps=1e-8))


def training_step(loss_of, weights, optimizer, scheduler, limit):
    optimizer.zero_grad()
    loss = loss_of(weights)
    loss.backward()
    length = torch.nn.utils.clip_grad_norm_(weights, limit)
    optimizer.step()
    scheduler.step()
    return loss.item(), length.item()


def test_the_right_loop_passes_in_either_order_of_loss_and_clearing(capsys):
    """Where the gradients are cleared does not matter, as long as it is before backward."""

    def loss_first(loss_of, weights, optimizer, scheduler, limit):
        loss = loss_of(weights)
        for weight in weights:
            weight.grad = None
        loss.backward()
        length = torch.nn.utils.clip_grad_norm_(weights, max_norm=limit)
        optimizer.step()
        scheduler.step()
        return float(loss), float(length)

    for answer in (training_step, loss_first):
        optimizers.training_step(answer)
        assert capsys.readouterr().out.startswith("Right")


def lines(order, result="before"):
    """Make a loop of these letters, in this order; a letter that is missing is not done."""

    def answer(loss_of, weights, optimizer, scheduler, limit):
        clip, values = torch.nn.utils.clip_grad_norm_, torch.nn.utils.clip_grad_value_
        done = {"loss": torch.zeros(()), "length": torch.zeros(())}
        acts = {
            "l": lambda: done.update(loss=loss_of(weights)),
            "z": optimizer.zero_grad,
            "b": lambda: done["loss"].backward(),
            "c": lambda: done.update(length=clip(weights, limit)),
            "e": lambda: [clip([weight], limit) for weight in weights],
            "v": lambda: values(weights, limit),
            "o": optimizer.step,
            "s": scheduler.step,
        }
        for letter in order:
            acts[letter]()
        loss, length = done["loss"].item(), done["length"].item()
        if result == "after":
            loss = loss_of(weights).item()
        if result == "short":
            length = min(length, limit)
        return (length, loss) if result == "swapped" else (loss, length)

    return answer


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lines("lbcos"), "Nothing clears"),
        (lines("lbcosz"), "only afterwards"),
        (lines("lbzcos"), "not moved"),
        (lines("lzbcs"), "not moved"),
        (lines("lzbocs"), "not clipped"),
        (lines("lzcbos"), "not clipped"),
        (lines("lzbos"), "not clipped"),
        (lines("lzbeos"), "by itself"),
        (lines("lzbvos"), "every entry"),
        (lines("slzbco"), "one step ahead"),
        (lines("lzbcso"), "one step ahead"),
        (lines("lzbco"), "never changes"),
        (lines("slboc"), "colleague"),
        (lines("lzbcos", "after"), "after the step"),
        (lines("lzbcos", "short"), "length after clipping"),
        (lines("lzbcos", "swapped"), "changed places"),
        (lambda loss_of, weights, optimizer, scheduler, limit: None, "not moved"),
    ],
)
def test_typical_mistakes_in_the_loop_get_their_own_hint(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        optimizers.training_step(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (moved(lambda m, s, t, g: m / c1(t) / ((s / c2(t)).sqrt() + 1e-6)), "larger"),
        (
            moved(lambda m, s, t, g: m / c1(t) / ((s.sqrt() + 1e-8) / c2(t) ** 0.5)),
            "before s is corrected",
        ),
        (
            moved(lambda m, s, t, g: m / c1(t) / ((s / (1 - 0.99**t)).sqrt() + 1e-8), square=0.99),
            "0.99;",
        ),
    ],
)
def test_other_settings_of_adam_are_named(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        optimizers.adam(answer)
