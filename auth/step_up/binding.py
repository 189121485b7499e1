"""Binding: what exactly a customer's passkey signs (dynamic linking, PSD2 RTS article 5).

The challenge is a hash over the payment's own id, its amount, its currency and its payee: with another of any of these
the signature says nothing. What a payee is called here, both sides spell by these functions.
"""

import hashlib
from uuid import UUID

#: Whoever is given the link of a sending; the brand, of which a gift card is bought.
LINK, BRAND = "link", "brand"

_VERSION = "pocketful.step-up.v1"


def merchant(merchant_id: UUID) -> str:
    return f"merchant:{merchant_id}"


def store(store_id: UUID) -> str:
    return f"store:{store_id}"


def request(request_id: UUID) -> str:
    """A till's basket, or what a person asks another for."""
    return f"request:{request_id}"


def phone(index: bytes) -> str:
    """A number, by its blind index: whether it is a customer's makes no difference."""
    return f"phone:{index.hex()}"


def challenge_of(*, payment_id: UUID, amount_minor: int, currency: str, payee: str, nonce: bytes) -> bytes:
    """What is signed: 32 bytes.

    units  amount_minor: minor units of the currency, with the tip
    """
    lines = (_VERSION, str(payment_id), str(amount_minor), currency, payee, nonce.hex())
    return hashlib.sha256("\n".join(lines).encode()).digest()
