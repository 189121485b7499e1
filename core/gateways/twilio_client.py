"""Twilio's SDK, held so that it posts once, ends in time and reads nothing of the process's environment."""

import threading
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from core.gateways import http
from core.gateways.lists import Listed
from core.gateways.outcomes import Accepted, AddressDead, Outcome, Refused, Retry, Unknown

# https://www.twilio.com/docs/api/errors, read 2026-11: credentials, permission, sender, region and account faults.
# They are ours to mend, so the message may go out once they are.
_OURS_TO_MEND = {20003, 20008, 21408, 21606, 21607, 21212, 21603, 30002, 63007, 63020}
_OF_THE_COUNTRY = {21408}
_TOO_MANY_REQUESTS = {20429, 14107, 63018}
_ADDRESS_DEAD = {21211, 21614}  # not a phone number; not a mobile number

#: More than anyone is sent in the hours in which a message is looked for.
_LISTED = 50


class TwilioMessages:
    """Creates messages at Twilio; the SMS and WhatsApp adapters stand on it."""

    def __init__(self, *, account_sid: str, auth_token: str, public_url: str, api_url: str | None = None) -> None:
        self._http = _Rerouted(api_url=api_url)
        self._client = Client(
            account_sid,
            auth_token,
            http_client=self._http,
            # An empty dict would fall back to os.environ, where a TWILIO_EDGE changes the host.
            environment={"POCKETFUL": "1"},
        )
        self._public_url = public_url.rstrip("/")

    def create(self, message_id: UUID, *, to: str, from_: str, content: dict[str, str]) -> Outcome:
        """Give Twilio one message, once; our id travels in the status call-back's address.

        content: the SDK's names (body, content_sid, content_variables)
        """
        try:
            created = self._client.messages.create(
                to=to,
                from_=from_,
                status_callback=f"{self._public_url}/hooks/twilio/{message_id}",
                **content,
            )
        except requests.RequestException as error:
            return http.outcome_of_exception(error)
        except TwilioRestException as error:
            return self._refusal(error.status, error.code)
        except TwilioServiceException as error:
            return self._refusal(error.status, error.code)
        except (TwilioException, ValueError, KeyError) as error:
            # A 201 whose body could not be read: Twilio has it.
            return http.outcome_of_exception(error)
        return Accepted(provider_message_id=str(created.sid))

    def listed(self, *, to: str, from_: str) -> Sequence[Listed] | Unknown:
        """The latest messages to one recipient; not narrowed by DateSent, which Twilio sets only when one leaves it."""
        try:
            found = self._client.messages.list(to=to, from_=from_, limit=_LISTED, page_size=_LISTED)
            return [
                Listed(
                    provider_message_id=str(one.sid),
                    body=one.body or "",
                    status=str(one.status),
                    error_code="" if one.error_code is None else str(one.error_code),
                    created_at=one.date_created,
                )
                for one in found
            ]
        except (requests.RequestException, TwilioException, ValueError, KeyError, TypeError) as error:
            return Unknown(reason=type(error).__name__)

    def _refusal(self, status: int, code: int | None) -> Outcome:
        if status == 429 or code in _TOO_MANY_REQUESTS:
            return Retry(code=f"twilio_{code}", after_seconds=http.retry_after(self._http.last_headers))
        if status >= 500 or status < 400:
            return http.outcome_of_status(status, self._http.last_headers)
        if code in _ADDRESS_DEAD:
            return AddressDead(code=f"twilio_{code}")
        ours = status in (401, 403, 404) or code in _OURS_TO_MEND
        return Refused(code=f"twilio_{code}", permanent=not ours, is_routes=code not in _OF_THE_COUNTRY)


class _Rerouted(TwilioHttpClient):  # type: ignore[misc]  # the SDK ships no types
    """The SDK's HTTP client with a time-out (its default is none), no retries and, if told so, another host."""

    def __init__(self, *, api_url: str | None) -> None:
        super().__init__(timeout=http.TIMEOUT_SECONDS)
        self._api_url = api_url
        self._last = threading.local()
        http.post_once(self.session, api_url=api_url)

    @property
    def last_headers(self) -> Mapping[str, str]:
        """Of this thread's latest answer: the SDK's exceptions carry none, and Retry-After stands there."""
        headers: Mapping[str, str] = getattr(self._last, "headers", {})
        return headers

    def request(self, method: str, url: str, *args: object, **kwargs: object) -> Response:
        if self._api_url:
            base, asked = urlsplit(self._api_url), urlsplit(url)
            path = base.path.rstrip("/") + asked.path
            url = urlunsplit((base.scheme, base.netloc, path, asked.query, ""))
        response = super().request(method, url, *args, **kwargs)
        self._last.headers = response.headers or {}
        return response
