"""The trainer of the shell: what it trains, what a kill leaves, what it shares, what it refuses."""

import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from PIL import Image
from torch import nn
from torch.distributed.elastic.multiprocessing.api import SignalException

from definebyrun import train
from definebyrun.data import ROMAJI, Examples, ImageData
from definebyrun.data.image import open_character
from definebyrun.models import MLP
from definebyrun.training import evaluate, fit, job, one_cycle, predict
from definebyrun.training.checkpoint import load_checkpoint, save_checkpoint

SOURCE = str(Path(__file__).parents[1] / "src")
ALONE = {**os.environ, "PYTHONPATH": SOURCE, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}

# What the programs below begin with: the few images, instead of all.
FEW = """
import torch
from definebyrun.data import Examples, ImageData
from definebyrun.training import job

parts = [Examples(*part) for part in torch.load("few.pt")]
few = ImageData(job.NAMES["kana"], train=parts[0], test=parts[1], validation_or_none=parts[2])
job.DATA["kana"] = lambda: few
"""


@pytest.fixture(scope="module")
def few() -> ImageData:
    """A few kana: 92 images to train, 46 to choose and 46 to test."""

    def first(part: Examples, count: int) -> Examples:
        return Examples(*(values[:count].clone() for values in part))

    data = job.kana()
    return replace(
        data,
        train=first(data.train, 92),
        test=first(data.test, 46),
        validation_or_none=first(data.validation, 46),
    )


@pytest.fixture
def program(few, tmp_path):
    """A way to run a program on the few images, in a process of its own, until it ends."""
    parts = (few.train, few.test, few.validation)
    torch.save([tuple(part) for part in parts], tmp_path / "few.pt")

    def run(text: str, *words: object, start: tuple[str, ...] = ()) -> subprocess.CompletedProcess:
        (tmp_path / "program.py").write_text(FEW + text)
        return python(*start, "program.py", *words, folder=tmp_path)

    return run


@pytest.fixture
def shell(few, tmp_path, monkeypatch, capsys):
    """The command, in an empty folder, on the CPU and on few images; it returns what it prints."""
    monkeypatch.setitem(job.DATA, "kana", lambda: few)
    monkeypatch.setenv("DEFINEBYRUN_DEVICE", "cpu")
    monkeypatch.chdir(tmp_path)

    def command(line: str) -> str:
        train.main(line.split())
        return capsys.readouterr().out

    return command


