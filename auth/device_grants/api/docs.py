"""What the OpenAPI documents say of the device authorization."""

from typing import Any

_REFUSAL: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
}


def _refusal(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _REFUSAL}}}


_CODES = {
    "device_code": {"type": "string", "description": "The device's own; poll the token endpoint with it"},
    "user_code": {"type": "string", "description": "To be shown", "example": "WDJB-MJHT"},
    "verification_uri": {
        "type": "string",
        "description": "Where a customer types it; staff type a till's at their own",
    },
    "verification_uri_complete": {"type": "string", "description": "The same with the code, for a QR"},
    "expires_in": {"type": "integer", "description": "Seconds"},
    "interval": {"type": "integer", "description": "Seconds between two polls"},
}

DEVICE_AUTHORIZATION: dict[str, Any] = {
    "security": [],
    "parameters": [
        {
            "in": "header",
            "name": "DPoP",
            "schema": {"type": "string"},
            "description": "Proof of the device's key (RFC 9449); a till's key is what it signs with after",
        }
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["client_id"],
                    "properties": {
                        "client_id": {"type": "string", "example": "pocketful-till"},
                        "scope": {"type": "string"},
                    },
                }
            }
        },
    },
    "responses": {
        "200": {
            "description": "Codes, good for a quarter of an hour",
            "content": {
                "application/json": {
                    "schema": {"type": "object", "required": list(_CODES), "properties": _CODES},
                }
            },
        },
        "400": _refusal("Refused, in OAuth's own words"),
        "401": _refusal("No client of ours"),
        "429": _refusal("`slow_down`: too many ask from one address"),
    },
}
