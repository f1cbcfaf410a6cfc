"""The page as it is served: whole, from this machine alone, with nothing of it shown."""

import json
import pathlib
import re
import socket
import tempfile
import urllib.error
import urllib.request

import pytest

from keras_classics import cli, demo
from keras_classics.demo import photograph
from keras_classics.errors import ClassicsError


def get(address):
    with urllib.request.urlopen(address, timeout=30) as answer:
        return answer.read().decode()


def test_nothing_but_the_loopback_is_asked(demo_page):
    address, asked = demo_page
    assert address.startswith("http://127.0.0.1:")
    assert "127.0.0.1" in asked
    assert set(asked) <= {"127.0.0.1", "::1", "localhost", "a local socket"}


def test_the_page_loads_nothing_from_another_host(demo_page):
    address, _ = demo_page
    html = get(address)
    loaded = re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"']?([^\"' >]+)", html)
    assert loaded
    assert not [url for url in loaded if re.match(r"(https?:)?//", url)]
    config = json.loads(get(f"{address}config"))
    assert not [sheet for sheet in config["stylesheets"] or () if "//" in str(sheet)]
    assert config["analytics_enabled"] is False
    assert "font-face" not in get(f"{address}theme.css")
    assert "googleapis" not in html + get(f"{address}theme.css")


def test_no_path_of_the_machine_is_in_what_is_served(demo_page):
    address, _ = demo_page
    for text in (get(address), get(f"{address}config")):
        for place in (pathlib.Path(demo.__file__).parents[2], pathlib.Path.cwd(), tempfile.gettempdir()):
            assert str(place) not in text


def test_uploads_are_bounded(demo_page):
    address, _ = demo_page

    def upload(size):
        body = (
            b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
            + bytes(size)
            + b"\r\n--x--\r\n"
        )
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        return urllib.request.urlopen(urllib.request.Request(f"{address}gradio_api/upload", body, headers), timeout=30)

    with upload(10) as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError) as error:
        upload(photograph.MOST_BYTES + 1)
    assert error.value.code == 413


def test_mistakes_are_told_before_anything_is_served(tmp_path, monkeypatch, capsys):
    with pytest.raises(ClassicsError, match="no run folder"):
        demo.build([str(tmp_path / "nowhere")])
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit):
        cli.main(["demo", "--port", str(taken.getsockname()[1])])
    assert "another --port" in capsys.readouterr().err
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ClassicsError, match=r"keras-classics\[demo\]"):
        demo.build()


def test_the_command_serves_on_the_loopback_and_says_where(monkeypatch, capsys):
    told = {}

    class Page:
        def launch(self, **options):
            told.update(options)

        def block_thread(self):
            pass

    monkeypatch.setattr(demo, "build", lambda *arguments: told.update(built=arguments) or Page())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    cli.main(["demo", "--port", str(port), "--model", "resnet18=imagenet"])
    assert told["server_name"] == "127.0.0.1"
    assert told["server_port"] == port
    assert told["built"] == (["resnet18=imagenet"], "mnist_sample", None)
    assert f"http://localhost:{port}" in capsys.readouterr().out
