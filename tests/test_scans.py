"""The scans of the National Diet Library: fetched from a server that misbehaves in every way a
network can, and read from the real files where they are there."""

import http.server
import io
import os
import shutil
import threading
import time
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from definebyrun.data import NAMES, load_kana
from definebyrun.data import scans as scans_module
from definebyrun.data.archive import COUNTS, code_point, fetch_archive, verify_archive
from definebyrun.data.folder import read_image
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
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
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
    options = {"counts": FEW, "timeout": 0.4, "pause": 0.0, "tries": 2} | options
    return fetch_archive(folder, address=server.address_text, **options)


def left_behind(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_good_archive_is_fetched_once(server, tmp_path):
    archive = fetch(server, tmp_path)
    assert archive.read_bytes() == server.good
    assert fetch(server, tmp_path) == archive
    assert server.asked == 1
    assert left_behind(tmp_path) == ["hiragana73.zip"]


@pytest.mark.parametrize("fault", ["cut", "corrupt", "stall", "page", "not found"])
def test_a_fault_is_tried_again(server, tmp_path, fault):
    server.answers = [fault, "good"]
    assert fetch(server, tmp_path).read_bytes() == server.good
    assert server.asked == 2


@pytest.mark.parametrize("fault", ["cut", "corrupt", "stall", "page", "not found"])
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
    archive = fetch(server, tmp_path)
    archive.write_bytes(server.good[:-300])
    server.answers = ["page"]
    with pytest.raises(ConnectionError):
        fetch(server, tmp_path)
    assert archive.read_bytes() == server.good[:-300]  # still what there was
    server.answers = ["good"]
    assert fetch(server, tmp_path).read_bytes() == server.good


def test_a_good_archive_is_not_asked_for_again_when_the_server_turns_bad(server, tmp_path):
    fetch(server, tmp_path)
    server.answers = ["page"]
    assert fetch(server, tmp_path).read_bytes() == server.good


@pytest.mark.parametrize(
    "name",
    ["../evil.png", "/etc/evil.png", "hiragana73/../../evil.png", "..\\evil.png", "C:/x.png"],
)
def test_an_entry_that_leaves_the_folder_is_refused(tmp_path, name):
    file = tmp_path / "a.zip"
    file.write_bytes(make_zip(extra=[(name, b"x")]))
    with pytest.raises(ValueError, match="leaves the folder"):
        verify_archive(file, FEW)


def test_a_missing_image_is_noticed(tmp_path):
    file = tmp_path / "a.zip"
    file.write_bytes(make_zip({"あ": 2, "ん": 2}))
    with pytest.raises(ValueError, match="2 images of あ; expected 3"):
        verify_archive(file, FEW)


def test_a_swollen_entry_is_refused_unread(tmp_path):
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("hiragana73/U3042/x.png", bytes(2_000_000))
    with pytest.raises(ValueError, match="2000000 bytes"):
        verify_archive(file, {"あ": 1})


def test_the_published_counts():
    """The 46 counts of the library's page, by their ends and their sum."""
    assert tuple(COUNTS) == NAMES
    assert (COUNTS["あ"], COUNTS["り"], COUNTS["ん"]) == (1208, 1244, 1285)
    assert sum(COUNTS.values()) == PUBLISHED_SUM
    assert min(COUNTS.values()) == COUNTS["ち"] == 1052


PUBLISHED_SUM = 54_930


def test_download_reads_the_archive_once_and_the_compact_file_after(server, tmp_path, monkeypatch):
    monkeypatch.setattr(scans_module, "fetch_archive", lambda folder: fetch(server, folder))
    first = read_scans(DOWNLOAD, cache=tmp_path)
    assert first.images.shape == (5, 1, 48, 48)
    assert first.labels.tolist() == [0, 0, 0, 45, 45]
    (tmp_path / "hiragana73.zip").unlink()
    server.answers = ["page"]
    again = read_scans(DOWNLOAD, cache=tmp_path)
    assert torch.equal(first.images, again.images)
    assert server.asked == 1


def unpack_to(folder, counts=FEW):
    with zipfile.ZipFile(io.BytesIO(make_zip(counts))) as archive:
        archive.extractall(folder)
    return folder


def test_a_folder_gives_what_its_archive_gives(server, tmp_path, monkeypatch):
    monkeypatch.setattr(scans_module, "fetch_archive", lambda folder: fetch(server, folder))
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


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected 'download', or a folder of scans"):
        read_scans(tmp_path, cache=tmp_path)


def test_grey_and_colour_files_read_alike():
    images = [read_image(io.BytesIO(png(3, mode))) for mode in ("L", "RGB", "RGBA", "1", "P")]
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
    monkeypatch.setattr(scans_module, "read_image", lambda file: pytest.fail("read again"))
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
