"""One environment variable decides where the book computes."""

import pytest
import torch

from definebyrun import device
from definebyrun.device import VARIABLE, choose_device, has_bfloat16


def test_the_variable_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "cpu")
    assert choose_device() == torch.device("cpu")


def test_unset_takes_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    for there, kind in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert choose_device().type == kind


@pytest.mark.parametrize("wanted", ["gpu", "mps", "cuda:x", "tpu"])
def test_an_unknown_device_is_refused_by_name(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, wanted)
    with pytest.raises(ValueError, match=f"{VARIABLE} is '{wanted}'"):
        choose_device()


def test_a_missing_gpu_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "cuda:1")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(RuntimeError, match="sees 1 CUDA devices"):
        choose_device()


@pytest.mark.parametrize(
    ("text", "answer"),
    [("flags : fpu avx512_bf16 sse", True), ("flags : fpu avx512f", False), (None, False)],
)
def test_the_processor_is_asked_for_bfloat16(monkeypatch, tmp_path, text, answer):
    """What the system says decides, and where it says nothing the slower way is safe."""
    file = tmp_path / "cpuinfo"
    if text is not None:
        file.write_text(text)
    monkeypatch.setattr(device, "Path", lambda name: file)
    assert has_bfloat16() is answer
