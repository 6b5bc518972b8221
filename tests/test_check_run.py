"""The runner of the checkers: what it protects readers and authors from, one by one."""

import math
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from definebyrun.check import WrongAnswer
from definebyrun.check.run import Rules, call, compare, gradient, guarded, run

X = torch.tensor([1.0, -2.0, 3.0])


def double(x):
    return 2 * x


def test_a_right_result_comes_back():
    assert torch.equal(run(double, X, truth=2 * X), 2 * X)


def test_right_means_no_further_from_the_truth_than_the_tolerance():
    compare(torch.tensor(1.25), torch.tensor(1.0), tolerance=0.25)
    with pytest.raises(WrongAnswer, match=r"1\.25.*expected 1"):
        compare(torch.tensor(1.25), torch.tensor(1.0), tolerance=0.2499)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_number_that_is_none_is_enough_to_be_refused(bad, place):
    result = 2 * X
    result[place] = bad
    with pytest.raises(WrongAnswer, match=f"holds {bad}. It overflows"):
        compare(result, 2 * X, tolerance=math.inf, not_finite="It overflows.")


def test_nan_does_not_pass_for_nan_but_infinity_for_infinity():
    with pytest.raises(WrongAnswer):
        compare(torch.tensor(math.nan), torch.tensor(math.nan))
    compare(torch.tensor(math.inf), torch.tensor(math.inf))


@pytest.mark.parametrize(
    ("given", "truth", "hint"),
    [
        (None, X, "Is there a return"),
        ([1.0, -2.0, 3.0], X, "return a tensor"),
        (X.numpy(), X, "return a tensor"),
        (X, X.numpy(), "return a NumPy array"),
        (X, 3, "return an integer"),
        (3.0, 3, "return an integer"),
        (True, 1, "return an integer"),
        ("3", 3.0, "return a number"),
        (X[:2], X, r"has shape \(2,\), expected \(3,\)"),
        (X[:, None], X[None], "Rows and columns are exchanged"),
        (X.int(), X, r"whole numbers \(dtype torch.int32\); expected decimals"),
        (X > 0, X.int(), "truth values"),
        (X + 0j, X, "complex numbers"),
        (X.to("meta"), X, "cannot be read as numbers"),
        ((X,), (X, X), "Return 2 things. Your function returns 1"),
        ((X, X[:2]), (X[:2], X), "in another order"),
        (X + 1, X, "differ by up to 1"),
    ],
)
def test_each_fault_of_a_result_has_a_hint(given, truth, hint):
    with pytest.raises(WrongAnswer, match=hint):
        compare(given, truth)


def test_shapes_mistakes_range_and_case_speak_in_this_order():
    def hint(given, **options):
        with pytest.raises(WrongAnswer) as refusal:
            compare(given, torch.tensor([0.25, 0.5]), {"You halve.": torch.zeros(2)}, **options)
        return str(refusal.value)

    assert "Too long." in hint(torch.zeros(3), shapes={(3,): "Too long."})
    assert hint(torch.zeros(2), low=0.1, case="two") == "For two: you halve."
    assert "below 0.1 or above 1" in hint(torch.tensor([0.25, 1.5]), low=0.1, high=1)
    assert "asks for torch.float64" in hint(torch.zeros(2), dtype=torch.float64)


def test_a_mistake_of_another_shape_is_recognised_too():
    with pytest.raises(WrongAnswer, match="You sum"):
        compare(X.sum(), X, {"You sum.": X.sum()})


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_type_with_fewer_digits_is_named(dtype):
    third = torch.tensor([1 / 3, 2 / 3])
    with pytest.raises(WrongAnswer, match=f"it has dtype {dtype}, which keeps fewer"):
        compare(third.to(dtype), third)
    with pytest.raises(WrongAnswer, match="dtype float32, which keeps fewer than float64"):
        compare(third.numpy(), third.double().numpy() + 1e-9, tolerance=1e-12)
    with pytest.raises(WrongAnswer, match="differ by up to 1"):
        compare(third.to(dtype) + 1, third)
    compare(third.to(dtype), third, tolerance=0.01)
    compare(third.double(), third)


