"""Kernels that are forks of one process, which has loaded the large libraries for all of them.

Loading PyTorch and what a figure needs takes a kernel five seconds, as long as many a page
computes; a fork has them at once. The book's own package each kernel still loads for itself. Only
the start of a kernel is ours, the rest is jupyter_client's. macOS forbids such forks, and a GPU
that the first process has asked for is lost to the others: there kernels start as ever.

Source: https://jupyter-client.readthedocs.io/en/stable/provisioning.html
"""

import gc
import multiprocessing
import os
import sys
import threading
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, cast

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

NAME = "definebyrun-forked"  # its entry point in pyproject.toml
CHOICE = "JUPYTER_DEFAULT_PROVISIONER_NAME"  # where jupyter_client looks for it
FIGURES = "module://matplotlib_inline.backend_inline"  # as a kernel sets it for itself
LOADED = ["ipykernel.kernelapp", "torch", "torch._dynamo", "matplotlib.pyplot"]


class ForkedKernel(LocalProvisioner):
    """Starts a kernel as a fork; it is asked and ended like any other."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start what the command would start, in the folder and with the variables given."""
        context = multiprocessing.get_context("forkserver")
        folder = str(kwargs.get("cwd") or Path.cwd())
        arguments = cmd[cmd.index("-f") :]
        fork = context.Process(target=_serve, args=(arguments, kwargs["env"], folder))
        fork.start()
        self.process = cast(Any, _Process(fork))
        self.pid = self.pgid = fork.pid
        self.cwd = Path(folder)
        return self.connection_info


class _Process:
    """A process of multiprocessing that answers as one of subprocess does."""

    stdin = stdout = stderr = None

    def __init__(self, fork: Any) -> None:
        self.fork = fork
        self.kill, self.terminate = fork.kill, fork.terminate

    def poll(self) -> int | None:
        """Return the exit status, or nothing while it runs."""
        status: int | None = self.fork.exitcode
        return status

    def wait(self) -> int | None:
        """Wait for the end, and return the exit status."""
        self.fork.join()
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Send a signal to the process alone."""
        os.kill(self.fork.pid, number)


def prepare(variables: dict[str, str]) -> None:
    """Let the kernels of this process be forks; libraries find these variables when loaded."""
    if sys.platform != "linux":
        return
    multiprocessing.get_context("forkserver").set_forkserver_preload(LOADED)
    ours = dict(os.environ)
    try:
        _set(variables | {"MPLBACKEND": FIGURES, "JPY_PARENT_PID": str(os.getpid())})
        forkserver.ensure_running()
    finally:
        _set(ours)
    os.environ[CHOICE] = NAME


def _serve(arguments: list[str], variables: dict[str, str], folder: str) -> None:
    """Be a kernel until it is told to end."""
    os.setsid()  # a signal to its group ends it with all that it has started
    _set(variables)
    gc.freeze()  # what is loaded stays: nothing there to look through for garbage
    os.chdir(folder)
    sys.argv[1:] = arguments
    threading.Thread(target=_end_with_the_build, daemon=True).start()
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()


def _end_with_the_build() -> None:
    """End this kernel when the process that asked for it is no more."""
    build = multiprocessing.parent_process()
    if build is not None:
        build.join()
        os._exit(1)


def _set(variables: dict[str, str]) -> None:
    """Make these all the variables of this process."""
    os.environ.clear()
    os.environ.update(variables)
