"""Whom a client knows a customer as (OpenID Connect Core section 8)."""

import base64
from uuid import UUID

from auth.oauth.clients import Client
from core import crypto


def sub_of(client: Client, customer_id: UUID) -> str:
    """The brand's own clients know the customer's id; each partner's sector knows another name, so that two partners
    cannot tell that they have the same customer."""
    if client.is_first_party:
        return str(customer_id)
    name = crypto.blind_index("auth.pairwise", f"{client.sector or client.client_id}|{customer_id}")
    return base64.urlsafe_b64encode(name).decode().rstrip("=")
