"""Canaries: no token, one-time code, phone number or e-mail gets past the log's filter, whoever logs it and how."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from core import ids, log
from core.settings import Settings
from tests.core.web.shop import Shop, open_shop

CANARIES = {
    "phone": "+12125550142",
    "spaced": "+44 20 7946 0958",
    "national": "(212) 555-0142",
    "close": "(212)555-0142",
    "in a URL": "%2B12125550142",
    "spaced in a URL": "%2B1%20212%20555%200142",
    "digits": "12125550142",
    "mail": "ada.lovelace+shop@example.co.uk",
    "mail in a URL": "ada.lovelace%40example.co.uk",
    "otp": "493817",
    "jwt": "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "bearer": "Bearer s3cr3t",
    "opaque": "Zk3v9QpLx2RtY7wN0aBcDeFgHiJkLmNoPqRsTuVw",
    "refresh token": "pf_rt_AZq1b2c3",
    "customer code": "PF-ABCDEFGHIJKLMNOP-12345678",
    "user code": "WDJB-MJHT",
    "proof": "DPoP p.r.oof",
    "address": "192.0.2.77",
    "long address": "2001:db8::8a2e:370:7334",
    "whole address": "2001:db8:85a3:0:0:8a2e:370:7334",
}

#: What stands around it tells what it is.
CARRIERS = {
    "link": ("GET /c/s/{}", "k7Qd2mZx9"),
    "receipt": ("GET /erasures/{}", "k7Qd2mZx9"),
    "cookie": ("Cookie: __Host-session={}; theme=dark", "k7Qd2mZx9"),
    "secret in a form": ("client_id=app&client_secret={}&scope=openid", "k7Qd2mZx9"),
    "verifier in a form": ("grant_type=x&code_verifier={}", "k7Qd2mZx9"),
    "code in JSON": ("{{'otp':{}}}", "493817"),
}


@pytest.fixture(params=["production", "development"])
def lines(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log.configure(Settings(environment=request.param), stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in log.OURS:
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()


@pytest.mark.parametrize("canary", CANARIES.values(), ids=CANARIES)
def test_no_canary_gets_out(lines: io.StringIO, canary: str) -> None:
    ours, theirs = structlog.stdlib.get_logger("engage.work"), logging.getLogger("some.package")
    try:
        raise ValueError(f"cannot send to {canary}")
    except ValueError:
        ours.exception("failed")
        logging.getLogger("pocketful.web").exception("unexpected %s", canary, extra={"note": canary})
    ours.info(f"sent {canary} away", note=canary, deep={"list": [{"text": f"<{canary}>"}]})
    theirs.warning("POST %s", canary)
    theirs.warning("POST %(body)s", {"body": canary})

    told = lines.getvalue()
    assert told.count("POST") == 2
    secret = canary.removeprefix("Bearer ").removeprefix("DPoP ")
    assert secret not in told


@pytest.mark.parametrize(("carrier", "secret"), CARRIERS.values(), ids=CARRIERS)
def test_what_a_link_or_a_form_carries_does_not_get_out(lines: io.StringIO, carrier: str, secret: str) -> None:
    logging.getLogger("some.package").warning("%s", carrier.format(secret))

    assert secret not in lines.getvalue()
    assert carrier.partition("{}")[0].replace("{{", "{") in lines.getvalue()


@pytest.mark.parametrize(
    "harmless",
    ["http://127.0.0.1:8000/app/v1/me", "at 12:34:56", "version 3.11.2", "tests/x.py::test_a", "a-z self-help"],
)
def test_what_looks_a_little_like_it_stays(lines: io.StringIO, harmless: str) -> None:
    logging.getLogger("some.package").warning("%s", harmless)

    assert harmless in lines.getvalue()


@pytest.mark.parametrize(
    "name",
    [
        "access_token",
        "code",
        "one_time_code",
        "phone",
        "email",
        "Authorization",
        "to_phone",
        "client_assertion",
        "nonce",
        "ip",
    ],
)
def test_a_telling_name_hides_any_value(lines: io.StringIO, name: str) -> None:
    structlog.stdlib.get_logger("auth.tokens").warning("given", **{name: "abc-1", "kept": {name: 7}})

    assert "abc-1" not in lines.getvalue()
    assert ": 7" not in lines.getvalue()


def test_what_we_need_to_know_stays(lines: io.StringIO) -> None:
    row, request_id = ids.new(), ids.new().hex
    logging.getLogger("pocketful.access").info(
        "request",
        extra={
            "route": "/app/v1/payments/<uuid:id>",
            "status": 201,
            "row": f"customer:{row}",
            "request_id": request_id,
        },
    )

    told = lines.getvalue()
    assert all(part in told for part in ("/app/v1/payments/<uuid:id>", "201", f"customer:{row}", request_id, "request"))


def test_packages_are_heard_from_warnings_on_only(lines: io.StringIO) -> None:
    logging.getLogger("twilio.http_client").info("Body: hello")
    logging.getLogger("core.delivery").info("one message sent")

    assert "hello" not in lines.getvalue()
    assert "one message sent" in lines.getvalue()


def test_production_writes_json_a_line() -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        log.configure(Settings(environment="production"), stream)
        logging.getLogger("app.worker").warning("%s: %s", "delivery.send", "busy")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()

    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["logger"]) == ("delivery.send: busy", "warning", "app.worker")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("environment", ["production", "development"])
def test_a_request_is_one_line_that_names_its_route_and_no_word_of_the_caller(environment: str) -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        log.configure(Settings(environment=environment), stream)
        open_shop(Shop()).test_client().open("/nowhere/+12125550142?token=abc", method="MAIL-ME-AT-A@EXAMPLE.COM")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()

    (told,) = stream.getvalue().splitlines()
    assert "EXAMPLE" not in told
    assert "5550142" not in told
    if environment == "production":
        line = json.loads(told)
        assert (line["event"], line["logger"], line["level"]) == ("request", "pocketful.access", "info")
        assert (line["method"], line["route"], line["status"]) == (None, None, 404)
        assert line["request_id"]
    else:
        assert "[info     ] request" in told
        assert "status=404" in told
