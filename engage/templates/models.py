"""Templates as they are saved."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Integer, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, one_of
from engage.consents.models import PURPOSES

STATUSES = ("live", "archived")


class Template(Base):
    """A wording with a name, used by any number of journeys and broadcasts.

    key              what staff and imports know it by ("welcome_gift")
    live_version_id  the version that is sent from now on
    """

    __tablename__ = "template"
    __table_args__ = (
        CheckConstraint(one_of("purpose", PURPOSES), name="purpose"),
        CheckConstraint(one_of("status", STATUSES), name="status"),
        {"schema": "engage"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, default="live", server_default="live")
    live_version_id: Mapped[UUID]
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class TemplateVersion(Base):
    """One state of a template's wording, never changed (a trigger refuses). says: the variables that it names."""

    __tablename__ = "template_version"
    __table_args__ = (
        UniqueConstraint("template_id", "number"),
        CheckConstraint("number > 0", name="number"),
        {"schema": "engage"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    template_id: Mapped[UUID] = mapped_column(ForeignKey("engage.template.id"))
    number: Mapped[int] = mapped_column(Integer)
    wording: Mapped[dict[str, Any]] = mapped_column(JSONB)
    says: Mapped[list[str]] = mapped_column(ARRAY(Text))
    made_by: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]