def test_the_answer_gets_copies_and_is_told_when_it_changes_them():
    inputs = torch.ones(2), np.ones(2), [torch.ones(1)], (torch.ones(1),), {"a": torch.ones(1)}

    def careful(*given):
        return [one is two for one, two in zip(given, inputs, strict=True)]

    assert call(careful, *inputs) == [False] * 5

    def tensor(a, b, c, d, e):
        a.zero_()

    def array(a, b, c, d, e):
        b *= 2

    def inside_a_list(a, b, c, d, e):
        c[0] += 1

    def longer(a, b, c, d, e):
        c.append(1)

    def inside_a_tuple(a, b, c, d, e):
        d[0].fill_(3)

    def inside_a_dictionary(a, b, c, d, e):
        e["a"].fill_(3)

    def resized(a, b, c, d, e):
        a.resize_(0)

    def requires_gradient(a, b, c, d, e):
        a.requires_grad_()

    for answer, name in [
        (tensor, "a"),
        (array, "b"),
        (inside_a_list, "c"),
        (longer, "c"),
        (inside_a_tuple, "d"),
        (inside_a_dictionary, "e"),
        (resized, "a"),
        (requires_gradient, "a"),
    ]:
        with pytest.raises(WrongAnswer, match=f"changes {name}, which it was given"):
            call(answer, *inputs)
    assert torch.equal(inputs[0], torch.ones(2))
    assert inputs[1].sum() == 2
    assert len(inputs[2]) == 1


def test_a_changed_network_is_noticed_in_weights_buffers_and_mode():
    norm = nn.BatchNorm1d(2)
    for answer in (
        lambda model: model.eval(),
        lambda model: model(torch.randn(4, 2)),
        lambda model: model.weight.data.zero_(),
        lambda model: model.weight.requires_grad_(False),
    ):
        with pytest.raises(WrongAnswer, match="changes model"):
            call(answer, norm)
    assert norm.training
    assert norm.num_batches_tracked == 0


def test_an_exercise_in_place_hands_over_the_thing_itself():
    x = torch.ones(2)
    call(lambda x: x.zero_(), x, rules=Rules(in_place=(0,)))
    assert x.sum() == 0


def test_a_generator_is_copied_with_its_state():
    generator = torch.Generator().manual_seed(3)
    drawn = [call(lambda g: torch.rand(1, generator=g), generator).item() for _ in range(2)]
    assert drawn[0] == drawn[1] == torch.rand(1, generator=generator).item()


def test_what_is_global_is_put_back_also_after_an_error():
    def disturbing(raises):
        torch.manual_seed(1)
        np.random.seed(1)  # noqa: NPY002
        random.seed(1)
        torch.set_default_dtype(torch.float64)
        if raises:
            raise ValueError

    torch.manual_seed(7)
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    call(disturbing, False)
    with pytest.raises(WrongAnswer):
        call(disturbing, True)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before[1:]  # noqa: NPY002
    assert torch.get_default_dtype() == torch.float32


def test_the_recording_of_gradients_is_on_for_the_answer_and_put_back():
    with torch.no_grad():
        assert call(torch.is_grad_enabled)
        with pytest.raises(WrongAnswer, match="stays switched off"):
            call(lambda: torch.set_grad_enabled(False))
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()


def helper(x):
    return x / undefined  # noqa: F821


def test_an_error_keeps_its_text_and_the_readers_own_line():
    with pytest.raises(WrongAnswer) as refusal:
        call(lambda x: helper(x), X)
    hint, python = str(refusal.value).split("\n")
    assert hint.startswith("A name is used that has no meaning yet")
    assert " of helper (`return x / undefined  # noqa: F821`)" in python
    assert python.endswith("NameError: name 'undefined' is not defined")
    assert isinstance(refusal.value.__cause__, NameError)


def test_an_error_inside_a_library_is_placed_in_the_readers_line():
    with pytest.raises(WrongAnswer, match=r"`call\(lambda x: nn.functional.mse_loss"):
        call(lambda x: nn.functional.mse_loss(x, "no"), X)


