"""Checkers of the chapter on tensors: right answers pass, each typical mistake gets its hint."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from definebyrun.check import WrongAnswer, tensors


def strides(shape):
    """The strides of a fresh tensor, without making one."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def grid(image, s):
    channels, height, width = image.shape
    return image.reshape(channels, height // s, s, width // s, s)


def distances_in_loops(x, y):
    return torch.stack([torch.stack([(a - b).norm() for b in y]) for a in x])


RIGHT = {
    "strides": [
        strides,
    ],
    "standardise": [
        lambda x: (x - x.mean(dim=0)) / x.std(dim=0),
        lambda x: (x - x.mean(0, keepdim=True)).div_(x.std(0, keepdim=True)),
    ],
    "distances": [
        lambda x, y: (x[:, None] - y).square().sum(dim=2).sqrt(),
        lambda x, y: (x.unsqueeze(1) - y.unsqueeze(0)).norm(dim=-1),
    ],
    "patches": [
        lambda image, s: grid(image, s).permute(1, 3, 0, 2, 4).flatten(0, 1),
        lambda image, s: (
            image.reshape(image.shape[0], image.shape[1] // s, s, image.shape[2] // s, s)
            .permute(1, 3, 0, 2, 4)
            .reshape(-1, image.shape[0], s, s)
        ),
    ],
    "one_hot": [
        lambda labels, n: (labels[:, None] == torch.arange(n)).float(),
        lambda labels, n: torch.arange(n).eq(labels.unsqueeze(1)).to(torch.float32),
        lambda labels, n: torch.where(labels[:, None] == torch.arange(n), 1.0, 0.0),
    ],
}


def by_broadcasting(x, y):
    return (x[:, None] - y).square().sum(dim=2).sqrt()


def written_into_zeros(labels, n):
    rows = torch.zeros(len(labels), n)
    rows[torch.arange(len(labels)), labels] = 1
    return rows


def spoil(x):
    x -= x.mean(dim=0)
    x /= x.std(dim=0)
    return x


def by_expansion(x, y):
    """|x|^2 - 2xy + |y|^2, which rounds below zero for equal points."""
    squares = x.square().sum(1)[:, None] - 2 * x @ y.T + y.square().sum(1) - 1e-6
    return squares.sqrt()


WRONG = [
    ("strides", lambda shape: math.prod(shape), "return a tuple"),
    ("strides", lambda shape: (1,), "one stride for every axis"),
    (
        "strides",
        lambda shape: tuple(math.prod(shape[:axis]) for axis in range(len(shape))),
        "the FIRST axis",
    ),
    ("strides", lambda shape: list(strides(shape)), "return a tuple"),
    ("strides", lambda shape: tuple(float(step) for step in strides(shape)), "return a tuple"),
    ("strides", lambda shape: torch.empty(shape).stride(), "without PyTorch"),
    ("strides", lambda shape: np.empty(shape, np.int8).strides, "from the shape alone"),
    ("strides", lambda shape: strides(shape)[::-1], "wrong order"),
    (
        "strides",
        lambda shape: tuple(math.prod(shape[axis:]) for axis in range(len(shape))),
        "its own axis",
    ),
    ("strides", lambda shape: tuple(4 * s for s in strides(shape)), "count bytes"),
    ("strides", lambda shape: tuple(8 * s for s in strides(shape)), "count bytes"),
    ("strides", lambda shape: shape, "how many places on"),
    ("standardise", lambda x: None, "is None. Is there a return"),
    ("standardise", lambda x: (x - x.mean(dim=1)) / x.std(dim=1), "Which axis has to disappear"),
    ("standardise", lambda x: torch.stack([c - c.mean() for c in x.T], 1), "There is a loop"),
    ("standardise", lambda x: x.tolist(), "type list; return a tensor"),
    ("standardise", spoil, "changes x, which it was given"),
    ("standardise", lambda x: x.mean(dim=0), "leaves the shape"),
    (
        "standardise",
        lambda x: (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True),
        "each row",
    ),
    ("standardise", lambda x: (x - x.mean()) / x.std(), "whole table"),
    ("standardise", lambda x: x - x.mean(dim=0), "centred, not scaled"),
    ("standardise", lambda x: (x - x.mean(dim=0)) / x.var(dim=0), "variance"),
    ("standardise", lambda x: (x - x.mean(0)) / x.std(0, correction=0), "n - 1"),
    ("standardise", lambda x: x / x.std(0) - x.mean(0), "divide before"),
    ("standardise", lambda x: x - x.mean(0) / x.std(0), "needs brackets"),
    ("standardise", lambda x: x, "mean(dim=0)"),
    ("distances", lambda x, y: torch.cdist(x, y), "asks you to build"),
    ("distances", lambda x, y: F.pairwise_distance(x[:, None], y), "asks you to build"),
    ("distances", lambda x, y: torch.stack(list(map((lambda a: (a - y).norm(dim=1)), x))), "loop"),  # noqa: C417
    ("distances", lambda x, y: by_broadcasting(y, x), "exchanged"),
    ("distances", lambda x, y: (x[:, None] - y).square().sqrt(), "coordinates"),
    ("distances", lambda x, y: (x - y[:4]).norm(dim=1), "one number a pair"),
    ("distances", lambda x, y: by_broadcasting(x, y) ** 2, "squared"),
    ("distances", lambda x, y: (x[:, None] - y).abs().sum(dim=2), "taxi"),
    (
        "distances",
        lambda x, y: (x[:, None] - y).square().mean(dim=2).sqrt(),
        "average",
    ),
    ("distances", lambda x, y: (x[:, None] - y).sum(2).square().sqrt(), "cancel"),
    ("distances", by_expansion, "nan"),
    ("distances", distances_in_loops, "There is a loop"),
    ("distances", lambda x, y: (x - y).norm(dim=1), "Every point of x meets"),
    ("distances", lambda x, y: by_broadcasting(x, y) + 1, "result[0, 0]"),
    ("patches", lambda image, s: grid(image, s).permute(1, 3, 0, 2, 4), "grid"),
    ("patches", grid, "six patches"),
    ("patches", lambda image, s: image.unfold(1, s, s).unfold(2, s, s), "uses unfold"),
    ("patches", lambda image, s: image.reshape(7, 3, s, s), "keep the number of elements"),
    ("patches", lambda image, s: image.reshape(-1, 3, s, s), "STORAGE"),
    (
        "patches",
        lambda image, s: grid(image, s).permute(3, 1, 0, 2, 4).flatten(0, 1),
        "down the columns",
    ),
    (
        "patches",
        lambda image, s: grid(image, s).permute(1, 3, 0, 4, 2).flatten(0, 1),
        "diagonal",
    ),
    (
        "patches",
        lambda image, s: image.reshape(3, s, 2, s, 3).permute(2, 4, 0, 1, 3).reshape(-1, 3, s, s),
        "mixed up",
    ),
    (
        "patches",
        lambda image, s: image.reshape(3, 2, s, 3, s).permute(1, 3, 2, 4, 0).reshape(-1, 3, s, s),
        "channels are mixed",
    ),
    ("patches", lambda image, s: image.reshape(6, 3, 2, 2) * 0, "image[:, :2, :2]"),
    ("one_hot", lambda labels, n: F.one_hot(labels, n).float(), "asks for one comparison"),
    ("one_hot", lambda labels, n: torch.eye(n)[labels], "asks for one comparison"),
    ("one_hot", lambda labels, n: torch.ones(n).diag()[labels], "asks for one comparison"),
    (
        "one_hot",
        lambda labels, n: torch.zeros(len(labels), n).scatter(1, labels[:, None], 1.0),
        "asks for one comparison",
    ),
    ("one_hot", written_into_zeros, "asks for one comparison"),
    ("one_hot", lambda labels, n: (labels == torch.arange(n)[:, None]).float(), "ROW"),
    (
        "one_hot",
        lambda labels, n: (labels[:, None] == torch.arange(labels.max() + 1)).float(),
        "number of classes",
    ),
    ("one_hot", lambda labels, n: labels == 1, "expected (6, 5)"),
    ("one_hot", lambda labels, n: labels[:, None] == torch.arange(n), "torch.bool"),
    (
        "one_hot",
        lambda labels, n: (labels[:, None] == torch.arange(n)).long(),
        "torch.int64; the exercise asks",
    ),
    (
        "one_hot",
        lambda labels, n: (labels[:, None] == torch.arange(1, n + 1)).float(),
        "too far left",
    ),
    (
        "one_hot",
        lambda labels, n: (labels[:, None] + 1 == torch.arange(n)).float(),
        "too far right",
    ),
    ("one_hot", lambda labels, n: (labels[:, None] != torch.arange(n)).float(), "exchanged"),
    ("one_hot", lambda labels, n: torch.zeros(6, 5), "row 0"),
    ("one_hot", lambda labels, n: labels == torch.arange(n), "Every label meets every class"),
]


@pytest.mark.parametrize(
    ("exercise", "answer"), [(name, answer) for name in RIGHT for answer in RIGHT[name]]
)
def test_a_right_answer_passes_and_says_so_in_one_line(exercise, answer, capsys):
    getattr(tensors, exercise)(answer)
    assert capsys.readouterr().out.startswith("Right: ")


@pytest.mark.parametrize(("exercise", "answer", "hint"), WRONG)
def test_a_wrong_answer_gets_the_hint_for_its_mistake(exercise, answer, hint):
    with pytest.raises(WrongAnswer) as refusal:
        getattr(tensors, exercise)(answer)
    assert hint in str(refusal.value)


@pytest.mark.parametrize("exercise", list(RIGHT))
def test_an_exercise_knows_three_mistakes_at_least(exercise):
    assert len({hint for name, _, hint in WRONG if name == exercise}) >= 3


def test_a_chapter_is_found_by_its_name_without_an_import_of_its_own():
    script = "from definebyrun import check; check.tensors.one_hot; hasattr(check, 'no_such')"
    subprocess.run([sys.executable, "-c", script], check=True)
