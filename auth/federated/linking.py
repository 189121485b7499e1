"""Linking an identity to a customer who is signed in."""

from datetime import datetime
from uuid import UUID

from auth import notices
from auth.federated import checking, identities, nonces
from auth.federated.errors import IdentityRefused
from auth.federated.models import Identity
from core.db import transaction


def prove_and_link(
    customer_id: UUID, *, provider: str, handle: str, id_token: str, provider_code: str | None = None, now: datetime
) -> tuple[Identity, str | None]:
    """Link the identity that a provider's token tells of, in answer to a nonce of ours; with its e-mail address.

    Opens transactions of its own, none of them while the provider is asked.

    raises   IdentityRefused, IdentityTaken, IdentityExists, KeysUnavailable
    effects  the nonce is used, whatever comes of it; announces provider_identity.linked, and tells every device
    """
    with transaction() as session:
        nonce = nonces.take(session, customer_id, handle, now=now)
    if nonce is None:
        raise IdentityRefused
    claimed = checking.check(provider, id_token, nonce=nonce, now=now)
    if claimed is None:
        raise IdentityRefused
    with transaction() as session:
        identity = identities.link(session, customer_id, claimed, provider_code=provider_code, now=now)
        if identity.linked_at == now:
            notices.tell(session, customer_id, notices.IDENTITY_LINKED, now=now)
        return identity, identities.email_of(session, identity)
