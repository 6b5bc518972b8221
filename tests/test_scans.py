"""The scans of the National Diet Library: fetched from a server that misbehaves in every way a
network can, and read from the real files where they are there."""

import contextlib
import errno
import gzip
import hashlib
import http.server
import io
import os
import random
import shutil
import subprocess
import sys
import threading
import time
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from definebyrun.data import NAMES, load_kana
from definebyrun.data import archive as archive_module
from definebyrun.data import cache as cache_module
from definebyrun.data import scans as scans_module
from definebyrun.data.archive import COUNTS, code_point, fetch_archive, verify_archive
from definebyrun.data.image import open_image
from definebyrun.data.scans import DOWNLOAD, VARIABLE, read_scans, read_source, scans_source

FEW = {"あ": 3, "ん": 2}


def png(number, mode="L"):
    """A small image of dark ink on light paper, another one for each number."""
    rng = np.random.default_rng(number)
    page = np.full((48, 48), 200, dtype=np.uint8)
    row, column = rng.integers(4, 30, 2)
    page[row : row + 12, column : column + 12] = rng.integers(0, 60)
    stream = io.BytesIO()
    Image.fromarray(page).convert(mode).save(stream, "PNG")
    return stream.getvalue()


def make_zip(counts=FEW, extra=()):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, count in counts.items():
            for number in range(count):
                archive.writestr(
                    f"hiragana73/{code_point(name)}/19{number:02}_1_1.png", png(number)
                )
        for name, content in extra:
            archive.writestr(name, content)
    return stream.getvalue()


