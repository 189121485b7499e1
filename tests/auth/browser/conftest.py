"""Chromium before our pages, served at http://localhost, which browsers trust as they do TLS."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlencode

import psycopg
import pytest
from flask import Flask
from werkzeug.serving import make_server

from auth import tokens
from auth.oauth import pkce
from auth.oauth.clients import Client
from auth.passkeys import origins
from core.settings import Settings
from tests.auth import partners
from tests.auth.browser import pipe
from tests.auth.browser.pipe import Chromium
from tests.auth.browser.tab import Tab
from tests.auth.conftest import VERIFIER, Phone


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    executable = pipe.program()
    if executable is None:
        pytest.skip("Chromium is not here: apt-get install chromium-headless-shell")
    with Chromium(executable) as running:
        yield running


@pytest.fixture
def tab(chromium: Chromium) -> Iterator[Tab]:
    tab = Tab(chromium)
    yield tab
    tab.close()


@dataclass
class Site:
    """Our pages over a socket, and whoever's telephone it is."""

    url: str
    app: Flask
    phone: Phone


@pytest.fixture
def site(app: Flask, settings: Settings) -> Iterator[Site]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        own = replace(settings, public_url=f"http://localhost:{port}", brand_colour="#0B6E4F", brand_name="Green & Co")
        server = make_server("127.0.0.1", port, app, threaded=True, fd=listening.fileno())
        _load(own)
        app.extensions["settings"] = own
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield Site(own.public_url, app, Phone(app, app.test_client()))
        server.shutdown()
        thread.join()
        server.server_close()
        _load(settings)


def _load(settings: Settings) -> None:
    tokens.load_key(settings)
    origins.load(settings)


class Partners(HTTPServer):
    """A partner's server: it takes the code, and sends the browser on to its own app."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                is_back = self.path.startswith("/back")
                self.send_response(303 if is_back else 200)
                if is_back:
                    self.send_header("Location", "/done" if "web" in self.path else "com.example.partner:/done")
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<h1>Welcome</h1>")

            def do_POST(self) -> None:
                told = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.asked.append(f"{self.path} {told}")
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<h1>Welcome</h1>")

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def partners_server() -> Iterator[Partners]:
    server = Partners()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def partner(site: Site, partners_server: Partners, sweeper: psycopg.Connection) -> Iterator[Client]:
    uris = [f"{partners_server.url}/back", f"{partners_server.url}/back?web=1"]
    with partners.client(sweeper, "bakery", name="Bakery <b>", redirect_uris=uris) as client:
        yield client


def asking(site: Site, redirect_uri: str, client_id: str = "bakery", **more: str) -> str:
    given = {
        "client_id": client_id, "redirect_uri": redirect_uri, "response_type": "code", "scope": "openid", "state": "s",
        "code_challenge": pkce.challenge_of(VERIFIER), "code_challenge_method": "S256", **more,
    }  # fmt: skip
    return f"{site.url}/oauth/authorize?{urlencode(given)}"