def test_the_exercises_own_hint_for_an_error_comes_first():
    rules = Rules(errors={"must match the size": "Which axis is kept?"})
    with pytest.raises(WrongAnswer, match=r"^Which axis is kept\?\nPython stopped in line"):
        call(lambda x: x + x[:2], X, rules=rules)
    with pytest.raises(WrongAnswer, match="Two shapes do not fit"):
        call(lambda x: x + x[:2], X)


def test_ctrl_c_is_no_answer():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        call(interrupted)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (3, "Hand over the function itself"),
        (lambda: 0, "with 1 argument, and it does not take them: too many"),
        (lambda x, y: 0, "missing a required argument: 'y'"),
    ],
)
def test_what_cannot_be_called_so_is_said_before_it_is_called(answer, hint):
    with pytest.raises(WrongAnswer, match=hint):
        call(answer, X)


FORBID = Rules(forbid={"*softmax": "Write it with exp.", "one_hot": "Compare."})


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (lambda x: x.softmax(0), "softmax"),
        (lambda x: torch.softmax(x, 0), "softmax"),
        (lambda x: nn.functional.softmax(x, 0), "softmax"),
        (nn.LogSoftmax(0), "log_softmax"),
        (lambda x: torch.special.log_softmax(x, 0), "special_log_softmax"),
        (lambda x: nn.functional.one_hot(x.long().abs()), "one_hot"),
    ],
)
def test_a_forbidden_call_is_refused_by_whatever_name_it_is_reached(answer, name):
    with pytest.raises(WrongAnswer, match=f"uses {name}. "):
        call(answer, X, rules=FORBID)


def test_a_forbidden_call_that_is_hidden_behind_try_is_refused():
    def hiding(x):
        try:
            return x.softmax(0)
        except Exception:
            return x

    with pytest.raises(WrongAnswer, match="uses softmax"):
        call(hiding, X, rules=FORBID)


def test_what_is_not_forbidden_is_allowed():
    assert torch.equal(call(torch.exp, X, rules=FORBID), X.exp())


def with_for(x):
    for _ in range(3):
        x = x + 1
    return x


def with_while(x):
    while x.sum() < 5:
        x = x + 1
    return x


@pytest.mark.parametrize(
    "answer",
    [
        with_for,
        with_while,
        lambda x: torch.stack([each for each in x]),  # noqa: C416
        lambda x: sum(each for each in x),
        torch.no_grad()(with_for),
    ],
)
def test_a_loop_is_found_in_each_of_its_forms(answer):
    with pytest.raises(WrongAnswer, match="There is a loop"):
        call(answer, X, rules=Rules(loops=False))


@pytest.mark.parametrize("answer", [double, torch.exp, nn.ReLU(), lambda x: x if x.sum() else -x])
def test_what_has_no_loop_passes(answer):
    call(answer, X, rules=Rules(loops=False))


def test_the_gradient_is_asked_of_a_copy_of_the_first_input():
    assert torch.equal(gradient(lambda x, a: a * x**2, X, 3), 6 * X)
    assert X.grad is None
    for answer in (lambda x: x.detach(), lambda x: 3.0, lambda x: torch.ones(1)):
        with pytest.raises(WrongAnswer, match="no graph"):
            gradient(answer, X)
    weight = torch.ones(3, requires_grad=True)
    with pytest.raises(WrongAnswer, match="does not lead back"):
        gradient(lambda x: weight * x.detach(), X)


def test_guarded_code_ends_in_a_hint():
    with pytest.raises(WrongAnswer, match="Own hint"), guarded({"by zero": "Own hint."}):
        1 / 0  # noqa: B018


def test_the_example_of_the_guide_works(capsys):
    guide = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()
    (example,) = re.findall(r"```python\n(from definebyrun.check.run .*?)```", guide, re.S)
    names = {"Callable": Callable, "Any": Any, "Tensor": Tensor, "torch": torch}
    exec(example, names)
    doubled = names["doubled"]
    doubled(lambda x: 2 * x)
    assert capsys.readouterr().out == "Right: twice the input.\n"
    for answer, hint in [
        (lambda x: x + x, "uses add"),
        (lambda x: x**2, "You square"),
        (lambda x: (2 * x).sum(), "Something is summed"),
        (lambda x: 3 * x, "Double 1.0 by hand"),
    ]:
        with pytest.raises(WrongAnswer, match=hint):
            doubled(answer)
