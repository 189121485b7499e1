"""Plays Firebase Cloud Messaging's HTTP v1 API.

source  https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages and .../v1/ErrorCode, read 2026-11
"""

import json
from typing import Any

from tests.standins.server import Answer, Asked, StandIn, serve

_STATUSES = {
    "UNREGISTERED": (404, "NOT_FOUND", "Requested entity was not found."),
    "INVALID_ARGUMENT": (400, "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token"),
    "SENDER_ID_MISMATCH": (403, "PERMISSION_DENIED", "SenderId mismatch"),
    "QUOTA_EXCEEDED": (429, "RESOURCE_EXHAUSTED", "Quota exceeded"),
    "UNAVAILABLE": (503, "UNAVAILABLE", "The service is currently unavailable."),
    "INTERNAL": (500, "INTERNAL", "Internal error encountered."),
}


class Fcm(StandIn):
    def understand(self, path: str, body: bytes) -> tuple[str, str, dict[str, Any]]:
        message = json.loads(body)["message"]
        return message.get("data", {}).get("message_id", ""), message["token"], {**message, "path": path}

    def accepted(self, asked: Asked) -> Answer:
        project = asked.fields["path"].split("/")[3]
        return Answer(200, {"name": f"projects/{project}/messages/0:{asked.message_id}"})

    def refused(self, asked: Asked, code: str) -> Answer:
        return _error(code)

    def limited(self) -> Answer:
        return _error("QUOTA_EXCEEDED")

    def failed(self, status: int) -> Answer:
        return _error("UNAVAILABLE" if status == 503 else "INTERNAL", status=status)


def _error(code: str, *, status: int | None = None) -> Answer:
    usual, rpc, text = _STATUSES[code]
    detail = {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}
    body = {"error": {"code": status or usual, "message": text, "status": rpc, "details": [detail]}}
    return Answer(status or usual, body)


if __name__ == "__main__":
    serve(Fcm)
