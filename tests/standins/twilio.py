"""Plays Twilio's Messages API (2010-04-01), and its signed status call-backs.

source  https://www.twilio.com/docs/messaging/api/message-resource and /docs/usage/security, read 2026-11
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from twilio.request_validator import RequestValidator

from tests.standins.server import Answer, Asked, StandIn, serve

AUTH_TOKEN = "twilio-stand-in-token"
_MESSAGES = {
    "20003": (401, "Authenticate"),
    "21211": (400, "The 'To' number is not a valid phone number."),
    "21610": (400, "Attempt to send to unsubscribed recipient"),
    "63016": (400, "Failed to send freeform message because you are outside the allowed window."),
}


@dataclass(frozen=True)
class CallBack:
    """A status call-back as Twilio posts it: form fields, and the signature for X-Twilio-Signature."""

    url: str
    fields: dict[str, str]
    signature: str


class Twilio(StandIn):
    """listed_status: how far its messages are; lists_fail_with: the status that it refuses its list with."""

    listed_status = "queued"
    lists_fail_with = 0
    lists_asked = 0

    def understand(self, path: str, body: bytes) -> tuple[str, str, dict[str, Any]]:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
        return fields.get("StatusCallback", "").rpartition("/")[2], fields["To"], {**fields, "path": path}

    def accepted(self, asked: Asked) -> Answer:
        account = asked.fields["path"].split("/")[3]
        name = sid(asked.message_id)
        return Answer(201, self._resource(asked, account, name))

    def _resource(self, asked: Asked, account: str, name: str) -> dict[str, Any]:
        at = format_datetime(datetime.now(UTC))
        return {
            "sid": name,
            "account_sid": account,
            "api_version": "2010-04-01",
            "body": asked.fields.get("Body", ""),
            "date_created": at,
            "date_sent": None,
            "date_updated": at,
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
            "from": asked.fields.get("From"),
            "messaging_service_sid": None,
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "price_unit": None,
            "status": self.listed_status,
            "subresource_uris": {},
            "to": asked.recipient,
            "uri": f"/2010-04-01/Accounts/{account}/Messages/{name}.json",
        }

    def look_up(self, path: str) -> Answer:
        """The list of messages, narrowed by To and From, the newest first."""
        self.lists_asked += 1
        if self.lists_fail_with:
            return self.failed(self.lists_fail_with)
        where = dict(parse_qsl(urlsplit(path).query))
        account = path.split("/")[3]
        kept = [
            self._resource(asked, account, sid(asked.message_id))
            for asked in reversed(self.asked)
            if asked.taken and asked.recipient == where.get("To") and asked.fields.get("From") == where.get("From")
        ]
        page = f"/2010-04-01/Accounts/{account}/Messages.json?PageSize=50&Page=0"
        return Answer(
            200,
            {
                "messages": kept[: int(where.get("PageSize", 50))],
                "first_page_uri": page,
                "next_page_uri": None,
                "previous_page_uri": None,
                "page": 0,
                "page_size": 50,
                "start": 0,
                "end": max(len(kept) - 1, 0),
                "uri": page,
            },
        )

    def refused(self, asked: Asked, code: str) -> Answer:
        status, text = _MESSAGES.get(code, (400, "Refused"))
        return _error(status, int(code), text)

    def limited(self) -> Answer:
        return _error(429, 20429, "Too Many Requests")

    def failed(self, status: int) -> Answer:
        return _error(status, 20500, "Internal Server Error")

    def call_back(
        self, message_id: str, status: str, *, error_code: str = "", auth_token: str = AUTH_TOKEN
    ) -> CallBack:
        """The call-back for a message that was asked for here."""
        asked = next(one for one in self.asked if one.message_id == message_id)
        fields = {
            "AccountSid": asked.fields["path"].split("/")[3],
            "MessageSid": sid(message_id),
            "SmsSid": sid(message_id),
            "MessageStatus": status,
            "SmsStatus": status,
            "To": asked.recipient,
            "From": asked.fields.get("From", ""),
            "ApiVersion": "2010-04-01",
        }
        if error_code:
            fields["ErrorCode"] = error_code
        return signed(asked.fields["StatusCallback"], fields, auth_token=auth_token)


def sid(message_id: str) -> str:
    """The name that Twilio's stand-in gives a message: steady, so that two posts of one message show as such."""
    return "SM" + hashlib.sha256(message_id.encode()).hexdigest()[:32]


def signed(url: str, fields: dict[str, str], *, auth_token: str = AUTH_TOKEN) -> CallBack:
    return CallBack(url, fields, RequestValidator(auth_token).compute_signature(url, fields))


def _error(status: int, code: int, text: str) -> Answer:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return Answer(status, {"code": code, "message": text, "more_info": more, "status": status})


if __name__ == "__main__":
    serve(Twilio)
