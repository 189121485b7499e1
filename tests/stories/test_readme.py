"""What the pages for readers show is what happens: each ```console block is run, in order, from an empty database."""

import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask

from core.errors import ConfigurationError, every_refusal
from core.settings import Settings
from tests.house.test_errors import load_rooms
from tests.stories.conftest import PROJECT, StartProcess
from tests.stories.consoles import STAND_IN, Console, differs, steps_of

PAGES = (
    "README.md",
    "docs/app-developers.md",
    "docs/merchants.md",
    "docs/partners.md",
    "docs/marketers.md",
    "docs/finance.md",
    "docs/operators.md",
    "docs/security.md",
)


@pytest.fixture
def console(app: Flask, server: str, tmp_path: Path) -> Iterator[Console]:
    opened = Console(app, server, tmp_path)
    # The page makes it with openssl, which a machine need not have.
    key = Ed25519PrivateKey.generate().public_key()
    public = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "sandbox.pub.pem").write_bytes(public)
    yield opened
    opened.close()


def test_the_pages_show_what_happens(console: Console, start_process: StartProcess) -> None:
    start_process("-m", "flask", "--app", "wsgi", "worker")
    wrong = []

    for page in PAGES:
        text = (PROJECT / page).read_text()
        steps = steps_of(text)
        assert len(steps) == text.count("\n$ ") > 0, f"{page} shows a command that is not run"
        for step in steps:
            given = console.run(step.command)
            if differs(step.answer, given):
                wrong.append(f"{page}\n$ {step.command}\nsays:\n{step.answer}\nbut:\n{given}")

    assert not wrong, "\n\n".join(wrong)


def test_only_ids_times_and_what_the_page_leaves_open_may_differ() -> None:
    promised = '{"id": "01a1fe6b-0000-7000-8000-000000000000", "at": "2026-11-21T10:00:00Z", "token": "eyJ…", "n": 1}'
    given = '{"id":"01a1ffff-0000-7000-8000-00000000ffff","at":"2027-01-01T00:00:00.5Z","token":"eyJhbG","n":%s}'
    assert not differs(promised, given % "1")
    assert differs(promised, given % "2")
    assert differs(promised, given.replace("eyJ", "abc") % "1")


DEVELOPMENT_KEYS = {
    "key_encryption_keys",
    "index_key",
    "token_signing_key",
    "offline_signing_keys",
    "identity_webhook_secrets",
}


def test_the_operators_page_names_every_setting_with_its_default() -> None:
    shown = {}
    development = Settings()
    for spec in fields(Settings):
        value = getattr(development, spec.name)
        if spec.name in DEVELOPMENT_KEYS:
            shown[spec.name.upper()] = "a development key"
        elif isinstance(value, bool):
            shown[spec.name.upper()] = "`on`" if value else "`off`"
        else:
            shown[spec.name.upper()] = f"`{value}`" if value else ""

    assert {name: default for name, (default, _) in settings_told().items()} == shown


def test_the_operators_page_tells_what_production_needs() -> None:
    needed = {name for name, (_, production) in settings_told().items() if production == "needed"}

    with pytest.raises(ConfigurationError) as refused:
        Settings.from_env({"ENVIRONMENT": "production"})

    assert needed == {"ENVIRONMENT", *re.findall(r"([A-Z_]+) must be set in production", str(refused.value))}


def settings_told() -> dict[str, tuple[str, str]]:
    """By setting, the default and what production asks, as the operators' table tells them."""
    page = (PROJECT / "docs" / "operators.md").read_text()
    cells = [[cell.strip() for cell in line.split("|")] for line in page.splitlines() if line.startswith("| `")]
    return {row[1].strip("`"): (row[2], row[3]) for row in cells if row[1].strip("`").isupper()}


#: Met by no client: the base of others, and what only a fault of ours would raise.
UNTOLD = {"posting_refused", "account_missing", "refund_to_stranger", "identity_reference_taken", "offline_till_fault"}


def test_the_guides_tell_whatever_the_wallet_and_rewards_refuse() -> None:
    load_rooms()
    guides = " ".join((PROJECT / page).read_text() for page in PAGES)
    told = set(re.findall(r"`([a-z_]+)`", guides))

    refused = {kind.code for kind in every_refusal() if kind.__module__.startswith(("wallet.", "rewards."))}
    assert refused - told == UNTOLD


@pytest.mark.parametrize("page", PAGES)
def test_a_guide_s_table_of_codes_names_codes_only(page: str) -> None:
    load_rooms()
    tables = re.findall(r"^\| code \|.*\n\|[-|]+\n((?:\|.*\n)+)", (PROJECT / page).read_text(), re.MULTILINE)
    named = {code for row in "".join(tables).splitlines() for code in re.findall("`([a-z_]+)`", row.split("|")[1])}

    assert named <= {kind.code for kind in every_refusal()}


@pytest.mark.parametrize(
    "page", ["README.md", *sorted(f"docs/{path.name}" for path in (PROJECT / "docs").glob("*.md"))]
)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    text = (PROJECT / page).read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert ((PROJECT / page).parent / target).exists(), target


def test_the_stand_in_for_curl_asks_what_curl_asks(echo: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl to compare with")
    options = ("-u", "key:", "-d", "a=b", "--data-urlencode", "c=+1 ü", echo)

    asked = [
        subprocess.run([*program, "-s", *options], capture_output=True, check=True, text=True).stdout
        for program in (["curl"], [sys.executable, str(STAND_IN)])
    ]

    assert asked[0] == asked[1] != ""


@pytest.fixture
def echo() -> Iterator[str]:
    """An address that answers with what it was asked."""

    class Echo(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            told = [self.headers.get_all("Authorization"), self.headers["Content-Type"], body]
            self.send_response(400)
            self.end_headers()
            self.wfile.write(repr(told).encode())

        def log_message(self, *_: object) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
