"""Fetch a file over the network, with a limit on everything: silence, size and the whole time."""

import io
import os
import threading
from concurrent.futures import Future
from http.client import HTTPException
from urllib.request import Request, urlopen

from tqdm import tqdm

BUILDING = "DEFINEBYRUN_BUILDING"  # set while the book is built: then no progress is shown


def download(address: str, *, most: int, timeout: float, seconds: float) -> bytes:
    """Return what lies at an address. It is held in memory, and nothing is written.

    The work is done in a thread, so that a server that sends a byte now and then cannot hold us
    longer than was said, whatever it is sending.

    Args:
        address: http or https.
        most: bytes; more than that are not read.
        timeout: seconds of silence after which to give up.
        seconds: the time for the whole of it.

    Raises:
        OSError: it could not be fetched, or not in time.
        ValueError: it is larger than the limit, or the address is none.
    """
    result: Future[bytes] = Future()
    over = threading.Event()

    def work() -> None:
        try:
            result.set_result(_stream(address, most, timeout, over))
        except BaseException as problem:  # raised again where the result is asked for
            result.set_exception(problem)

    thread = threading.Thread(target=work, daemon=True)
    try:
        thread.start()
        thread.join(max(seconds, 0))
        if thread.is_alive():
            raise TimeoutError(f"it was not complete after {seconds:.0f} seconds")
    finally:
        over.set()
    return result.result()


def _stream(address: str, most: int, timeout: float, over: threading.Event) -> bytes:
    """Read an answer piece by piece until its end, a limit, or the end of our patience."""
    request = Request(address, headers={"User-Agent": "definebyrun"})
    content = io.BytesIO()
    try:
        with urlopen(request, timeout=timeout) as answer:
            announced = answer.length
            with tqdm(
                total=announced, unit="B", unit_scale=True, disable=bool(os.environ.get(BUILDING))
            ) as bar:
                while not over.is_set() and (piece := answer.read1(2**16)):
                    bar.update(content.write(piece))
                    if content.tell() > most:
                        raise ValueError(f"it is larger than {most:,} bytes")
    except HTTPException as problem:
        raise ConnectionError(f"the answer is no proper one: {problem!r}") from problem
    if announced is not None and content.tell() != announced:
        raise ConnectionError(f"it ended after {content.tell():,} of {announced:,} bytes")
    return content.getvalue()
