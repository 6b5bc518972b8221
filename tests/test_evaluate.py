"""Measuring a network: every image counts the same, and measuring leaves no trace."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from definebyrun.models import MLP
from definebyrun.training import (
    confusion_matrix,
    evaluate,
    evaluating,
    predict,
    worst_mistakes,
)


def examples(count: int, pixels: int = 12, classes: int = 5):
    generator = torch.Generator().manual_seed(3)
    images = torch.rand(count, 1, 3, pixels // 3, generator=generator)
    return images, torch.randint(classes, (count,), generator=generator)


def small_mlp() -> MLP:
    torch.manual_seed(0)
    return MLP(pixels=12, classes=5)


@pytest.mark.parametrize("batch_size", [1, 7, 10, 103, 500])
def test_evaluate_over_uneven_batches_equals_one_pass(batch_size):
    """103 images in batches of 10 leave 3: the mean of batch means would differ."""
    model, (images, labels) = small_mlp(), examples(103)
    model.eval()
    scores = model(images)
    loss, accuracy = evaluate(model, (images, labels), batch_size=batch_size)
    assert loss == pytest.approx(F.cross_entropy(scores, labels).item(), rel=1e-6)
    assert accuracy == pytest.approx((scores.argmax(1) == labels).double().mean().item(), rel=1e-6)


def test_evaluate_is_not_the_mean_of_batch_means():
    """Nine right answers and one wrong one: 0.9, where batches of 9 and 1 would average to 0.5."""
    images = torch.eye(2)[[0] * 9 + [1]]
    identity = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        identity.weight.copy_(torch.eye(2))
    labels = torch.zeros(10, dtype=torch.int64)
    assert evaluate(identity, (images, labels), batch_size=9).accuracy == pytest.approx(0.9)


def test_evaluating_restores_each_module_and_recording():
    """A network with one frozen normalisation comes back just as it was."""
    model = small_mlp().train()
    model.norm1.eval()
    before = {name: module.training for name, module in model.named_modules()}
    with evaluating(model):
        assert not any(module.training for module in model.modules())
        assert not torch.is_grad_enabled()
    assert {name: module.training for name, module in model.named_modules()} == before
    assert torch.is_grad_enabled()


def test_evaluating_restores_after_an_error():
    model = small_mlp().train()
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        predict(model, torch.rand(4, 1, 2, 2))
    assert all(module.training for module in model.modules())
    assert torch.is_grad_enabled()


def test_evaluate_leaves_running_statistics_and_gradients_alone():
    model, data = small_mlp(), examples(20)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    evaluate(model, data)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert all(parameter.grad is None for parameter in model.parameters())


def test_predict_takes_one_image_but_not_none():
    model, (images, _) = small_mlp(), examples(3)
    assert predict(model, images[:1]).shape == (1, 5)
    assert not predict(model, images).requires_grad
    with pytest.raises(ValueError, match=r"images has shape \(0, 1, 3, 4\); expected at least one"):
        predict(model, images[:0])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_confusion_matrix_equals_counting_with_numpy(pairs):
    labels, predictions = (np.array(side) for side in zip(*pairs, strict=True))
    truth = np.zeros((5, 5), dtype=np.int64)
    np.add.at(truth, (labels, predictions), 1)
    matrix = confusion_matrix(torch.tensor(labels), torch.tensor(predictions), 5)
    assert np.array_equal(matrix.numpy(), truth)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.uint16])
def test_confusion_matrix_of_short_integers_does_not_overflow(dtype):
    """A label of 45 times 46 classes is 2,070: more than eight bits hold."""
    generator = torch.Generator().manual_seed(0)
    labels, predictions = torch.randint(46, (2, 500), generator=generator)
    truth = confusion_matrix(labels, predictions, 46)
    for pair in ((labels.to(dtype), predictions), (labels, predictions.to(dtype))):
        assert torch.equal(confusion_matrix(*pair, 46), truth)
    short = confusion_matrix(labels.to(dtype), predictions.to(dtype), 46)
    assert torch.equal(short, truth)
    assert short.sum() == 500


def test_evaluate_names_labels_that_the_model_has_no_scores_for():
    model, (images, labels) = small_mlp(), examples(20)
    with pytest.raises(ValueError, match=r"labels lies in \d to 9; expected 0 to 4"):
        evaluate(model, (images, labels.clamp(max=3).index_fill(0, torch.tensor([2]), 9)))
    with pytest.raises(ValueError, match="data has 20 images and 19 labels"):
        evaluate(model, (images, labels[1:]))
    with pytest.raises(ValueError, match="data has 20 images with pixels that are nan"):
        evaluate(model, (images * float("nan"), labels))


def test_a_model_without_parameters_is_measured():
    scores = torch.eye(5)
    assert evaluate(nn.Flatten(), (scores, torch.arange(5))).accuracy == 1


def test_confusion_matrix_equals_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    generator = torch.Generator().manual_seed(0)
    labels, predictions = torch.randint(46, (2, 500), generator=generator)
    truth = metrics.confusion_matrix(labels, predictions, labels=range(46))
    assert np.array_equal(confusion_matrix(labels, predictions, 46).numpy(), truth)


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        ([0, 1], [0, 1, 1], r"labels has shape \(2,\) and predictions \(3,\)"),
        ([0, 5], [0, 1], "labels lies in 0 to 5; expected 0 to 4"),
        ([0, 1], [0, -1], "predictions lies in -1 to 0; expected 0 to 4"),
        ([0, 1], [0.0, 0.5], "predictions is torch.float32; expected whole numbers"),
    ],
)
def test_confusion_matrix_names_what_is_wrong(labels, predictions, message):
    with pytest.raises(ValueError, match=message):
        confusion_matrix(torch.tensor(labels), torch.tensor(predictions), 5)


def test_worst_mistakes_come_in_order_of_confidence():
    scores = torch.tensor([[9.0, 0.0], [0.0, 1.0], [0.0, 5.0], [8.0, 0.0]])
    labels = torch.tensor([0, 0, 0, 1])
    assert worst_mistakes(scores, labels, 9).tolist() == [3, 2, 1]
    assert worst_mistakes(scores, labels, 2).tolist() == [3, 2]


def test_worst_mistakes_name_labels_without_a_score():
    with pytest.raises(ValueError, match="labels lies in 0 to 7; expected 0 to 2"):
        worst_mistakes(torch.eye(3), torch.tensor([0, 1, 7]), 5)
    with pytest.raises(ValueError, match=r"shape \(3, 3\) for 2 images"):
        worst_mistakes(torch.eye(3), torch.tensor([0, 1]), 5)


def test_worst_mistakes_of_a_perfect_network_are_none():
    scores = torch.eye(3)
    assert worst_mistakes(scores, torch.arange(3), 5).tolist() == []
