"""The table of proofs that were used."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_SCHEMA: dict[str, Any] = {"schema": "auth"}


class ProofSeen(Base):
    """What may be shown once: HMAC of a DPoP proof's or a client assertion's `jti` with its key."""

    __tablename__ = "proof_seen"
    __table_args__ = (Index(None, "until"), _SCHEMA)

    proof: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    until: Mapped[datetime]
