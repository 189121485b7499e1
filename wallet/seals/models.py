"""Seals: one row a block of the hash chain over the ledger's transfers."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, FetchedValue, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from core.events.log import Xid8


class Seal(Base):
    """What was committed from (epoch, from_xid) up to (epoch, to_xid), and the hash of all of that and all before."""

    __tablename__ = "seal"
    __table_args__ = (
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("length(hash) = 32", name="hash"),
        {"schema": "wallet"},
    )

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    epoch: Mapped[int]
    from_xid: Mapped[str] = mapped_column(Xid8)
    to_xid: Mapped[str] = mapped_column(Xid8)
    transfers: Mapped[int]
    entries: Mapped[int]
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
