"""The table of what is revoked."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_SCHEMA: dict[str, Any] = {"schema": "auth"}


class Revocation(Base):
    """Access tokens of this subject that were issued up to a moment are good for nothing.

    subject     "customer:<id>", "session:<id>", "family:<id>", "terminal:<id>" …
    until       from then on none of them can be alive any more
    written_at  by the database's clock, for processes that look what is new
    """

    __tablename__ = "revocation"
    __table_args__ = (Index(None, "written_at"), Index(None, "until"), _SCHEMA)

    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    issued_until: Mapped[datetime]
    until: Mapped[datetime]
    written_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
