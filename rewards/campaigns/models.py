"""The tables of campaigns' versions, funders and approvals."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from rewards.models import SCHEMA


class CampaignVersion(Base):
    """A campaign's terms from one change to the next; written once (a trigger refuses changes)."""

    __tablename__ = "campaign_version"
    __table_args__ = {"schema": SCHEMA}

    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.campaign.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    terms: Mapped[dict[str, Any]]
    made_by: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]


class CampaignFunder(Base):
    """Who fills a campaign's budget by which share; a campaign without any is the brand's alone."""

    __tablename__ = "campaign_funder"
    __table_args__ = (CheckConstraint("bps BETWEEN 1 AND 10000", name="bps"), {"schema": SCHEMA})

    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.campaign.id"), primary_key=True)
    funder: Mapped[str] = mapped_column(Text, primary_key=True)
    bps: Mapped[int]


class CampaignApproval(Base):
    """Which campaign an approval is about, and up to which value it was asked."""

    __tablename__ = "campaign_approval"
    __table_args__ = (CheckConstraint("asked_minor > 0", name="asked"), {"schema": SCHEMA})

    approval_id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.campaign.id"), index=True)
    revision: Mapped[int]
    asked_minor: Mapped[int] = mapped_column(BigInteger)
