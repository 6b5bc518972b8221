"""Two processes that share every batch learn what one process learns from the whole of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F

from definebyrun.data import load_kana
from definebyrun.training.parallel import Place, network, train

pytestmark = pytest.mark.skipif(
    not (dist.is_available() and dist.is_gloo_available()), reason="PyTorch was built without gloo"
)


PARALLEL = ("-m", "definebyrun.training.parallel")


def torchrun(processes, *arguments, program=PARALLEL):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={processes}", *program]
    source = str(Path(__file__).parents[1] / "src")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    environment["PYTHONPATH"] = source
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, env=environment
    )


def test_two_processes_find_the_gradient_and_the_weights_of_one(tmp_path):
    done = torchrun(2, tmp_path / "result.pt", "--steps", 3, "--send", 8, 64)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "2 processes on cpu"
    first, second = torch.load(tmp_path / "result.pt")
    alone = train(Place(), steps=3)
    for name in ("gradient", "weights"):
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], alone[name], rtol=1e-4, atol=1e-6)
    assert len(first["losses"]) == 3
    assert first["losses"] != second["losses"], "they should have seen different images"
    averages = [sum(pair) / 2 for pair in zip(first["losses"], second["losses"], strict=True)]
    assert averages == pytest.approx(alone["losses"]), "together they should see all images"
    for found in (first, second):
        torch.testing.assert_close(found["by hand"], found["weights"], rtol=1e-4, atol=1e-6)
        assert len(found["sending"]) == 2
        assert min(found["sending"]) > 0
    assert torch.equal(first["by hand"], second["by hand"])


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are listed on Linux")
def test_no_thread_of_gloo_outlives_the_group(tmp_path):
    """A thread that is left may let go of a tensor while Python ends, which aborts the process."""
    program = tmp_path / "program.py"
    program.write_text(
        "from pathlib import Path\n"
        "from definebyrun.training import parallel\n"
        "def threads():\n"
        "    return [t.read_text().strip() for t in Path('/proc/self/task').glob('*/comm')]\n"
        "with parallel.joined() as place:\n"
        "    parallel.train(place, steps=1)\n"
        "    parallel.train(place, steps=1, by_hand=True)\n"
        "    assert any('gloo' in name for name in threads()), threads()\n"
        "assert not any('gloo' in name for name in threads()), threads()\n"
    )
    done = torchrun(2, program=[program])
    assert done.returncode == 0, done.stderr


def test_alone_it_takes_plain_steps_of_gradient_descent():
    model = network()
    images, labels = load_kana(seed=0).train
    loss = F.cross_entropy(model(images[:8]), labels[:8])
    gradients = torch.autograd.grad(loss, list(model.parameters()))
    found = train(Place(), steps=1, batch_size=8)
    assert found["losses"] == [loss.item()]
    expected = torch.cat([g.flatten() for g in gradients])
    torch.testing.assert_close(found["gradient"], expected)
    start = torch.cat([p.detach().flatten() for p in network().parameters()])
    torch.testing.assert_close(found["weights"], start - 0.1 * expected)


@pytest.mark.parametrize(("steps", "size"), [(0, 64), (1, 63), (1, 0)])
def test_a_batch_that_cannot_be_shared_is_refused(steps, size):
    with pytest.raises(ValueError, match=f"steps is {steps} and batch_size {size}; expected"):
        train(Place(rank=0, world=2), steps=steps, batch_size=size)