@pytest.fixture
def one_thread():
    """Sums in the order in which processes of one thread add them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def python(*words: object, folder: Path) -> subprocess.CompletedProcess:
    """Start Python anew, on one thread of the CPU."""
    return subprocess.run(
        [sys.executable, *map(str, words)],
        capture_output=True,
        text=True,
        env=ALONE,
        cwd=folder,
        timeout=120,
    )


def weights(file) -> dict[str, torch.Tensor]:
    return load_checkpoint(file)["model"]


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def test_alone_it_trains_what_fit_trains_bitwise(shell, few):
    """Of 92 images 40 make two whole batches and one of 12."""
    printed = shell("mlp --epochs 3 --lr 0.01 --batch-size 40 --seed 5")
    torch.manual_seed(5)
    model = MLP()
    history = fit(
        model,
        few.train,
        few.validation,
        epochs=3,
        batch_size=40,
        optimizer=partial(torch.optim.Adam, lr=0.01, fused=True),
        schedule=one_cycle,
        seed=5,
        device="cpu",
        quiet=True,
    )
    assert same(weights("mlp.pt"), model.state_dict())
    loss, accuracy = history.train_loss[-1], history.valid_accuracy[-1]
    assert f"epoch 3 of 3: training loss {loss:.3f}, validation accuracy {accuracy:.3f}" in printed
    assert f"test accuracy {evaluate(model, few.test).accuracy:.3f}; kept in mlp.pt" in printed


@pytest.mark.parametrize("network", job.NETWORKS)
def test_every_network_trains_and_is_kept(shell, few, network):
    shell(f"{network} --epochs 1 --checkpoint kept/here.pt")
    saved = load_checkpoint("kept/here.pt")
    assert saved["settings"]["network"] == network
    first = job.Job(job.Settings(network), torch.device("cpu"))
    assert all(p.grad is None for p in first.model.parameters())
    moved = [
        not torch.equal(saved["model"][name], value)
        for name, value in first.model.named_parameters()
    ]
    assert all(moved)


def test_the_residual_network_has_thirty_layers():
    model = job.NETWORKS["residual"](46)
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == 30
    assert model(torch.rand(2, 1, 48, 48)).shape == (2, 46)
    assert job.NETWORKS["global"](10)(torch.rand(2, 1, 48, 48)).shape == (2, 10)


def test_digits_are_as_large_as_kana_and_keep_their_order():
    data = job.digits()
    for part in (data.train, data.validation, data.test):
        assert part.images.shape == (len(part.labels), 1, 48, 48)
        assert part.images.min() >= 0
        assert part.images.max() <= 1
    assert data.names == job.NAMES["digits"]
    filled = (data.train.images > 0.5).any(dim=2).flatten(1).sum(dim=1).max()
    assert filled > 40, "a digit should fill its square as a character cut out of a picture does"


def test_the_test_images_are_opened_once(shell, few, monkeypatch):
    """And a finished training given again trains nothing, and says the same."""
    opened = []

    def counting(model, data):
        opened.append(data is few.test)
        return evaluate(model, data)

    monkeypatch.setattr(job, "evaluate", counting)
    first = shell("mlp --epochs 2").splitlines()
    assert opened == [False, False, True]
    content = Path("mlp.pt").read_bytes()
    again = shell("mlp").splitlines()
    assert opened == [False, False, True]
    assert Path("mlp.pt").read_bytes() == content
    assert again[1] == "mlp.pt has epoch 2 of 2"
    assert again[2] == first[-1]


def test_a_bar_where_someone_watches_and_nowhere_else(shell, monkeypatch, capsys):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shell("mlp --epochs 1")
    assert capsys.readouterr().err == ""
    watched = Terminal()
    monkeypatch.setattr(sys, "stderr", watched)
    shell("mlp --epochs 1 --checkpoint other.pt")
    assert "epoch 1 of 1:   0%|" in watched.getvalue()
    assert "/3 [" in watched.getvalue()


def test_help_names_every_network_and_option(shell, capsys):
    with pytest.raises(SystemExit) as ended:
        shell("--help")
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for word in (
        *job.NETWORKS,
        *("--data", "--epochs", "--lr", "--batch-size", "--seed", "--device", "--processes"),
        *("--checkpoint", "--predict"),
    ):
        assert word in shown


def picture(image: torch.Tensor, file: Path, *, light_on_dark: bool = False) -> Path:
    """Write an image of the data as a larger picture, the character in a corner."""
    ink = Image.fromarray((image[0] * 255).byte().numpy()).resize((150, 150))
    page = Image.new("L", (400, 300), 0)
    page.paste(ink, (20, 90))
    if not light_on_dark:
        page = page.point(lambda level: 255 - level)
    page.save(file)
    return file


def test_it_predicts_at_the_end_and_by_itself(shell, few):
    """The five most probable, and the probabilities are those of the network in the file."""
    image, label = few.train.images[0], few.train.labels[0]
    picture(image, Path("a.png"))
    picture(image, Path("b.png"), light_on_dark=True)
    line = shell("mlp --epochs 25 --batch-size 23 --predict a.png").splitlines()[-1]
    model = MLP()
    model.load_state_dict(weights("mlp.pt"))
    ink = torch.from_numpy(open_character(Path("a.png"))) / 255
    truth = predict(model, ink[None, None])[0].softmax(dim=0).sort(descending=True)
    expected = ", ".join(
        f"{ROMAJI[k]} {p:.3f}"
        for k, p in zip(truth.indices[:5].tolist(), truth.values[:5].tolist(), strict=True)
    )
    assert line == f"a.png: {expected}"
    assert truth.indices[0] == label
    other = shell("mlp --predict b.png").splitlines()[-1]
    assert other == line.replace("a.png", "b.png")


def spoil(kind: str, file: Path) -> None:
    """Put something into the place of the checkpoint that is none of this training."""
    saved = load_checkpoint(file)
    if kind == "truncated":
        file.write_bytes(file.read_bytes()[:9999])
    elif kind == "foreign":
        file.write_text("not a network")
    elif kind == "weights":
        save_checkpoint(file, {"model": saved["model"]})
    elif kind == "misfit":
        save_checkpoint(file, {**saved, "settings": {**saved["settings"], "network": "cnn"}})
    elif kind == "settings":
        save_checkpoint(file, {**saved, "settings": ["mlp"]})
    elif kind == "folder":
        file.unlink()
        file.mkdir()


@pytest.fixture
def kept(shell):
    """A training of one epoch in mlp.pt."""
    shell("mlp --epochs 1")
    return Path("mlp.pt")


@pytest.mark.parametrize(
    ("kind", "line", "message"),
    [
        ("truncated", "mlp", "'mlp.pt' is truncated or no checkpoint"),
        ("foreign", "mlp", "'mlp.pt' is truncated or no checkpoint|'mlp.pt' is no pure data"),
        ("weights", "mlp", "'mlp.pt' lacks settings, done, test, optimizer, random; it has model"),
        ("misfit", "cnn --checkpoint mlp.pt", "'mlp.pt' does not hold a training of a network"),
        ("settings", "mlp", "'mlp.pt' does not hold a training of a network"),
        ("folder", "mlp", "mlp.pt"),
        ("", "cnn --checkpoint mlp.pt", "holds a training with network mlp, not cnn; expected"),
        ("", "mlp --lr 0.5", "'mlp.pt' holds a training with lr 0.006, not 0.5; expected"),
        ("", "mlp --epochs 2", "'mlp.pt' holds a training with epochs 1, not 2; expected"),
        ("", "mlp --data digits", "'mlp.pt' holds a training with data kana, not digits"),
    ],
)
def test_a_file_of_something_else_is_refused_and_left_as_it_is(
    shell, kept, capsys, kind, line, message
):
    spoil(kind, kept)
    before = kept.read_bytes() if kept.is_file() else None
    with pytest.raises(SystemExit) as ended:
        shell(line)
    assert ended.value.code == 2
    errors = capsys.readouterr().err
    assert any(part in errors for part in message.split("|")), errors
    assert "Traceback" not in errors
    assert before == (kept.read_bytes() if kept.is_file() else None)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "the following arguments are required: NETWORK"),
        ("vgg", "invalid choice: 'vgg' (choose from"),
        ("mlp --data cats", "invalid choice: 'cats' (choose from"),
        ("mlp --lr -1", "lr is -1.0; expected a positive number"),
        ("mlp --lr nan", "lr is nan; expected a positive number"),
        ("mlp --lr much", "invalid float value: 'much'"),
        ("mlp --epochs 0", "epochs is 0; expected at least 1"),
        ("mlp --epochs 1.5", "invalid int value: '1.5'"),
        ("mlp --batch-size 1", "batch_size is 1; expected at least 2"),
        ("mlp --batch-size 13", "batch_size is 13, which leaves the last of 92 images alone"),
        ("mlp --seed -1", "seed is -1; expected at least 0"),
        ("mlp --device tpu", "DEFINEBYRUN_DEVICE is 'tpu'; expected 'cpu', 'cuda'"),
        ("mlp --device cuda:99", "DEFINEBYRUN_DEVICE is 'cuda:99', but PyTorch sees"),
        ("mlp --processes 0", "processes is 0; expected 1 to 32"),
        ("mlp --processes 33", "processes is 33; expected 1 to 32"),
        ("mlp --predict nothing.png", "nothing.png"),
        ("mlp --predict text.png", "'text.png' cannot be read as an image"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_done(shell, capsys, line, message):
    Path("text.png").write_text("no image")
    with pytest.raises(SystemExit) as ended:
        shell(line)
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert [file.name for file in Path().iterdir()] == ["text.png"]


def test_ctrl_c_says_how_to_go_on(shell, capsys, monkeypatch):
    calls = []

    def stopping(*arguments):
        calls.append(arguments)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(*arguments)

    real = job.step
    monkeypatch.setattr(job, "step", stopping)
    with pytest.raises(SystemExit) as ended:
        shell("mlp --epochs 2")
    assert ended.value.code == 130
    assert "the same command goes on from mlp.pt" in capsys.readouterr().err
    assert load_checkpoint("mlp.pt")["done"] == 1


def test_so_does_ctrl_c_when_several_processes_train(shell, capsys, monkeypatch):
    def stopped(words):
        raise SignalException("got signal: 2", signal.SIGINT)

    monkeypatch.setattr(train, "torchrun", stopped)
    with pytest.raises(SystemExit) as ended:
        shell("mlp --processes 2")
    assert ended.value.code == 130
    assert "the same command goes on from mlp.pt" in capsys.readouterr().err


END = """
from definebyrun import train
train.main()
"""

# Train again and again, each time in a process of its own that dies at a call of a function: before
# it, after it, or half through the bytes it writes; say how it ended and what the file then holds.
KILLED = """
import io, json, os, signal, sys
from pathlib import Path
import torch._dynamo  # an optimizer loads it: once for all
from definebyrun import train
from definebyrun.training.checkpoint import load_checkpoint

