"""What a device without a keyboard asks for first: a code of its own, and one to show (RFC 8628 section 3.1)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth import limits, opaque
from auth.device_grants import user_codes
from auth.device_grants.models import DeviceGrant
from auth.dpop.proofs import Proven
from auth.errors import OAuthRefusal
from auth.limits import Limit
from auth.oauth import clients, scopes
from auth.oauth.clients import Client
from core import ids
from core.web.addresses import network_of

TTL = timedelta(minutes=15)
#: How long a device has to wait between two questions, until it is told to wait longer.
INTERVAL_SECONDS = 5

#: A shop's tills may all be set up behind one address in one morning.
_ASKED = Limit("device_authorization", 60, timedelta(hours=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """device_code: the device's own secret; user_code: what it shows"""

    device_code: str
    user_code: str


def ask(
    session: Session, *, client: Client, scope: str, proven: Proven | None, address: str, now: datetime
) -> Asked | OAuthRefusal:
    """Begin a grant that waits for a person's yes.

    proven  the key that the device proved: a till's is what it signs with from then on, and it has to have one
    """
    if client.kind not in (clients.APP, clients.TILL):
        # A partner's would need a consent that its customer gives on a page of another device.
        return OAuthRefusal("unauthorized_client", "Devices are the brand's own")
    if client.kind == clients.TILL and proven is None:
        return OAuthRefusal("invalid_dpop_proof", "A till proves its key when it asks: send a DPoP proof")
    wanted = scopes.parse(client, scope)
    if isinstance(wanted, OAuthRefusal):
        return wanted
    wait = limits.take(session, [(_ASKED, network_of(address))], now=now)
    if wait is not None:
        return OAuthRefusal(
            "slow_down", "Too many devices ask from here; try again later", status=429, retry_after_seconds=wait
        )

    device_code = opaque.new()
    while True:  # a code that another device shows at this moment is drawn once in a thousand years
        user_code = user_codes.new()
        row = {
            "id": ids.new(),
            "device_code": opaque.kept("device_code", device_code),
            "user_code": user_codes.kept(user_code),
            "client_id": client.client_id,
            "scope": wanted,
            "public_key": _pem(proven) if proven else None,
            "jkt": proven.jkt if proven else None,
            "interval_seconds": INTERVAL_SECONDS,
            "created_at": now,
            "expires_at": now + TTL,
        }
        added = insert(DeviceGrant).values(row).on_conflict_do_nothing().returning(DeviceGrant.id)
        if session.execute(added).first() is not None:
            return Asked(device_code=device_code, user_code=user_code)


def _pem(proven: Proven) -> str:
    return proven.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
