"""Training: it does what a loop spelt out does, repeats bitwise, and stops at the best."""

import copy
import sys
from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from definebyrun.models import MLP
from definebyrun.training import History, Score, evaluate, fit

CPU = torch.device("cpu")
run = partial(fit, device=CPU, quiet=True)
fit_module = sys.modules["definebyrun.training.fit"]  # the package has a function of that name


def examples(count: int = 70, seed: int = 3) -> tuple[Tensor, Tensor]:
    """Noisy images of three classes that a network can learn."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(3, (count,), generator=generator)
    images = 0.4 * torch.randn(count, 1, 3, 4, generator=generator)
    return images + labels[:, None, None, None] - 1, labels


def small_mlp(seed: int = 0) -> MLP:
    torch.manual_seed(seed)
    return MLP(pixels=12, classes=3)


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    states = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(mine, theirs) for mine, theirs in states)


def test_fit_equals_a_loop_spelt_out_bitwise():
    """The loop of the chapter: predict, loss, gradient, update; 70 images leave a batch of 6."""
    images, labels = examples()
    mine, theirs = small_mlp(), small_mlp()
    history = run(mine, (images, labels), epochs=3, batch_size=16, seed=5)

    optimizer = torch.optim.Adam(theirs.parameters(), lr=1e-3, fused=True)
    generator = torch.Generator().manual_seed(5)
    losses = []
    for _ in range(3):
        order = torch.randperm(70, generator=generator)
        for start in range(0, 70, 16):
            batch = order[start : start + 16]
            loss = F.cross_entropy(theirs(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())

    assert same_weights(mine, theirs)
    assert history.batch_loss == losses
    sizes = [16, 16, 16, 16, 6]
    means = [
        sum(loss * size for loss, size in zip(losses[at : at + 5], sizes, strict=True)) / 70
        for at in (0, 5, 10)
    ]
    assert history.train_loss == pytest.approx(means, rel=1e-12)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_same_seed_same_history_another_seed_another(dropout):
    """With dropout too, whatever state the global generator is in, and without changing it."""

    def train(seed: int) -> History:
        model = nn.Sequential(small_mlp(), nn.Dropout(dropout))
        torch.manual_seed(seed * 100 + len(runs))
        state = torch.get_rng_state()
        history = run(model, examples(), examples(30, 9), augment=noisy, epochs=2, seed=seed)
        assert torch.equal(torch.get_rng_state(), state)
        return history

    def noisy(images: Tensor, generator: torch.Generator) -> Tensor:
        return images + torch.randn(images.shape, generator=generator)

    runs: list[History] = []
    for seed in (1, 1, 2):
        runs.append(train(seed))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_training_lowers_the_loss_and_validation_is_measured_in_evaluation_mode():
    model, valid = small_mlp(), examples(40, 8)
    history = run(model, examples(300), valid, epochs=8, batch_size=20)
    assert history.train_loss[-1] < 0.5 * history.train_loss[0]
    assert history.valid_loss[-1] == evaluate(model, valid).loss
    assert history.valid_accuracy[-1] == evaluate(model, valid).accuracy > 0.9
    assert len(history.batch_loss) == len(history.batch_accuracy) == 8 * 15
    assert len(history.seconds) == 8
    assert model.training


def test_validation_changes_nothing_in_the_training():
    with_it, without = small_mlp(), small_mlp()
    run(with_it, examples(), examples(30, 9), epochs=2)
    run(without, examples(), epochs=2)
    assert same_weights(with_it, without)


def test_early_stopping_restores_the_best_weights():
    """Validation labels that contradict training: the loss rises, and the first epoch is best."""
    images, labels = examples(200)
    opposite = (images, (labels + 1) % 3)
    stopped, one_epoch = small_mlp(), small_mlp()
    settings = {"batch_size": 20, "optimizer": partial(torch.optim.Adam, lr=0.01)}
    history = run(stopped, (images, labels), opposite, epochs=20, patience=3, **settings)
    assert history.best_epoch == 0
    assert len(history.valid_loss) == 4  # the best, then three without a smaller one
    run(one_epoch, (images, labels), epochs=1, **settings)
    assert same_weights(stopped, one_epoch)
    assert evaluate(stopped, opposite).loss == history.valid_loss[0]


def test_patience_that_never_runs_out_still_returns_the_best():
    images, labels = examples(200)
    model = small_mlp()
    opposite = (images, (labels + 1) % 3)
    history = run(model, (images, labels), opposite, epochs=3, patience=9, batch_size=20)
    assert len(history.valid_loss) == 3
    assert evaluate(model, opposite).loss == min(history.valid_loss)


def test_an_optimizer_and_a_function_that_makes_one_do_the_same():
    made, given = small_mlp(), small_mlp()
    sgd = partial(torch.optim.SGD, lr=0.1, momentum=0.9)
    run(made, examples(), optimizer=sgd, epochs=2)
    run(given, examples(), optimizer=sgd(given.parameters()), epochs=2)
    assert same_weights(made, given)


def test_schedule_scales_the_learning_rate_of_each_update():
    """Linear decay to zero over 2 epochs of 5 updates, read off plain gradient descent."""
    model = small_mlp()
    rates: list[float] = []

    class Spy(torch.optim.SGD):
        def step(self, closure=None):
            rates.append(self.param_groups[0]["lr"])
            return super().step(closure)

    run(
        model,
        examples(),
        epochs=2,
        batch_size=16,
        optimizer=partial(Spy, lr=0.5),
        schedule=lambda done: 1 - done,
    )
    assert rates == pytest.approx([0.5 * (1 - k / 10) for k in range(10)])


def test_frozen_parameters_stay():
    model = small_mlp()
    model.affine1.requires_grad_(False)
    before = copy.deepcopy(model.affine1.state_dict())
    run(model, examples(), epochs=1)
    assert torch.equal(model.affine1.weight, before["weight"])
    assert not torch.equal(model.affine3.weight, small_mlp().affine3.weight)


def test_augmentation_sees_training_batches_only():
    seen: list[int] = []

    def note(images: Tensor, generator: torch.Generator) -> Tensor:
        seen.append(len(images))
        return images

    run(small_mlp(), examples(), examples(30, 9), augment=note, epochs=1, batch_size=32)
    assert seen == [32, 32, 6]


def test_bfloat16_computes_otherwise_but_keeps_float32_weights():
    exact, coarse = small_mlp(), small_mlp()
    run(exact, examples(300), epochs=2)
    history = run(coarse, examples(300), epochs=2, precision=torch.bfloat16)
    assert {p.dtype for p in coarse.parameters()} == {torch.float32}
    assert not same_weights(exact, coarse)
    assert history.train_loss[-1] == pytest.approx(
        run(small_mlp(), examples(300), epochs=2).train_loss[-1], rel=0.05
    )


def test_criterion_is_used():
    history = run(
        small_mlp(), examples(), criterion=lambda scores, labels: 0 * scores.sum() + 7, epochs=1
    )
    assert history.train_loss == [7.0]


def test_one_line_and_no_bar_outside_a_notebook(capsys):
    history = fit(small_mlp(), examples(), examples(30, 9), epochs=2, device=CPU)
    captured = capsys.readouterr()
    assert captured.out == f"{history}\n"
    assert captured.out.startswith("epoch 2: training loss ")
    assert "validation loss" in captured.out
    assert captured.err == ""


def test_quiet_prints_nothing(capsys):
    run(small_mlp(), examples(), epochs=1)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


images, labels = examples()
other = torch.optim.SGD(small_mlp(1).parameters(), lr=0.1)


def spoilt(value: float) -> Tensor:
    """The images, with one pixel of the eighth of this value."""
    changed = images.clone()
    changed[7, 0, 1, 2] = value
    return changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs is 0; expected at least 1"),
        ({"batch_size": 0}, "batch_size is 0; expected at least 1"),
        ({"patience": 2}, "patience is 2, but valid is None"),
        ({"precision": torch.float16}, "precision is torch.float16; expected torch.float32 or"),
        ({"valid": (torch.rand(3, 12), torch.zeros(2))}, "valid has 3 images and 2 labels"),
        ({"train": (torch.rand(0, 12), torch.zeros(0))}, "train has 0 images and 0 labels"),
        ({"train": (images, labels + 1)}, r"train\[1\] lies in 1 to 3; expected 0 to 2"),
        ({"train": (images, labels - 1)}, r"train\[1\] lies in -1 to 1; expected 0 to 2"),
        ({"valid": (images, labels + 1)}, r"valid\[1\] lies in 1 to 3; expected 0 to 2"),
        ({"train": (images, labels.int())}, r"train are torch.int32 .* expected torch.int64"),
        ({"train": (images, labels[:, None])}, r"train are torch.int64 of shape \(70, 1\)"),
        ({"train": (spoilt(float("nan")), labels)}, r"train has 1 images .* first at 7; expected"),
        ({"valid": (spoilt(float("inf")), labels)}, r"valid has 1 images with pixels that are nan"),
        ({"optimizer": other}, "optimizer holds 10 parameters and model has 10 to train, but none"),
        ({"optimizer": lambda _: other}, "none in common; expected an optimizer of model.par"),
    ],
)
def test_refusals_name_the_argument_and_change_nothing(change, message):
    arguments = {"train": examples()} | change
    model, untouched = small_mlp(), small_mlp()
    state = torch.get_rng_state()
    with pytest.raises(ValueError, match=message):
        run(model, **arguments)
    assert same_weights(model, untouched)
    assert all(p.grad is None for p in model.parameters())
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)


def test_a_frozen_model_has_nothing_to_train():
    model = small_mlp()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model.requires_grad_(False)
    with pytest.raises(ValueError, match="model has 0 to train"):
        run(model, examples(), optimizer=optimizer)


def test_scores_that_are_no_rows_are_refused():
    with pytest.raises(ValueError, match=r"model gives shape \(1, 1, 3, 3\) for 1 images"):
        run(nn.Linear(4, 3), examples())


def test_an_optimizer_of_a_part_of_the_model_trains_that_part():
    model = small_mlp()
    run(model, examples(), optimizer=torch.optim.SGD(model.affine3.parameters(), lr=0.1), epochs=1)
    assert torch.equal(model.affine1.weight, small_mlp().affine1.weight)
    assert not torch.equal(model.affine3.weight, small_mlp().affine3.weight)


def test_looking_at_the_scores_first_leaves_no_trace():
    """Neither weights nor running statistics have moved when the first batch comes."""
    model = small_mlp()
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(RuntimeError, match="in the first batch"):
        run(model, examples(), augment=stop(RuntimeError("in the first batch"), at=1))
    assert all(torch.equal(model.state_dict()[name], value) for name, value in before.items())


def test_the_device_may_be_text():
    assert fit(small_mlp(), examples(), epochs=1, device="cpu", quiet=True).train_loss


def stop(problem, at):
    """An augmentation that changes nothing and raises in its call number ``at``."""
    calls = []

    def augment(images, generator):
        calls.append(len(images))
        if len(calls) == at:
            raise problem
        return images

    return augment


def test_after_ctrl_c_the_history_and_the_best_weights_are_there():
    """Validation labels contradict training, so the first epoch is best; it stops in the fourth."""
    images, labels = examples(200)
    opposite = (images, (labels + 1) % 3)
    settings = {"batch_size": 20, "optimizer": partial(torch.optim.Adam, lr=0.01)}
    stopped, one_epoch = small_mlp(), small_mlp()
    with pytest.warns(UserWarning, match="stopped by hand after 3 of 20 epochs"):
        history = run(
            stopped,
            (images, labels),
            opposite,
            epochs=20,
            patience=9,
            augment=stop(KeyboardInterrupt(), at=35),
            **settings,
        )
    whole = run(small_mlp(), (images, labels), opposite, epochs=3, **settings)
    assert history == whole
    assert len(history.seconds) == 3
    run(one_epoch, (images, labels), epochs=1, **settings)
    assert same_weights(stopped, one_epoch)


def test_ctrl_c_without_patience_keeps_the_weights_as_they_are():
    model, halfway = small_mlp(), small_mlp()
    with pytest.warns(UserWarning, match="stopped by hand after 2 of 5 epochs"):
        history = run(model, examples(64), epochs=5, augment=stop(KeyboardInterrupt(), at=5))
    assert history == run(halfway, examples(64), epochs=2)
    assert same_weights(model, halfway)


def test_ctrl_c_in_the_first_epoch_and_in_the_validation(capsys):
    with pytest.warns(UserWarning, match="stopped by hand after 0 of 5 epochs"):
        history = fit(small_mlp(), examples(), augment=stop(KeyboardInterrupt(), 2), device="cpu")
    assert history == History()
    assert capsys.readouterr().out == "no epoch is complete\n"

    class Stopping(MLP):
        def forward(self, images):
            if not self.training and len(images) > 1:  # not when its scores are looked at first
                raise KeyboardInterrupt
            return super().forward(images)

    with pytest.warns(UserWarning, match="stopped by hand after 0"):
        assert run(Stopping(pixels=12, classes=3), examples(), examples(9, 1)) == History()


def test_a_loss_that_is_no_number_is_never_the_best(monkeypatch):
    """Neither as the first of the losses nor as a later one; ties go to the first."""
    nan = float("nan")
    assert History(valid_loss=[nan, 2.0, 1.0, nan, 1.0]).best_epoch == 2
    for losses in ([], [nan, nan]):
        with pytest.raises(ValueError, match="expected at least one number in it"):
            _ = History(valid_loss=losses).best_epoch

    losses = iter([nan, 0.5, nan, 0.7, 0.8, 0.9])
    monkeypatch.setattr(fit_module, "evaluate", lambda *_: Score(next(losses), 0.0))
    model, two_epochs = small_mlp(), small_mlp()
    history = run(model, examples(), examples(30, 9), epochs=9, patience=3)
    assert len(history.valid_loss) == 5
    assert history.best_epoch == 1
    run(two_epochs, examples(), epochs=2)
    assert same_weights(model, two_epochs)


def test_when_no_loss_is_a_number_the_first_weights_come_back(monkeypatch):
    monkeypatch.setattr(fit_module, "evaluate", lambda *_: Score(float("nan"), 0.0))
    model = small_mlp()
    history = run(model, examples(), examples(30, 9), epochs=9, patience=2)
    assert len(history.valid_loss) == 2
    assert same_weights(model, small_mlp())
