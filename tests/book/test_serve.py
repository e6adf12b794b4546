"""`mer serve` gives the files of the built book to this machine, and nothing else."""

import http.client
import threading

import pytest

from mer_core.book.contents import BookError
from mer_core.book.serve import server


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """A built book with a folder that has no first page, and links that lead out and stay within."""
    home = tmp_path_factory.mktemp("home")
    pages = home / "html"
    (pages / "images").mkdir(parents=True)
    (pages / "chapters").mkdir()
    (home / "secret.txt").write_text("a secret")
    for name in ("index.html", "images/one.png", "chapters/index.html"):
        (pages / name).write_text(f"this is {name}")
    (pages / "out.txt").symlink_to(home / "secret.txt")
    (pages / "up").symlink_to(home)
    (pages / "same.html").symlink_to(pages / "index.html")
    (pages / "trap").mkdir()
    (pages / "trap" / "index.html").symlink_to(home / "secret.txt")
    return pages


@pytest.fixture(scope="module")
def ask(book):
    """A request, path as it stands: status and body."""
    served = server(book, port=0)
    threading.Thread(target=served.serve_forever, daemon=True).start()

    def ask(path, method="GET"):
        connection = http.client.HTTPConnection(*served.server_address, timeout=60)
        connection.putrequest(method, path, skip_host=True)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    yield ask
    served.shutdown()
    served.server_close()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "index.html"),
        ("/index.html?q=1#top", "index.html"),
        ("/images/one.png", "images/one.png"),
        ("/chapters/", "chapters/index.html"),
        ("/same.html", "index.html"),
    ],
)
def test_pages_are_given(ask, path, name):
    assert ask(path) == (200, f"this is {name}")
    assert ask(path, "HEAD") == (200, "")


@pytest.mark.parametrize(
    "path",
    [
        "/images/", "/images", "/trap/", "/trap/index.html", "/out.txt", "/up/secret.txt", "/up/", "/../secret.txt",
        "/%2e%2e/secret.txt", "/..%2fsecret.txt", "//etc/passwd", "/images/../../secret.txt", "/none", "/%00",
        "/index.html/", "/index.html%00.txt",
    ],
)  # fmt: skip
def test_folders_and_whatever_lies_outside_of_the_book_are_not(ask, path):
    status, said = ask(path)
    assert status == 404
    assert "secret" not in said.replace("secret.txt", "")
    assert "one.png" not in said


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_sent(ask, method):
    assert ask("/", method)[0] == 501


def test_only_this_machine_is_listened_to(book):
    with server(book, port=0) as served:
        assert served.server_address[0] == "127.0.0.1"


def test_a_book_that_is_not_built_is_said(tmp_path):
    with pytest.raises(BookError, match="not built yet: `make book`"):
        server(tmp_path, port=0)
