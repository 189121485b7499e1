"""The links by which money is claimed or asked for: their codes are kept as HMAC only."""

from uuid import UUID

from core import crypto


def code_of(row_id: UUID) -> str:
    """The code of a sending's or a request's link: 256 bits that only our key can tell.

    Derived rather than drawn, so that a retry whose first answer was lost is given the same one, though nothing that
    is stored opens anything.
    """
    return crypto.blind_index("wallet.peers.code", str(row_id)).hex()


def kept(code: str) -> bytes:
    """What is stored of a code. It opens nothing, and finds it again when it is presented."""
    return crypto.blind_index("wallet.peers.link", code)
