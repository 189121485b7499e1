"""The tables of saved rules."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from rewards.models import SCHEMA


class SavedRule(Base):
    """A condition with a name. revision counts its changes."""

    __tablename__ = "rule"
    __table_args__ = {"schema": SCHEMA}

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    condition: Mapped[dict[str, Any]]
    revision: Mapped[int] = mapped_column(server_default="1")
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class RuleUse(Base):
    """That a campaign's own condition names a saved rule."""

    __tablename__ = "rule_use"
    __table_args__ = {"schema": SCHEMA}

    rule_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.rule.id"), primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.campaign.id"), primary_key=True, index=True)


class RulePart(Base):
    """That a saved rule names another one."""

    __tablename__ = "rule_part"
    __table_args__ = (CheckConstraint("rule_id <> part_id", name="itself"), {"schema": SCHEMA})

    rule_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.rule.id"), primary_key=True)
    part_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.rule.id"), primary_key=True, index=True)
