"""What the OpenAPI documents say of signing in with a browser."""

from typing import Any

_REFUSAL: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
}

_WORDS = {
    "client_id": "Who asks",
    "response_type": "code",
    "redirect_uri": "Where the answer goes: letter by letter one that is registered",
    "scope": "openid, profile, phone, email, offline_access, with blanks between",
    "state": "Comes back with the answer",
    "nonce": "Comes back in the id token",
    "code_challenge": "base64url of SHA-256 of the code_verifier (RFC 7636); public clients send it",
    "code_challenge_method": "S256",
    "response_mode": "query or form_post",
    "prompt": "none: show nothing; login: ask again who it is; consent: ask again whether you may",
    "max_age": "Seconds since the sign-in, at most",
    "acr_values": "1fa, mfa or phr (a passkey): as strong as the weakest of them",
    "login_hint": "The phone number, to be filled in",
    "id_token_hint": "Of whom you mean",
    "ui_locales": "The language to write in",
    "dpop_jkt": "Thumbprint of the key that alone may redeem the code (RFC 9449)",
    "request_uri": "What /oauth/par answered; nothing else beside client_id then",
}
_BAD: dict[str, Any] = {
    "description": "Refused, in OAuth's own words (RFC 6749 section 5.2)",
    "content": {"application/json": {"schema": _REFUSAL}},
}
_RESPONSES: dict[str, Any] = {
    "303": {"description": "To a page of ours, or back to the client: with code, state and iss, or with error"},
    "400": {
        "description": "Who asks, or where the answer is to go, is not known: a page, and no redirect, ever",
        "content": {"text/html": {"schema": {"type": "string"}}},
    },
}


def _form(required: list[str], names: list[str]) -> dict[str, Any]:
    properties = {name: {"type": "string", "description": _WORDS[name]} for name in names}
    schema = {"type": "object", "required": required, "properties": properties}
    return {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}


AUTHORIZE: dict[str, Any] = {
    "security": [],
    "parameters": [
        {
            "in": "query",
            "name": name,
            "required": name == "client_id",
            "schema": {"type": "string"},
            "description": words,
        }
        for name, words in _WORDS.items()
    ],
    "responses": _RESPONSES,
}

AUTHORIZE_BY_FORM: dict[str, Any] = {
    "security": [],
    "requestBody": _form(["client_id"], list(_WORDS)),
    "responses": _RESPONSES,
}

PAR: dict[str, Any] = {
    "security": [],
    "requestBody": _form(
        ["client_id", "response_type", "redirect_uri"], [name for name in _WORDS if name != "request_uri"]
    ),
    "responses": {
        "201": {
            "description": "It is kept for 90 seconds, for one use",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["request_uri", "expires_in"],
                        "properties": {"request_uri": {"type": "string"}, "expires_in": {"type": "integer"}},
                    }
                }
            },
        },
        "400": _BAD,
        "401": {**_BAD, "description": "No client of ours, or not proved to be"},
        "413": {**_BAD, "description": "More than 10 KB"},
    },
}

_SIGN_OUT = {
    "id_token_hint": "An id token of the sign-in that is to end, also one that ran out",
    "client_id": "Who asks; read out of the id token where it is left out",
    "post_logout_redirect_uri": "Where the browser goes then: letter by letter one that is registered",
    "state": "Comes back with it",
}
_SIGNED_OUT = {
    "200": {"description": "Signed out: a page", "content": {"text/html": {"schema": {"type": "string"}}}},
    "303": {"description": "Signed out, on to post_logout_redirect_uri; or to a page that asks first"},
    "400": {**_RESPONSES["400"], "description": "Another client's id token, or an address that is not registered"},
}

LOGOUT: dict[str, Any] = {
    "security": [],
    "parameters": [
        {"in": "query", "name": name, "schema": {"type": "string"}, "description": words}
        for name, words in _SIGN_OUT.items()
    ],
    "responses": _SIGNED_OUT,
}

LOGOUT_BY_FORM: dict[str, Any] = {
    "security": [],
    "requestBody": {
        "required": False,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {name: {"type": "string", "description": text} for name, text in _SIGN_OUT.items()},
                }
            }
        },
    },
    "responses": _SIGNED_OUT,
}
