"""A checkpoint is whole at any moment, holds all that a run needs, and runs nothing."""

import os
import pickle
import random
import signal
import subprocess
import sys
import tempfile
import time

import pytest
import torch
from torch import nn

from definebyrun.training.checkpoint import (
    load_checkpoint,
    random_state,
    save_checkpoint,
    set_random_state,
)


class Runs:
    """An object whose pickle calls a function when it is loaded."""

    def __reduce__(self):
        return (os.putenv, ("DEFINEBYRUN_RAN", "yes"))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "run.pt"


def test_what_is_saved_comes_back(file):
    model = nn.Linear(3, 2)
    save_checkpoint(file, {"model": model.state_dict(), "step": 7})
    read = load_checkpoint(file, parts=("model", "step"))
    assert read.keys() == {"model", "step"}
    assert read["step"] == 7
    assert torch.equal(read["model"]["weight"], model.weight)


def test_it_goes_to_the_device_that_is_asked_for(file):
    save_checkpoint(file, {"x": torch.ones(2)})
    assert load_checkpoint(file, device="meta")["x"].device.type == "meta"


def test_every_truncation_is_a_value_error_that_names_the_file(file):
    save_checkpoint(file, {"x": torch.randn(50)})
    whole = file.read_bytes()
    for length in range(0, len(whole), 97):
        file.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"run\.pt"):
            load_checkpoint(file)


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", bytes(1000), b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", pickle.dumps({"a": 1})],
)
def test_a_foreign_file_is_a_value_error_that_names_it(file, content):
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"run\.pt"):
        load_checkpoint(file)


def test_a_file_of_pytorch_that_is_no_checkpoint_is_refused(file):
    torch.save(torch.ones(3), file)
    with pytest.raises(ValueError, match=r"no checkpoint of this book"):
        load_checkpoint(file)


def test_a_missing_part_is_named(file):
    save_checkpoint(file, {"model": {}})
    with pytest.raises(ValueError, match=r"run\.pt' lacks optimizer; it has model"):
        load_checkpoint(file, parts=("model", "optimizer"))


def test_a_missing_file_is_a_missing_file(file):
    with pytest.raises(FileNotFoundError):
        load_checkpoint(file)


def test_nothing_in_the_file_is_run(file):
    torch.save({"form": "definebyrun checkpoint 1", "x": Runs()}, file)
    with pytest.raises(ValueError, match="run code"):
        load_checkpoint(file)


def test_a_failed_save_leaves_the_old_file_and_nothing_else(file):
    save_checkpoint(file, {"step": 1})
    with pytest.raises((AttributeError, pickle.PicklingError)):
        save_checkpoint(file, {"step": lambda: 2})
    assert load_checkpoint(file)["step"] == 1
    assert list(file.parent.iterdir()) == [file]


def test_a_save_sweeps_what_a_killed_one_left_and_nothing_else(file):
    """A save that still runs has a young part; what a reader has named otherwise is not ours."""
    handle, left = tempfile.mkstemp(prefix=".run.pt-", suffix=".part", dir=file.parent)
    os.close(handle)
    others = [".run.pt-notes", ".other.pt-abcd1234.part", "run.pt-abcd1234.part"]
    for name in others:
        (file.parent / name).touch()
    long_ago = time.time() - 7200
    for path in file.parent.iterdir():
        os.utime(path, (long_ago, long_ago))
    (file.parent / ".run.pt-running0.part").touch()
    save_checkpoint(file, {"step": 1})
    assert not os.path.exists(left)
    kept = {"run.pt", ".run.pt-running0.part", *others}
    assert {path.name for path in file.parent.iterdir()} == kept


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_the_part_of_a_killed_save_is_one_that_the_next_sweeps(file):
    """The kill falls into a save, when the part is there and not yet renamed."""
    writer = subprocess.run(
        [sys.executable, "-c", KILLED, str(file)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert writer.returncode == -signal.SIGKILL
    (left,) = file.parent.iterdir()
    os.utime(left, (0, 0))
    save_checkpoint(file, {"step": 1})
    assert list(file.parent.iterdir()) == [file]


def test_random_numbers_go_on_where_they_stood(file):
    generator = torch.Generator().manual_seed(3)
    torch.rand(5, generator=generator)
    save_checkpoint(file, {"random": random_state(generator)})
    expected = torch.rand(4), torch.rand(4, generator=generator)
    torch.manual_seed(99)
    other = torch.Generator()
    set_random_state(load_checkpoint(file)["random"], other)
    assert torch.equal(torch.rand(4), expected[0])
    assert torch.equal(torch.rand(4, generator=other), expected[1])
    with pytest.raises(ValueError, match="0 generators are given; expected 1"):
        set_random_state(load_checkpoint(file)["random"])


KILLED = """
import os, signal, sys
from definebyrun.training.checkpoint import save_checkpoint
os.replace = lambda part, file: os.kill(os.getpid(), signal.SIGKILL)
save_checkpoint(sys.argv[1], {"step": 1})
"""

# At each line on its input a new process begins to write; its number is printed.
WRITER = """
import os, sys, torch
from definebyrun.training.checkpoint import save_checkpoint

for _line in sys.stdin:
    child = os.fork()
    step = 0
    while not child:
        step += 1
        x = torch.full((300_000,), float(step))
        save_checkpoint(sys.argv[1], {"step": step, "x": x})
        if step == 1:
            print(os.getpid(), flush=True)
    os.waitpid(child, 0)
    print("dead", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_kill_at_any_moment_leaves_a_checkpoint_that_loads(file):
    chance = random.Random(0)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    for _ in range(4):
        writer.stdin.write("go\n")
        writer.stdin.flush()
        number = int(writer.stdout.readline())
        time.sleep(chance.uniform(0, 0.1))
        os.kill(number, signal.SIGKILL)
        assert writer.stdout.readline() == "dead\n"
        read = load_checkpoint(file)
        assert (read["x"] == read["step"]).all()
    writer.communicate()
