"""The links by which gifts are claimed: their codes are kept as HMAC only."""

from uuid import UUID

from core import crypto


def code_of(gift_id: UUID) -> str:
    """The code of a gift's link: 256 bits that only our key can tell.

    Derived rather than drawn, so that a retry whose first answer was lost is given the same one.
    """
    return crypto.blind_index("rewards.gift.code", str(gift_id)).hex()


def kept(code: str) -> bytes:
    """What is stored of a code. It opens nothing, and finds it again when it is presented."""
    return crypto.blind_index("rewards.gift.link", code)