class Server(http.server.BaseHTTPRequestHandler):
    """Answers each request as the next of its `answers` says; the last one is repeated."""

    protocol_version = "HTTP/1.0"

    def log_message(self, *_):
        pass

    def do_GET(self):
        answers, good = self.server.answers, self.server.good
        self.server.asked += 1
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer == "not found":
            self.send_error(404)
            return
        body = good
        if answer == "page":  # a proxy's error page that calls itself a success
            body = b"<html>Service temporarily unavailable</html>"
        if answer == "corrupt":  # one bit of an image's bytes
            middle = good.index(b"IDAT") + 20
            body = good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :]
        if answer == "slow headers":  # a byte now and then, so that no silence is ever long
            with contextlib.suppress(OSError):
                while not self.server.released.wait(0.05):
                    self.wfile.write(b"HTTP/1.0 200 OK\r\n"[:1])
            return
        self.send_response(200)
        if answer == "bomb":  # 300 MB that call themselves 300 kB
            body = gzip.compress(bytes(300_000_000), 1)
            self.send_header("Content-Encoding", "gzip")
        if answer == "swollen":
            self.send_header("Content-Length", str(10**12))
        elif answer != "endless":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if answer in ("endless", "swollen"):
            with contextlib.suppress(OSError):
                while not self.server.released.is_set():
                    self.wfile.write(bytes(10_000))
            return
        if answer == "dribble":
            with contextlib.suppress(OSError):
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    if self.server.released.wait(0.05):
                        return
        if answer == "cut":
            self.wfile.write(body[: len(body) // 2])
        elif answer == "stall":
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.server.released.wait(20)
        else:
            self.wfile.write(body)


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.answers, server.good, server.asked = ["good"], make_zip(), 0
    server.handle_error = lambda *_: None  # we hang up on it, and it need not complain
    server.released = threading.Event()
    server.address_text = f"http://127.0.0.1:{server.server_address[1]}/hiragana73.zip"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(server, folder, **options):
    options = {"counts": FEW, "timeout": 0.4, "pause": 0.0, "tries": 2, "most": 100_000} | options
    return fetch_archive(folder, address=server.address_text, **options)


def left_behind(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_good_archive_is_fetched_once(server, tmp_path):
    assert fetch(server, tmp_path) == server.good
    assert fetch(server, tmp_path) == server.good
    assert server.asked == 1
    assert left_behind(tmp_path) == ["hiragana73.zip", "hiragana73.zip.sha256"]
    assert (tmp_path / "hiragana73.zip").read_bytes() == server.good


FAULTS = ["cut", "corrupt", "stall", "page", "not found", "endless", "swollen", "bomb"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_tried_again(server, tmp_path, fault):
    server.answers = [fault, "good"]
    assert fetch(server, tmp_path) == server.good
    assert server.asked == 2


@pytest.mark.parametrize("fault", FAULTS)
def test_a_lasting_fault_leaves_nothing_and_says_what_to_do(server, tmp_path, fault):
    server.answers = [fault]
    with pytest.raises(
        ConnectionError, match=r"in 2 tries: .*(?s:.)*unpack hiragana73\.zip by hand"
    ):
        fetch(server, tmp_path)
    assert server.asked == 2
    assert left_behind(tmp_path) == []


def test_no_network_says_what_to_do(tmp_path):
    with pytest.raises(ConnectionError, match="embedded kana are loaded"):
        fetch_archive(
            tmp_path, address="http://127.0.0.1:9/x.zip", timeout=0.4, tries=1, counts=FEW
        )
    assert left_behind(tmp_path) == []


def test_a_spoilt_archive_is_replaced_by_a_good_one_only(server, tmp_path):
    fetch(server, tmp_path)
    archive = tmp_path / "hiragana73.zip"
    archive.write_bytes(server.good[:-300])
    server.answers = ["page"]
    with pytest.raises(ConnectionError):
        fetch(server, tmp_path)
    assert archive.read_bytes() == server.good[:-300]  # still what there was
    server.answers = ["good"]
    assert fetch(server, tmp_path) == server.good


def test_a_good_archive_is_not_asked_for_again_when_the_server_turns_bad(server, tmp_path):
    fetch(server, tmp_path)
    server.answers = ["page"]
    assert fetch(server, tmp_path) == server.good


@pytest.mark.parametrize("fault", ["slow headers", "dribble", "endless"])
def test_the_whole_time_is_limited_whatever_the_server_sends(server, tmp_path, fault):
    server.answers = [fault]
    start = time.monotonic()
    with pytest.raises(ConnectionError, match="not complete after"):
        fetch(server, tmp_path, seconds=0.3, timeout=5, most=10**9)
    assert time.monotonic() - start < 3
    assert left_behind(tmp_path) == []


def test_another_archive_than_the_first_one_seen_is_refused(server, tmp_path):
    """Over plain http anybody on the way could have swapped it."""
    fetch(server, tmp_path)
    first = (tmp_path / "hiragana73.zip.sha256").read_text()
    assert first == hashlib.sha256(server.good).hexdigest()
    (tmp_path / "hiragana73.zip").unlink()
    server.good = make_zip(extra=[("hiragana73/new.txt", b"x")])
    with pytest.raises(ConnectionError, match=rf"its SHA-256 is .* expected {first}"):
        fetch(server, tmp_path)
    (tmp_path / "hiragana73.zip").write_bytes(server.good)  # nor from the disk
    with pytest.raises(ConnectionError, match=rf"expected {first}"):
        fetch(server, tmp_path)


def test_a_damaged_record_of_the_hash_counts_as_none(server, tmp_path):
    (tmp_path / "hiragana73.zip.sha256").write_bytes(b"\xff\x00 no hash")
    fetch(server, tmp_path)
    known = (tmp_path / "hiragana73.zip.sha256").read_text()
    assert known == hashlib.sha256(server.good).hexdigest()


def test_a_hash_that_the_book_knows_must_be_met(server, tmp_path, monkeypatch):
    monkeypatch.setattr(archive_module, "SHA256", "0" * 64)
    with pytest.raises(ConnectionError, match=r"its SHA-256 is .* expected 0000"):
        fetch(server, tmp_path)
    monkeypatch.setattr(archive_module, "SHA256", hashlib.sha256(server.good).hexdigest())
    assert fetch(server, tmp_path) == server.good


@pytest.mark.parametrize(
    "name",
    ["../evil.png", "/etc/evil.png", "hiragana73/../../evil.png", "..\\evil.png", "C:/x.png"],
)
def test_an_entry_that_leaves_the_folder_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="leaves the folder"):
        verify_archive(make_zip(extra=[(name, b"x")]), FEW)


@pytest.mark.parametrize("counts", [{"あ": 2, "ん": 2}, {"あ": 4, "ん": 2}])
def test_an_image_too_few_or_too_many_is_noticed(counts):
    with pytest.raises(ValueError, match=f"it has {counts['あ']} images of あ; expected 3"):
        verify_archive(make_zip(counts), FEW)


@pytest.mark.parametrize(
    "name",
    [
        "hiragana73/U3042/deep/x.png",
        "other/U3042/x.png",
        "xU3042/x.png",
        "hiragana73/U3042/._x.png",
        "__MACOSX/hiragana73/U3042/x.png",
        "hiragana73/U304C/x.png",
    ],
)
def test_what_was_not_published_is_neither_counted_nor_read(tmp_path, monkeypatch, name):
    """Counting and reading choose by the same function: a foreign file gets into neither."""
    verify_archive(make_zip(extra=[(name, b"no image")]), FEW)
    (tmp_path / "hiragana73.zip").write_bytes(make_zip(extra=[(name, b"no image")]))
    monkeypatch.setattr(scans_module, "COUNTS", FEW)
    monkeypatch.setattr(
        scans_module, "fetch_archive", lambda folder: fetch_archive(folder, counts=FEW, tries=0)
    )
    assert read_scans(DOWNLOAD, cache=tmp_path).labels.tolist() == [0, 0, 0, 45, 45]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_entry_that_occurs_twice_is_refused():
    twice = make_zip({"あ": 2, "ん": 2}, extra=[("hiragana73/U3042/1900_1_1.png", png(7))])
    with pytest.raises(ValueError, match=r"entry 'hiragana73/U3042/1900_1_1\.png' occurs twice"):
        verify_archive(twice, FEW)


@pytest.mark.parametrize("content", [b"a text file", png(5)[:60], b""])
def test_an_entry_that_cannot_be_decoded_is_named_before_the_archive_counts_as_verified(content):
    """It used to be verified, kept, and then to fail in every later call."""
    spoilt = make_zip({"あ": 2, "ん": 2}, extra=[("hiragana73/U3042/x.png", content)])
    with pytest.raises(ValueError, match=r"'hiragana73/U3042/x\.png' cannot be read as an image"):
        verify_archive(spoilt, FEW)


def test_an_entry_of_many_pixels_is_refused():
    stream = io.BytesIO()
    Image.new("1", (1000, 1000)).save(stream, "PNG")
    large = make_zip({"ん": 2}, extra=[("hiragana73/U3042/x.png", stream.getvalue())])
    with pytest.raises(ValueError, match="it has 1,000 x 1,000 pixels"):
        verify_archive(large, {"あ": 1, "ん": 2})


def test_a_swollen_entry_is_refused_unread():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("hiragana73/U3042/x.png", bytes(2_000_000))
    with pytest.raises(ValueError, match="2000000 bytes"):
        verify_archive(stream.getvalue(), {"あ": 1})


def test_damaged_archives_end_in_a_value_error():
    rng = random.Random(0)
    good = make_zip()
    for _ in range(300):
        damaged = bytearray(good)
        for _ in range(rng.choice((1, 3, 9))):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        with contextlib.suppress(ValueError):
            verify_archive(bytes(damaged[: rng.randrange(len(damaged)) or None]), FEW)
        with contextlib.suppress(ValueError):
            verify_archive(bytes(damaged), FEW)


def test_the_published_counts():
    """The 46 counts of the library's page, by their ends and their sum."""
    assert tuple(COUNTS) == NAMES
    assert (COUNTS["あ"], COUNTS["り"], COUNTS["ん"]) == (1208, 1244, 1285)
    assert sum(COUNTS.values()) == PUBLISHED_SUM
    assert min(COUNTS.values()) == COUNTS["ち"] == 1052


PUBLISHED_SUM = 54_930


@pytest.fixture
def small(server, monkeypatch):
    """Let the word ``download`` mean the server of these tests, and its few images."""
    monkeypatch.setattr(scans_module, "COUNTS", FEW)
    monkeypatch.setattr(scans_module, "fetch_archive", lambda folder: fetch(server, folder))
    return server


def test_download_reads_the_archive_once_and_the_compact_file_after(small, tmp_path):
    first = read_scans(DOWNLOAD, cache=tmp_path)
    assert first.images.shape == (5, 1, 48, 48)
    assert first.labels.tolist() == [0, 0, 0, 45, 45]
    (tmp_path / "hiragana73.zip").unlink()
    small.answers = ["page"]
    again = read_scans(DOWNLOAD, cache=tmp_path)
    assert torch.equal(first.images, again.images)
    assert small.asked == 1


def damage_labels(file, images, labels):
    labels[0] = 99
    np.savez(file, images=images, labels=labels)


DAMAGE = {
    "empty": lambda file, images, labels: file.write_bytes(b""),
    "cut": lambda file, images, labels: file.write_bytes(file.read_bytes()[:-100]),
    "noise": lambda file, images, labels: file.write_bytes(os.urandom(5000)),
    "a flipped bit": lambda file, images, labels: file.write_bytes(
        (good := file.read_bytes())[:900] + bytes([good[900] ^ 1]) + good[901:]
    ),
    "labels out of range": damage_labels,
    "floats": lambda file, images, labels: np.savez(file, images=images / 255, labels=labels),
    "another shape": lambda file, images, labels: np.savez(
        file, images=images[:, :, :40], labels=labels
    ),
    "fewer labels": lambda file, images, labels: np.savez(file, images=images, labels=labels[1:]),
    "short labels": lambda file, images, labels: np.savez(
        file, images=images, labels=labels.astype(np.uint8)
    ),
    "no images": lambda file, images, labels: np.savez(file, labels=labels),
    "none at all": lambda file, images, labels: np.savez(
        file, images=images[:0], labels=labels[:0]
    ),
    "a pickle": lambda file, images, labels: np.savez(
        file, images=images, labels=labels.astype(object)
    ),
    "a folder": lambda file, images, labels: (file.unlink(), file.mkdir()),
    "a pipe": lambda file, images, labels: (file.unlink(), os.mkfifo(file)),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_compact_file_is_removed_and_made_anew(tmp_path, damage):
    unpack_to(tmp_path)
    cache = tmp_path / "cache"
    first = read_scans(tmp_path, cache=cache)
    (file,) = cache.iterdir()
    with np.load(file) as saved:
        damage(file, saved["images"], saved["labels"])
    again = read_scans(tmp_path, cache=cache)
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.labels, again.labels)
    with np.load(file) as saved:
        assert (saved["images"] == first.images.numpy()).all()


def test_the_cache_knows_files_by_what_is_in_them(tmp_path):
    """Not by size and time, which an edit may leave as they were."""
    unpack_to(tmp_path)
    file = tmp_path / "hiragana73" / "U3093" / "1900_1_1.png"
    before, time_before = read_scans(tmp_path, cache=tmp_path / "cache"), file.stat().st_mtime_ns
    other = png(99)
    size = max(len(other), len(file.read_bytes()))
    file.write_bytes(file.read_bytes().ljust(size, b"\0"))
    os.utime(file, ns=(time_before, time_before))
    padded = read_scans(tmp_path, cache=tmp_path / "cache")
    file.write_bytes(other.ljust(size, b"\0"))
    os.utime(file, ns=(time_before, time_before))
    after = read_scans(tmp_path, cache=tmp_path / "cache")
    assert torch.equal(before.images, padded.images)
    assert not torch.equal(padded.images, after.images)


def test_another_format_is_made_anew(tmp_path, monkeypatch):
    unpack_to(tmp_path)
    read_scans(tmp_path, cache=tmp_path / "cache")
    monkeypatch.setattr(scans_module, "FORMAT", scans_module.FORMAT + 1)
    read_scans(tmp_path, cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_cache_that_cannot_be_written_costs_one_warning(small, tmp_path):
    """Here a file lies where the folder should be; the data comes from memory, every time."""
    (tmp_path / "taken").write_text("")
    with pytest.warns(UserWarning, match="nothing can be kept in '.*taken'") as warned:
        first = read_scans(DOWNLOAD, cache=tmp_path / "taken")
    assert len(warned) == 1
    again = read_scans(DOWNLOAD, cache=tmp_path / "taken")
    assert torch.equal(first.images, again.images)
    assert small.asked == 2


def test_a_full_disk_costs_one_warning_and_leaves_no_piece(small, tmp_path, monkeypatch):
    class Full(io.BytesIO):
        def write(self, content):
            raise OSError(errno.ENOSPC, "No space left on device")

    def open_full(handle, mode):
        os.close(handle)
        return Full()

    monkeypatch.setattr(cache_module.os, "fdopen", open_full)
    with pytest.warns(UserWarning, match=r"\(No space left on device\)") as warned:
        examples = read_scans(DOWNLOAD, cache=tmp_path)
    assert len(warned) == 1
    assert len(examples.labels) == 5
    assert left_behind(tmp_path) == []


def test_leftovers_of_killed_runs_are_swept_and_work_in_progress_is_not(tmp_path):
    for name in ("part-old", "part-new"):
        (tmp_path / name).write_bytes(bytes(1000))
    (tmp_path / "part-folder").mkdir()
    for name in ("part-old", "part-folder"):
        os.utime(tmp_path / name, (0, 0))
    assert cache_module.write(tmp_path / "file", b"x")
    assert left_behind(tmp_path) == ["file", "part-new"]


def test_a_run_that_is_killed_while_it_writes_leaves_only_what_is_swept(tmp_path):
    code = (
        "import os, sys, pathlib\n"
        "from definebyrun.data import cache\n"
        "cache.os.replace = lambda *_: os.kill(os.getpid(), 9)\n"
        "cache.write(pathlib.Path(sys.argv[1]) / 'file', bytes(1000))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    (left,) = tmp_path.iterdir()
    os.utime(left, (0, 0))
    cache_module.write(tmp_path / "file", b"x")
    assert left_behind(tmp_path) == ["file"]


def unpack_to(folder, counts=FEW):
    with zipfile.ZipFile(io.BytesIO(make_zip(counts))) as archive:
        archive.extractall(folder)
    return folder


def test_a_folder_gives_what_its_archive_gives(small, tmp_path):
    packed = read_scans(DOWNLOAD, cache=tmp_path / "cache", per_class=2)
    unpack_to(tmp_path)
    for source in (tmp_path, tmp_path / "hiragana73"):
        unpacked = read_scans(source, cache=tmp_path / "other", per_class=2)
        assert torch.equal(packed.images, unpacked.images)
        assert torch.equal(packed.labels, unpacked.labels)


def test_the_choice_is_seeded_and_does_not_depend_on_the_order_of_the_listing(tmp_path):
    unpack_to(tmp_path, {"あ": 40})

    def chosen(seed):
        return read_scans(tmp_path, per_class=10, seed=seed, cache=tmp_path / "c").images

    assert len(chosen(0)) == 10
    assert not torch.equal(chosen(0), chosen(1))
    other = tmp_path / "b" / "hiragana73" / "U3042"
    other.mkdir(parents=True)
    for file in sorted((tmp_path / "hiragana73" / "U3042").iterdir(), reverse=True):
        shutil.copy(file, other)
    again = read_scans(tmp_path / "b", per_class=10, seed=0, cache=tmp_path / "c").images
    assert torch.equal(chosen(0), again)


def test_a_changed_folder_is_read_anew(tmp_path):
    unpack_to(tmp_path)
    cache = tmp_path / "cache"
    assert len(read_scans(tmp_path, cache=cache).labels) == 5
    (tmp_path / "hiragana73" / "U3093" / "1999_1_1.png").write_bytes(png(99))
    assert len(read_scans(tmp_path, cache=cache).labels) == 6


def test_a_broken_file_is_named_and_nothing_is_cached(tmp_path):
    unpack_to(tmp_path)
    (tmp_path / "hiragana73" / "U3093" / "1999_1_1.png").write_bytes(png(99)[:60])
    with pytest.raises(ValueError, match=r"1999_1_1\.png' cannot be read"):
        read_scans(tmp_path, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*"))


def test_code_point_and_character_side_by_side_are_both_read(tmp_path):
    unpack_to(tmp_path)
    inside = tmp_path / "hiragana73"
    (inside / "あ").mkdir()
    (inside / "あ" / "x.png").write_bytes(png(50))
    assert read_scans(tmp_path, cache=tmp_path / "c").labels.tolist() == [0] * 4 + [45] * 2


def test_a_pipe_among_the_scans_is_named_and_does_not_hang(tmp_path):
    unpack_to(tmp_path)
    os.mkfifo(tmp_path / "hiragana73" / "U3042" / "pipe.png")
    with pytest.raises(ValueError, match=r"pipe\.png' cannot be read: it is no regular file"):
        read_scans(tmp_path, cache=tmp_path / "c")


def test_a_scan_without_ink_is_kept_as_published_and_reported(tmp_path):
    unpack_to(tmp_path)
    blank = tmp_path / "hiragana73" / "U3093" / "1999_1_1.png"
    Image.new("L", (48, 48), 200).save(blank)
    with pytest.warns(UserWarning, match=r"the scan '.*1999_1_1\.png' shows no ink"):
        assert len(read_scans(tmp_path, cache=tmp_path / "c").labels) == 6


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected 'download', or a folder of scans"):
        read_scans(tmp_path, cache=tmp_path)


def test_grey_and_colour_files_read_alike():
    images = [open_image(png(3, mode)) for mode in ("L", "RGB", "RGBA", "1", "P")]
    assert (images[0] == images[1]).all()
    assert (images[0] == images[2]).all()
    assert all(image.max() == 255 and image.min() == 0 for image in images)


def test_the_variable_is_read_only_when_asked(monkeypatch):
    """A reader who sets it still gets the embedded kana by default, so the book's numbers hold."""
    monkeypatch.setenv(VARIABLE, "/nowhere")
    assert scans_source() == "/nowhere"
    assert len(load_kana(seed=0).test.labels) == 46 * 40
    monkeypatch.setenv(VARIABLE, "")
    assert scans_source() is None


# The real files, where a reader, or CI, has them.

needs_scans = pytest.mark.skipif(
    not os.environ.get(VARIABLE), reason=f"set {VARIABLE} to a folder of scans to run this"
)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    return read_scans(os.environ[VARIABLE], cache=tmp_path_factory.mktemp("cache"))


@needs_scans
def test_real_scans_have_ink_high_and_paper_zero(real):
    assert real.images.shape[1:] == (1, 48, 48)
    assert real.images.flatten(1).amax(1).min() == 255
    assert (real.images == 0).flatten(1).float().mean(1).min() > 0.2


@needs_scans
def test_real_scans_look_like_the_embedded_images(real):
    """Nearest mean image, learnt from the embedded ones, reads most scans: names fit pictures."""
    embedded = load_kana(seed=0).train
    pixels = embedded.images.flatten(1)
    means = torch.stack([pixels[embedded.labels == label].mean(0) for label in range(46)])
    nearest = torch.cdist(real.images.flatten(1).float() / 255, means).argmin(1)
    assert (nearest == real.labels).float().mean() > 0.5


@needs_scans
def test_real_scans_load_from_the_cache_without_reading_them_again(tmp_path, monkeypatch):
    source = os.environ[VARIABLE]
    first = read_scans(source, cache=tmp_path)
    monkeypatch.setattr(scans_module, "read_grey", lambda *_: pytest.fail("read again"))
    start = time.process_time()
    again = read_scans(source, cache=tmp_path)
    assert time.process_time() - start < 5
    assert torch.equal(first.images, again.images)


@needs_scans
def test_load_kana_divides_real_scans():
    data = load_kana(seed=0, source=os.environ[VARIABLE])
    assert data.names == NAMES
    examples, _ = read_source(os.environ[VARIABLE])
    assert len(data.train.labels) + len(data.test.labels) == len(examples.labels)
