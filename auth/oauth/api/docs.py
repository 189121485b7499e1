"""What the OpenAPI documents say of the sign-in routes."""

from typing import Any

_REFUSAL: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
}


def _body(required: list[str], properties: dict[str, dict[str, Any]]) -> dict[str, Any]:
    schema = {"type": "object", "required": ["client_id", *required], "properties": {**_CLIENT, **properties}}
    return {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _object(properties: dict[str, str]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(properties),
        "properties": {name: {"type": kind} for name, kind in properties.items()},
    }


def _text(description: str, example: str | None = None) -> dict[str, Any]:
    return {"type": "string", "description": description, **({"example": example} if example else {})}


_CLIENT = {"client_id": _text("The app", "pocketful-app")}
_BAD = _json("Refused, in OAuth's own words (RFC 6749 section 5.2)", _REFUSAL)
_STRANGER = _json("No client of ours", _REFUSAL)

TOKEN: dict[str, Any] = {
    "security": [],
    "requestBody": _body(
        ["grant_type"],
        {
            "grant_type": {"type": "string", "enum": ["authorization_code", "refresh_token"]},
            "code": _text("The authorization_code; it works once, for a minute"),
            "code_verifier": _text("What the code_challenge was made from (RFC 7636)"),
            "refresh_token": _text("The newest one; its successor comes with the answer"),
        },
    ),
    "responses": {
        "200": _json(
            "Tokens. Keep the refresh token; a lost answer may be asked for again within 30 seconds",
            _object(
                {**dict.fromkeys(("access_token", "token_type", "refresh_token"), "string"), "expires_in": "integer"}
            ),
        ),
        "400": _BAD,
        "401": _STRANGER,
    },
}

REVOKE: dict[str, Any] = {
    "security": [],
    "requestBody": _body(["token"], {"token": _text("A refresh token")}),
    "responses": {
        "200": _json("It works no more (or never did)", {"type": "object"}),
        "400": _BAD,
        "401": _STRANGER,
    },
}

KEYS: dict[str, Any] = {
    "security": [],
    "responses": {"200": _json("A JWK set (RFC 7517)", {"type": "object"})},
}

METADATA: dict[str, Any] = {
    "security": [],
    "responses": {"200": _json("Authorization server metadata (RFC 8414)", {"type": "object"})},
}
