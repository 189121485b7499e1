"""What the OpenAPI documents say of the sign-in routes."""

from typing import Any

from auth.oauth import authenticating, metadata

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

_GRANTS = list(metadata.GRANT_TYPES)
_SECRET = {
    "client_secret": _text("Of a client that has one and sends it in the body; others send it by HTTP Basic"),
    "client_assertion": _text("Of a client that signs: a JWT by its key (RFC 7523)"),
    "client_assertion_type": {"type": "string", "enum": [authenticating.ASSERTION_TYPE]},
}

TOKEN: dict[str, Any] = {
    "security": [],
    "requestBody": _body(
        ["grant_type"],
        {
            "grant_type": {"type": "string", "enum": _GRANTS},
            "code": _text("The authorization_code; it works once, for a minute"),
            "code_verifier": _text("What the code_challenge was made from (RFC 7636)"),
            "redirect_uri": _text("With a code that came by a redirect: the same as there"),
            "refresh_token": _text("The newest one; its successor comes with the answer"),
            "scope": _text("With a refresh_token: less than was granted, for the access token"),
            "device_secret": _text("With a code: of the session in another app of the brand, which this one joins"),
            "device_code": _text("Of the device authorization"),
            "subject_token": _text("With the token exchange: the id_token of another app of the brand"),
            "subject_token_type": _text("What the subject_token is"),
            "actor_token": _text("With the token exchange: the device_secret"),
            "actor_token_type": _text("What the actor_token is"),
            "audience": _text("With the token exchange: our issuer"),
            **_SECRET,
        },
    ),
    "responses": {
        "200": _json(
            "Tokens. Keep the refresh token; a lost answer may be asked for again within 30 seconds",
            {
                **_object(dict.fromkeys(("access_token", "token_type"), "string") | {"expires_in": "integer"}),
                "properties": {
                    "access_token": {"type": "string"},
                    "token_type": {"type": "string", "enum": ["Bearer", "DPoP"]},
                    "expires_in": {"type": "integer"},
                    **{
                        name: {"type": "string"}
                        for name in ("refresh_token", "scope", "id_token", "device_secret", "issued_token_type")
                    },
                },
            },
        ),
        "400": _BAD,
        "401": _STRANGER,
        "429": _json("`slow_down`: too many wrong secrets; see Retry-After", _REFUSAL),
    },
}

REVOKE: dict[str, Any] = {
    "security": [],
    "requestBody": _body(
        ["token"],
        {
            "token": _text("A refresh token, an access token or a device_secret"),
            "token_type_hint": _text("Not needed: each kind tells itself"),
            **_SECRET,
        },
    ),
    "responses": {
        "200": _json("It works no more (or never did)", {"type": "object"}),
        "400": _BAD,
        "401": _STRANGER,
    },
}

INTROSPECT: dict[str, Any] = {
    "security": [],
    "requestBody": _body(
        ["token"],
        {"token": _text("One of the client's own tokens"), "token_type_hint": _text("Not needed"), **_SECRET},
    ),
    "responses": {
        "200": _json(
            "What it is worth; `active: false` for whatever is unknown, over or another client's (RFC 7662)",
            _object({"active": "boolean"}),
        ),
        "400": _BAD,
        "401": _STRANGER,
    },
}

USERINFO: dict[str, Any] = {
    "security": [{"bearer": []}],
    "responses": {
        "200": _json(
            "By scope: profile tells locale, zoneinfo, birthdate; email and phone tell what was proved",
            {
                "type": "object",
                "required": ["sub"],
                "properties": {
                    **{
                        name: {"type": "string"}
                        for name in ("sub", "locale", "zoneinfo", "birthdate", "email", "phone_number")
                    },
                    "email_verified": {"type": "boolean"},
                    "phone_number_verified": {"type": "boolean"},
                },
            },
        ),
        "401": _json("`invalid_token`", _REFUSAL),
        "403": _json("`insufficient_scope`: it lacks openid", _REFUSAL),
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
