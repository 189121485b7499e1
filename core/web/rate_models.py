"""The table of what all processes together were asked."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class Rate(Base):
    """How often one subject asked in one minute, over all processes; each adds its sums once a second."""

    __tablename__ = "rate"
    __table_args__ = (Index(None, "minute"), {"schema": "core"})

    subject: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    minute: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int]
