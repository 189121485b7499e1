"""What the OpenAPI documents say of signing in within the app."""

from typing import Any


def _text(description: str, example: str | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **({"example": example} if example else {}), **more}


def _json(description: str, properties: dict[str, dict[str, Any]], *required: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, **({"required": list(required)} if required else {})}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


_FORM = {
    "client_id": _text("The app; beside an auth_session it may be left out", "pocketful-app"),
    "login_hint": _text(
        "First request: the phone number; also where an answer asks for the method `phone`", "+12125550142"
    ),
    "channel": _text("How the code is sent", enum=["sms", "whatsapp"]),
    "method": _text(
        "First request, where it begins with something else than a number",
        enum=["passkey", "apple", "google", "recovery"],
    ),
    "code_challenge": _text("First request: base64url of SHA-256 of the code_verifier that the app keeps"),
    "code_challenge_method": _text("First request", enum=["S256"]),
    "scope": _text("First request: `openid`, `offline_access`, `device_sso` …, between spaces"),
    "device": _text("First request: the installation's id, as for `PUT /app/v1/devices`"),
    "ui_locales": _text("First request: the language to write in", "en-US"),
    "auth_session": _text("Every later request: as the first one's answer gave it"),
    "otp": _text("The six digits that were sent", "123456"),
    "email": _text("First request, with the method `recovery`: the address that was proved once", "ada@example.com"),
    "email_code": _text("With the method `recovery`, beside the `otp`: the six digits that were mailed", "042917"),
    "passkey": _text("What navigator.credentials.get (or the platform's API) gave, as JSON"),
    "id_token": _text("What Apple or Google gave for the `nonce`"),
    "provider_code": _text("Apple's authorization code, beside its `id_token`"),
    "resend": _text("Ask for another code, 30 seconds after the last one", enum=["1"]),
}

_ERROR = {"error": {"type": "string"}, "error_description": {"type": "string"}}

CHALLENGE: dict[str, Any] = {
    "security": [],
    "requestBody": {
        "required": True,
        "content": {"application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": _FORM}}},
    },
    "responses": {
        "200": _json(
            "Proved: redeem the code at /oauth/token",
            {
                "authorization_code": {"type": "string"},
                "number_change": {"type": "object", "description": "In place of it, with the method `recovery`"},
            },
        ),
        "400": _json(
            "`insufficient_authorization` with an `auth_session`: send what it asks for next (`methods`, `passkey`, "
            "`nonce`), or another try while there are `tries_left`. `invalid_session`: begin again",
            {
                **_ERROR,
                "auth_session": {"type": "string"},
                "methods": {"type": "array", "items": {"type": "string"}},
                "channel": {"type": "string"},
                "resend_after": {"type": "integer"},
                "expires_in": {"type": "integer"},
                "tries_left": {"type": "integer"},
                "passkey": {"type": "object", "description": "PublicKeyCredentialRequestOptionsJSON (WebAuthn)"},
                "nonce": {"type": "string"},
            },
            "error",
        ),
        "401": _json("No client of ours", _ERROR, "error"),
        "429": _json("`slow_down`: too many codes were asked for; see Retry-After", _ERROR, "error"),
    },
}
