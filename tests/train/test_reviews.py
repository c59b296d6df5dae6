"""The movie reviews: where they come from, and everything that can be wrong there."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import json
import os
import random
import socketserver
import stat
import struct
import subprocess
import sys
import tarfile
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from train import data
from train.dataset import DataError
from train.reviews import archives
from train.reviews import cache as cache_module
from train.reviews.cache import prepare
from train.reviews.dataset import Review, load_split

WriteArchive = Callable[[Path, Mapping[str, bytes]], Path]
ErrorLine = Callable[[str], str]
Runner = Callable[..., "subprocess.CompletedProcess[str]"]
Refused = Callable[["Path | str | None"], str]

ROOT = Path(__file__).resolve().parent.parent.parent

# The least that passes for the reviews.
SMALLEST = {
    f"aclImdb/{split}/{short}/0_{grade}.txt": f"A {short} film.".encode()
    for split in ("train", "test")
    for short, grade in (("neg", 2), ("pos", 9))
}


def expected(reviews: Mapping[str, str], split: str) -> list[tuple[str, str, str, None]]:
    """What load_split must give, from names and texts."""
    labels = {"pos": "positive", "neg": "negative"}
    rows = [(name, labels[name.split("/")[1]], text, None) for name, text in reviews.items() if name.startswith(split)]
    return sorted(rows, key=lambda row: row[0])


def leftovers(cache: Path) -> list[str]:
    """All that lies in the cache folder."""
    return sorted(path.name for path in cache.iterdir()) if cache.is_dir() else []


@pytest.fixture
def unpacked(tmp_path: Path, tiny_archive: Path) -> Path:
    """The folder in which the tiny archive was unpacked."""
    folder = tmp_path / "unpacked"
    with tarfile.open(tiny_archive) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture
def refused(cache: Path, capsys: pytest.CaptureFixture[str], error_line: ErrorLine) -> Refused:
    """Run the command on a source that must be refused; check that nothing is left, and return the message."""

    def run(source: Path | str | None) -> str:
        assert data.main([] if source is None else ["--data", str(source)]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert leftovers(cache) == []
        return error_line(captured.err)

    return run


class TestSources:
    def test_archive_and_folders_give_the_same(
        self, tiny_archive: Path, tiny_reviews: dict[str, str], unpacked: Path, cache: Path
    ) -> None:
        assert any("\x85" in text for text in tiny_reviews.values())
        for split in ("train", "test"):
            wanted = expected(tiny_reviews, split)
            assert len(wanted) == 40
            for source in (tiny_archive, unpacked / "aclImdb", unpacked, str(unpacked)):
                assert [tuple(review) for review in load_split(split, source)] == wanted

    def test_option_goes_before_variable(
        self, tiny_archive: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("EDGETEXT_DATA", str(tmp_path / "missing"))
        assert len(load_split("test", tiny_archive)) == 40
        monkeypatch.setenv("EDGETEXT_DATA", str(tiny_archive))
        assert len(load_split("test")) == 40
        with pytest.raises(DataError, match="no reviews at"):
            load_split("test", tmp_path / "missing")

    def test_home_is_expanded(self, tiny_archive: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tiny_archive.parent))
        assert len(load_split("test", f"~/{tiny_archive.name}")) == 40

    def test_names_may_begin_with_a_dot_folder(self, tmp_path: Path, cache: Path, write_archive: WriteArchive) -> None:
        source = write_archive(tmp_path / "a.tar.gz", {f"./{name}": content for name, content in SMALLEST.items()})
        assert [review.id for review in load_split("test", source)] == ["test/neg/0_2.txt", "test/pos/0_9.txt"]

    def test_command_prints_the_split(
        self, run_python: Runner, tiny_env: dict[str, str], tiny_reviews: dict[str, str]
    ) -> None:
        result = run_python("-m", "train.data", "--split", "train", env=tiny_env)
        assert result.returncode == 0, result.stderr
        path = Path(result.stdout.removesuffix("\n"))
        assert path.is_relative_to(tiny_env["EDGETEXT_CACHE"])
        rows = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
        assert [(row["id"], row["label"], row["text"], row["movie"]) for row in rows] == expected(tiny_reviews, "train")

    @pytest.mark.data
    def test_real_reviews(self, real_splits: dict[str, list[Review]]) -> None:
        unlabelled = real_splits["unsup"]
        assert len(unlabelled) == len({review.id for review in unlabelled}) == 50_000
        assert {(review.label, review.movie) for review in unlabelled} == {(None, None)}
        movies = {split: {review.movie for review in real_splits[split]} for split in ("train", "test")}
        assert None not in movies["train"] | movies["test"]
        assert len(movies["train"] & movies["test"]) == 1  # of 3,456 and 3,581
        for split in ("train", "test"):
            reviews = real_splits[split]
            assert len(reviews) == len({review.id for review in reviews}) == 25_000
            assert [review.id for review in reviews] == sorted(review.id for review in reviews)
            assert sum(review.label == "positive" for review in reviews) == 12_500
            for review in reviews:
                name, grade = review.id.removesuffix(".txt").rsplit("_", 1)
                # Seven stars of ten and more made a review positive, four and less negative.
                wanted = f"{split}/pos/" if int(grade) >= 7 else f"{split}/neg/"
                assert name.startswith(wanted)
                assert (review.label == "positive") == (int(grade) >= 7)


class TestCache:
    def test_parses_once(self, tiny_archive: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = prepare(tiny_archive)
        before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
        assert set(before) == {"train.jsonl", "test.jsonl", "unsup.jsonl"}

        def fail(*args: object) -> None:
            raise AssertionError("parsed again")

        monkeypatch.setattr(cache_module, "archive_contents", fail)
        assert prepare(tiny_archive) == folder
        assert len(load_split("test", tiny_archive)) == 40
        assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
        assert leftovers(cache) == [folder.name]

    def test_other_reviews_are_parsed_anew(self, tmp_path: Path, cache: Path, write_archive: WriteArchive) -> None:
        source = tmp_path / "a.tar.gz"
        write_archive(source, SMALLEST)
        first = load_split("test", source)
        write_archive(source, {**SMALLEST, "aclImdb/test/pos/0_9.txt": b"Another film."})
        second = load_split("test", source)
        assert (first[1].text, second[1].text) == ("A pos film.", "Another film.")
        assert first[0] == second[0]

    def test_a_changed_folder_is_parsed_anew(self, unpacked: Path, cache: Path) -> None:
        file = unpacked / "aclImdb/test/pos/0_9.txt"
        before = load_split("test", unpacked)
        content = file.read_bytes()
        file.write_bytes(content.swapcase())
        os.utime(file, (1, 1))
        after = load_split("test", unpacked)
        changed = [new for old, new in zip(before, after) if old != new]
        assert [(review.id, review.text) for review in changed] == [
            ("test/pos/0_9.txt", content.swapcase().decode("utf-8"))
        ]


class TestDamage:
    def test_missing(self, refused: Refused, tmp_path: Path) -> None:
        assert refused(tmp_path / "none.tar.gz").startswith(f"no reviews at {tmp_path / 'none.tar.gz'}")

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            random.Random(1).randbytes(5000),
            gzip.compress(b""),
            gzip.compress(b"not a tar " * 300),
            gzip.compress(random.Random(2).randbytes(5000)),
        ],
        ids=["empty", "random", "gzip of nothing", "gzip of text", "gzip of random"],
    )
    def test_no_archive(self, refused: Refused, tmp_path: Path, content: bytes) -> None:
        source = tmp_path / "a.tar.gz"
        source.write_bytes(content)
        message = refused(source)
        assert message.startswith(f"{source}: not a complete .tar.gz archive")
        assert message.endswith("download it again")

    @pytest.mark.parametrize("cut", [0.0, 0.1, 0.5, 0.9, 0.99, -100, -9, -8, -7, -4, -1])
    def test_truncated(self, refused: Refused, tmp_path: Path, tiny_archive: Path, cut: float) -> None:
        whole = tiny_archive.read_bytes()
        source = tmp_path / "a.tar.gz"
        source.write_bytes(whole[: int(cut if cut < 0 else 11 + cut * len(whole))])
        assert "not a complete .tar.gz archive" in refused(source)

    @pytest.mark.parametrize("place", [*(n / 12 for n in range(12)), -8, -5, -4, -1])
    def test_flipped_bit(self, refused: Refused, tmp_path: Path, tiny_archive: Path, place: float) -> None:
        # Behind gzip's header, whose time stamp nothing vouches for; the last eight bytes are checksum and length.
        content = bytearray(tiny_archive.read_bytes())
        content[int(place if place < 0 else 30 + place * (len(content) - 40))] ^= 0x10
        source = tmp_path / "a.tar.gz"
        source.write_bytes(content)
        assert refused(source).startswith(f"{source}: ")

    @pytest.mark.parametrize("folder", ["train/neg", "train/pos", "test/neg", "test/pos"])
    def test_without_some_reviews(
        self, refused: Refused, tmp_path: Path, write_archive: WriteArchive, folder: str
    ) -> None:
        members = {name: content for name, content in SMALLEST.items() if folder not in name}
        source = write_archive(tmp_path / "a.tar.gz", members)
        assert f"not the movie reviews: no files aclImdb/{folder}/*.txt" in refused(source)

    def test_other_archive_and_empty_folder(
        self, refused: Refused, tmp_path: Path, write_archive: WriteArchive
    ) -> None:
        assert "not the movie reviews" in refused(write_archive(tmp_path / "a.tar.gz", {"books/1.txt": b"A book."}))
        (tmp_path / "empty").mkdir()
        assert "not the movie reviews" in refused(tmp_path / "empty")

    def test_not_utf8(self, refused: Refused, tmp_path: Path, write_archive: WriteArchive) -> None:
        members = {**SMALLEST, "aclImdb/test/neg/7_1.txt": "caf\u00e9".encode("latin-1")}
        assert refused(write_archive(tmp_path / "a.tar.gz", members)).endswith(
            "'test/neg/7_1.txt': its name or its content is not UTF-8"
        )

    def test_name_not_utf8(self, refused: Refused, tmp_path: Path, write_archive: WriteArchive) -> None:
        name = os.fsdecode(b"aclImdb/test/neg/7_\xff.txt")
        assert "not UTF-8" in refused(write_archive(tmp_path / "a.tar.gz", {**SMALLEST, name: b"A film."}))
        for member, content in {**SMALLEST, name: b"A film."}.items():
            (tmp_path / member).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / member).write_bytes(content)
        assert "not UTF-8" in refused(tmp_path / "aclImdb")

    def test_huge_review(self, refused: Refused, tmp_path: Path, write_archive: WriteArchive) -> None:
        members = {**SMALLEST, "aclImdb/test/neg/7_1.txt": bytes(1_000_001)}
        assert "larger than 1000000 bytes" in refused(write_archive(tmp_path / "a.tar.gz", members))

    @pytest.mark.parametrize("folder", [False, True])
    def test_limits(
        self,
        refused: Refused,
        tmp_path: Path,
        cache: Path,
        write_archive: WriteArchive,
        monkeypatch: pytest.MonkeyPatch,
        folder: bool,
    ) -> None:
        source = write_archive(tmp_path / "a.tar.gz", {**SMALLEST, "aclImdb/test/neg/7_1.txt": bytes(5000)})
        size = len(gzip.decompress(source.read_bytes()))
        if folder:
            with tarfile.open(source) as archive:
                archive.extractall(tmp_path / "unpacked", filter="data")
            source, size = tmp_path / "unpacked", sum(map(len, SMALLEST.values())) + 5000
        monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", size - 1)
        assert f"{size - 1:,} bytes: not the movie reviews" in refused(source)
        monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", size)
        monkeypatch.setattr(archives, "MAX_MEMBERS", 4)
        assert "more than 4 " in refused(source)
        monkeypatch.setattr(archives, "MAX_MEMBERS", 5)
        assert len(load_split("test", source)) == 3

    def test_a_description_that_is_huge(self, refused: Refused, tmp_path: Path, write_archive: WriteArchive) -> None:
        """Such as a name, of which tarfile would read gigabytes at once."""
        source = write_archive(tmp_path / "a.tar.gz", {**SMALLEST, "x" * 100_001: b""})
        assert "the header of a member has more than 100,000 bytes" in refused(source)

    def test_descriptions_without_end(self, refused: Refused, tmp_path: Path) -> None:
        member = tarfile.TarInfo("pax")
        member.type, member.size = tarfile.XHDTYPE, 12
        source = tmp_path / "a.tar.gz"
        source.write_bytes(gzip.compress((member.tobuf() + b"12 path=abc\n".ljust(512, b"\0")) * 3000))
        assert "not a complete .tar.gz archive" in refused(source)

    def test_in_the_place_of_a_file(self, refused: Refused, tmp_path: Path, unpacked: Path, cache: Path) -> None:
        (tmp_path / "secret.txt").write_text("secret")
        place = unpacked / "aclImdb" / "test" / "pos" / "99_9.txt"
        for target, part in (
            (tmp_path / "secret.txt", "a link that leaves the folder"),
            ("../../../../secret.txt", "a link that leaves the folder"),
            ("/dev/zero", "a link that leaves the folder"),
            ("99_9.txt", "Too many levels of symbolic links"),
            ("nothing", "No such file"),
        ):
            place.symlink_to(target)
            message = refused(unpacked)
            assert message.startswith(str(place))
            assert part in message
            place.unlink()
        os.mkfifo(place)
        assert refused(unpacked) == f"{place}: not a regular file"
        place.unlink()
        # A link that stays inside is as good as a file, and the folder itself may be a link.
        place.symlink_to("0_9.txt")
        (tmp_path / "link").symlink_to(unpacked)
        texts = {review.id: review.text for review in load_split("test", tmp_path / "link")}
        assert texts["test/pos/99_9.txt"] == texts["test/pos/0_9.txt"]

    def test_what_is_no_file(self, refused: Refused, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        for source in (tmp_path / "pipe", Path("/dev/zero")):
            assert refused(source) == f"{source}: neither a regular file nor a folder"

    def test_member_names_never_become_paths(self, tmp_path: Path, cache: Path, write_archive: WriteArchive) -> None:
        evil = (
            "../evil.txt",
            "aclImdb/train/pos/../../../evil.txt",
            "aclImdb/../../evil.txt",
            "../../aclImdb/train/pos/evil.txt",
            "aclImdb/train/../evil.txt",
            f"{tmp_path}/evil.txt",
            "aclImdb/train/pos/..",
            "aclImdb/train/pos/deeper.txt/evil.txt",
            "other/train/pos/evil.txt",
        )
        source = write_archive(tmp_path / "a.tar.gz", {**SMALLEST, **dict.fromkeys(evil, b"evil")})
        with tarfile.open(source) as archive:
            assert archive.getnames() == [*SMALLEST, *evil]
        before = {path for path in tmp_path.parent.rglob("*") if not path.is_relative_to(cache)}
        for split in ("train", "test"):
            assert [f"aclImdb/{review.id}" for review in load_split(split, source)] == [
                name for name in SMALLEST if f"/{split}/" in name
            ]
        assert {path for path in tmp_path.parent.rglob("*") if not path.is_relative_to(cache)} == before
        assert sorted(path.name for path in cache.rglob("*") if path.is_file()) == [
            "test.jsonl",
            "train.jsonl",
            "unsup.jsonl",
        ]

    def test_links_are_not_followed(self, tmp_path: Path, cache: Path, write_archive: WriteArchive) -> None:
        (tmp_path / "secret").write_text("secret")
        source = tmp_path / "a.tar.gz"
        write_archive(tmp_path / "plain.tar.gz", SMALLEST)
        with tarfile.open(tmp_path / "plain.tar.gz") as plain, tarfile.open(source, "w:gz") as archive:
            for member in plain:
                archive.addfile(member, plain.extractfile(member))
            for kind, target in ((tarfile.SYMTYPE, tmp_path / "secret"), (tarfile.LNKTYPE, "aclImdb/test/pos/0_9.txt")):
                link = tarfile.TarInfo(f"aclImdb/test/pos/{int(kind)}_10.txt")
                link.type, link.linkname = kind, str(target)
                archive.addfile(link)
        assert [review.text for review in load_split("test", source)] == ["A neg film.", "A pos film."]


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Serves one content under every path; counts requests; may break off, or answer with an error."""

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.announced = len(content)
        self.status = 200
        self.requests: list[str] = []


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(self.server.announced))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, *args: object) -> None:
        pass