def die(where, name, number, when):
    owner = {"job": job, "os": os, "torch": torch}[where]
    real, calls = getattr(owner, name), []

    def counting(*values, **more):
        calls.append(0)
        if len(calls) < number:
            return real(*values, **more)
        if when == "half":
            whole = io.BytesIO()
            real(values[0], whole)
            values[1].write(whole.getvalue()[: len(whole.getvalue()) // 2])
            values[1].flush()
        elif when == "after":
            real(*values, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, counting)

moments, *words = sys.argv[1:]
for moment in json.loads(moments):
    child = os.fork()
    if not child:
        os.dup2(2, 1)
        die(*moment)
        train.main(words)
        os._exit(0)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    kept = load_checkpoint(words[-1])["done"] if Path(words[-1]).exists() else None
    print(json.dumps([ended, kept]), flush=True)
train.main(words)
"""

MOMENTS = [  # where to die, counted from the last start, and what the file must then hold
    (("torch", "save", 1, "half"), None),  # the first file is half written
    (("os", "replace", 2, "before"), 1),  # the second is whole, but not yet in its place
    (("job", "step", 2, "after"), 1),  # in the second epoch
    (("torch", "save", 1, "half"), 1),  # the second file is half written
    (("os", "replace", 1, "after"), 2),  # it has just come to its place
    (("job", "evaluate", 2, "before"), 3),  # the test images are about to be opened
    (("os", "fsync", 1, "before"), 3),  # what they said is not yet on the disk
]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL")
def test_a_kill_at_any_moment_costs_at_most_an_epoch_and_not_a_bit(
    shell, program, one_thread, tmp_path
):
    """Seven kills, one after the other; the next start ends as if there had been none."""
    line = "mlp --epochs 3 --batch-size 23 --checkpoint"
    file = tmp_path / "killed.pt"
    moments = [moment for moment, _kept in MOMENTS]
    ended = program(KILLED, json.dumps(moments), *line.split(), file)
    assert ended.returncode == 0, ended.stderr
    found = [json.loads(said) for said in ended.stdout.splitlines()[: len(MOMENTS)]]
    for (moment, kept), (status, held) in zip(MOMENTS, found, strict=True):
        assert status == -signal.SIGKILL, (moment, ended.stderr)
        assert held == kept, moment
    shell(f"{line} never-killed.pt")
    found, expected = load_checkpoint(file), load_checkpoint("never-killed.pt")
    assert same(found["model"], expected["model"])
    assert found["test"] == expected["test"]
    mine, theirs = (saved["optimizer"]["state"] for saved in (found, expected))
    assert mine.keys() == theirs.keys()
    assert all(same(mine[key], theirs[key]) for key in mine)
    assert torch.equal(found["random"]["generators"][0], expected["random"]["generators"][0])


gloo = pytest.mark.skipif(
    not (dist.is_available() and dist.is_gloo_available()), reason="PyTorch was built without gloo"
)


def compare(two, one, *, free: tuple[str, ...]) -> None:
    """Compare two trainings to rounding: averages of the gradients, weights, and the accuracy.

    A bias before batch normalisation has the gradient zero but for rounding, which Adam divides
    by itself. It has no influence, so it is free to differ.
    """
    assert two["done"] == one["done"]
    assert two["test"] == pytest.approx(one["test"], abs=0.01)
    learned = [n for n in one["model"] if "running" not in n and "num_batches" not in n]
    states = zip(
        learned,
        two["optimizer"]["state"].values(),
        one["optimizer"]["state"].values(),
        strict=True,
    )
    for name, mine, theirs in states:
        rounding = 1e-5 if name.endswith(free) else 2e-6
        torch.testing.assert_close(mine["exp_avg"], theirs["exp_avg"], rtol=1e-3, atol=rounding)
    for name, value in one["model"].items():
        if not name.endswith(free):
            torch.testing.assert_close(two["model"][name], value, rtol=1e-3, atol=1e-4)


@gloo
def test_two_processes_train_what_one_trains(shell, tmp_path):
    """By the command itself, and with a last batch that is smaller than the others."""
    words = ["mlp", "--data", "digits", "--epochs", "1", "--batch-size", "500", "--device", "cpu"]
    both = ["--processes", "2", "--checkpoint", "two.pt"]
    ended = python("-m", train.PROGRAM, *words, *both, folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[0].endswith("cpu, processes: 2")
    assert len(lines) == 3, "only one process should print"
    one = shell(" ".join([*words, "--checkpoint", "one.pt"])).splitlines()
    assert lines[1][:35] == one[1][:35]  # up to the second digit of the loss
    compare(
        load_checkpoint("two.pt"),
        load_checkpoint("one.pt"),
        free=("affine1.bias", "affine2.bias", "running_mean"),
    )


@gloo
def test_shares_of_different_sizes_still_make_one_batch(shell, program):
    """Batches of 45, 45 and 2: shares of 23 and 22, and of one image each."""
    line = "cnn --epochs 1 --batch-size 45 --lr 1e-3 --checkpoint"
    start = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    ended = program(END, *line.split(), "two.pt", start=start)
    assert ended.returncode == 0, ended.stderr
    shell(f"{line} one.pt")
    compare(
        load_checkpoint("two.pt"),
        load_checkpoint("one.pt"),
        free=("conv1.bias", "conv2.bias", "conv3.bias", "running_mean"),
    )


@gloo
def test_a_process_that_lost_its_starter_ends_and_writes_nothing(few, tmp_path, monkeypatch):
    """Otherwise it would go on training beside the run that was started in its place."""
    parents = iter([1234, 1])
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    monkeypatch.setattr(job, "DistributedDataParallel", lambda model: model)
    monkeypatch.setattr(job, "train_epoch", lambda *_: 0.0)
    run = job.Job(job.Settings("mlp"), torch.device("cpu"))
    with pytest.raises(SystemExit, match="program that started this process is gone"):
        job.run(run, few, tmp_path / "a.pt", job.Place(0, 2), print)
    assert not list(tmp_path.iterdir())
