"""Nothing that a client sends to the sign-in door makes a 500."""

import json
from urllib.parse import quote_from_bytes

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NAMES = [
    "client_id", "login_hint", "code_challenge", "code_challenge_method", "auth_session", "otp", "grant_type", "code",
    "code_verifier", "refresh_token", "token", "ui_locales", "response_type", "method", "channel", "device", "scope",
    "passkey", "id_token", "provider_code", "resend", "email", "email_code",
]  # fmt: skip
TRUE = {"client_id": b"pocketful-app", "code_challenge": b"c" * 43, "code_challenge_method": b"S256"}


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(form=st.dictionaries(st.sampled_from(NAMES), st.binary(max_size=60)), keep=st.booleans())
@pytest.mark.parametrize(
    "fixed",
    [
        {},
        {"grant_type": b"refresh_token"},
        {"grant_type": b"authorization_code"},
        {"login_hint": b"+12125550142"},
        {"method": b"passkey"},
        {"method": b"recovery", "login_hint": b"+12125550142", "email": b"ada@example.com"},
    ],
)
def test_any_form_gets_oauths_own_answer(
    client: FlaskClient, fixed: dict[str, bytes], form: dict[str, bytes], keep: bool
) -> None:
    fields = {**form, **fixed, **(TRUE if keep else {})}
    body = "&".join(f"{name}={quote_from_bytes(value)}" for name, value in fields.items())

    for path in ("/oauth/authorize-challenge", "/oauth/token", "/oauth/revoke"):
        answer = client.post(path, data=body, content_type="application/x-www-form-urlencoded")
        assert answer.status_code in (200, 400, 401, 429), (path, body, answer.get_data(as_text=True))
        assert answer.status_code == 200 or answer.json["error"]
        assert answer.text.strip() == json.dumps(answer.json, separators=(",", ":"))


@pytest.mark.parametrize(
    "header", ["Bearer \xff\xfe", "Bearer a.b.c", "Bearer " + "e30." * 900, "Bearer\t", "Bearer e30.e30.e30"]
)
def test_any_authorization_header_gets_a_401(client: FlaskClient, header: str) -> None:
    assert client.get("/app/v1/me", headers={"Authorization": header}).status_code == 401