class TestDownload:
    @pytest.fixture
    def server(self, tiny_archive: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
        """A server of the tiny archive, and the module made to expect it there."""
        content = tiny_archive.read_bytes()
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        with Server(content) as server:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            monkeypatch.setattr(cache_module, "URL", f"http://127.0.0.1:{server.server_port}/aclImdb_v1.tar.gz")
            monkeypatch.setattr(cache_module, "URL_HASH", f"md5:{hashlib.md5(content).hexdigest()}")
            yield server
            server.shutdown()

    def test_no_network(self, refused: Refused) -> None:
        message = refused(None)
        assert message.startswith("http://127.0.0.1:9/aclImdb_v1.tar.gz: the download failed (")
        assert "--data" in message
        assert "$EDGETEXT_DATA" in message

    def test_no_network_and_the_real_address(self, run_python: Runner, error_line: ErrorLine, tmp_path: Path) -> None:
        # The proxy, where nothing listens, stands for a machine without a network.
        proxies = dict.fromkeys(("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"), "http://127.0.0.1:9")
        env = {**proxies, "no_proxy": None, "NO_PROXY": None, "EDGETEXT_DATA": None, "EDGETEXT_CACHE": str(tmp_path)}
        result = run_python("-m", "train.data", env=env)
        assert result.returncode == 2
        assert "/aclImdb_v1.tar.gz: the download failed" in error_line(result.stderr)
        assert leftovers(tmp_path) == []

    def test_downloads_once(self, server: Server, cache: Path, tiny_reviews: dict[str, str]) -> None:
        for _ in range(2):
            assert [tuple(review) for review in load_split("test")] == expected(tiny_reviews, "test")
            assert server.requests == ["/aclImdb_v1.tar.gz"]
        archive, parsed = leftovers(cache)
        assert (cache / archive).read_bytes() == server.content
        assert parsed.startswith("reviews-")

    def test_shows_a_bar_on_a_terminal(self, server: Server, tmp_path: Path) -> None:
        fcntl = pytest.importorskip("fcntl", reason="this system has no pseudo-terminals")
        termios = pytest.importorskip("termios")
        code = "import sys; from train.reviews import cache; cache.URL, cache.URL_HASH = sys.argv[1:]; cache.prepare()"
        command = [sys.executable, "-c", code, cache_module.URL, cache_module.URL_HASH]
        env = {**os.environ, "EDGETEXT_CACHE": str(tmp_path / "cache")}
        env.pop("EDGETEXT_DATA", None)
        shown = []
        for _ in range(2):
            terminal, ours = os.openpty()
            fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))  # lines and columns
            subprocess.run(command, env=env, cwd=ROOT, stderr=ours, check=True, timeout=60)
            os.write(ours, b"end")  # so that there is something to read
            shown.append(os.read(terminal, 100_000).decode())
            os.close(ours)
            os.close(terminal)
        assert len(server.requests) == 1
        assert "downloading: 100%" in shown[0]
        assert "downloading" not in shown[1]

    def test_wrong_checksum(self, server: Server, refused: Refused) -> None:
        server.content = server.content[:-1] + b"!"
        assert "wrong checksum" in refused(None)
        assert len(server.requests) == 1

    def test_breaks_off(self, server: Server, refused: Refused) -> None:
        server.content = server.content[:1000]
        assert refused(None).startswith(cache_module.URL)

    def test_server_error(self, server: Server, refused: Refused) -> None:
        server.status = 404
        assert "the download failed" in refused(None)

    def test_a_damaged_download_is_replaced(self, server: Server, cache: Path) -> None:
        cache.mkdir()
        (cache / "aclImdb_v1.tar.gz").write_bytes(server.content[:1000])
        assert len(load_split("test")) == 40
        assert (cache / "aclImdb_v1.tar.gz").read_bytes() == server.content


