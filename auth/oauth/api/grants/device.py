"""A device_code for tokens, once a person has said yes (RFC 8628 section 3.4)."""

from uuid import UUID

from authlib.oauth2.rfc8628 import DeviceCodeGrant as AuthlibDeviceCodeGrant
from flask import request

from auth import merchants
from auth.device_grants import polling
from auth.oauth.api import answers, proving, tills, wire
from auth.oauth.api.grants.base import METHODS, Answer, client_of, told
from core import clock
from core.db import transaction


class DeviceGrant(AuthlibDeviceCodeGrant):  # type: ignore[misc]  # Authlib has no types
    """What Authlib's would do otherwise: it never consumes a code, and calls an unknown one invalid_request."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def validate_token_request(self) -> None:
        self.request.client = client_of(self)
        self.device_code = wire.required(self.request.form, "device_code")

    def create_token_response(self) -> Answer:
        client, now = self.request.client, clock.now()
        jkt = proving.take(client, now=now)
        till = None
        with transaction() as session:
            outcome = polling.poll(
                session,
                client=client,
                device_code=self.device_code,
                jkt=jkt,
                address=request.remote_addr,
                agent=request.user_agent.string,
                now=now,
            )
            if isinstance(outcome, UUID):
                till = merchants.till_of(session, outcome)
        if till is not None:
            # The till learns who it is: from now on it comes in as that client, by its key.
            return 200, {**tills.token(till, now=now), "client_id": str(till.terminal_id)}, []
        return 200, answers.with_id_token(client, told(outcome), now), []
