"""The ingest door alone on a loopback server, behind its real guard."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

import connect.api.ingest
from connect.api import guard
from core.settings import Settings
from core.web import doors, problems, requests
from core.web.doors import Door

WRITE_KEY = "key-of-the-web-shop"


@pytest.fixture
def ingest_app(database: None) -> Flask:
    app = Flask("ingest", static_folder=None)
    app.extensions["settings"] = Settings(
        environment="test", ingest_write_keys=f"web:{WRITE_KEY},till:key-of-the-tills"
    )
    problems.register(app)
    requests.register(app)
    doors.open_doors(
        app,
        [
            Door(
                name="ingest",
                document="ingest",
                title="Events",
                prefix="/v1",
                guard=guard.source,
                reads_raw_bodies=True,
                blueprints=[connect.api.ingest.blueprint],
            )
        ],
    )
    return app


@pytest.fixture
def ingest(ingest_app: Flask) -> FlaskClient:
    return ingest_app.test_client()


@dataclass(frozen=True)
class Served:
    url: str


@pytest.fixture
def served(ingest_app: Flask) -> Iterator[Served]:
    server = make_server("127.0.0.1", 0, ingest_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Served(f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()