# Starts `python -m train.data` as a user whom file permissions bind: they do not bind root with its capabilities.
AS_PLAIN_USER = textwrap.dedent(
    """
    import ctypes, os, sys
    if os.geteuid() == 0:
        PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2  # <linux/prctl.h>, <linux/capability.h>
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0
    os.execv(sys.executable, [sys.executable, "-m", "train.data", *sys.argv[1:]])
    """
)
# Starts it where no file can grow past four kilobytes, as on a disk that is full.
ON_FULL_DISK = textwrap.dedent(
    """
    import os, resource, sys
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    os.execv(sys.executable, [sys.executable, "-B", "-m", "train.data", *sys.argv[1:]])
    """
)


def test_interrupted(cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(source: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cache_module, "prepare", interrupt)
    assert data.main([]) == 130
    assert capsys.readouterr().err == "interrupted: nothing was written\n"


class TestCacheFolder:
    def test_a_file_in_its_place(
        self, tiny_archive: Path, cache: Path, capsys: pytest.CaptureFixture[str], error_line: ErrorLine
    ) -> None:
        cache.write_bytes(b"a file")
        assert data.main(["--data", str(tiny_archive)]) == 2
        # Notes on the number of reviews may come first; they are no part of the error.
        lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note: ")]
        assert error_line("\n".join(lines)).startswith(str(cache))
        assert cache.read_bytes() == b"a file"

    def test_a_file_in_its_place_when_downloading(
        self, cache: Path, capsys: pytest.CaptureFixture[str], error_line: ErrorLine
    ) -> None:
        cache.write_bytes(b"a file")
        assert data.main([]) == 2
        error_line(capsys.readouterr().err)
        assert cache.read_bytes() == b"a file"

    @pytest.mark.skipif(sys.platform != "linux", reason="drops capabilities of Linux")
    def test_not_writable(self, run_python: Runner, tiny_archive: Path, tmp_path: Path, error_line: ErrorLine) -> None:
        cache = tmp_path / "cache"
        cache.mkdir()
        cache.chmod(0o555)
        result = run_python("-c", AS_PLAIN_USER, "--data", tiny_archive, env={"EDGETEXT_CACHE": str(cache)})
        assert result.returncode == 2
        lines = result.stderr.splitlines()
        message = error_line("\n".join(line for line in lines if not line.startswith("note: ")))
        assert message.startswith(str(cache))
        assert message.endswith("Permission denied")
        assert leftovers(cache) == []

    @pytest.mark.skipif(sys.platform != "linux", reason="drops capabilities of Linux")
    def test_source_not_readable(
        self, run_python: Runner, tiny_archive: Path, tmp_path: Path, error_line: ErrorLine
    ) -> None:
        source = tmp_path / "a.tar.gz"
        source.write_bytes(tiny_archive.read_bytes())
        source.chmod(0)
        result = run_python("-c", AS_PLAIN_USER, "--data", source, env={"EDGETEXT_CACHE": str(tmp_path / "cache")})
        assert result.returncode == 2
        assert error_line(result.stderr) == f"{source}: Permission denied"

    @pytest.mark.skipif(sys.platform == "win32", reason="has no limits of resources")
    def test_no_space(self, run_python: Runner, tiny_archive: Path, tmp_path: Path, error_line: ErrorLine) -> None:
        cache = tmp_path / "cache"
        env = {"EDGETEXT_CACHE": str(cache)}
        result = run_python("-c", ON_FULL_DISK, "--data", tiny_archive, env=env)
        assert result.returncode == 2
        lines = result.stderr.splitlines()
        message = error_line("\n".join(line for line in lines if not line.startswith("note: ")))
        assert message.endswith("File too large")
        assert leftovers(cache) == []
        # The same command succeeds once there is space.
        assert run_python("-m", "train.data", "--data", tiny_archive, env=env).returncode == 0
        assert stat.S_IMODE((cache / leftovers(cache)[0]).stat().st_mode) == 0o755
