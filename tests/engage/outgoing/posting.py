"""Letters without a walk: what tests of templates, links and outgoing post."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core import ids
from core.db import transaction
from core.notes import Notes
from engage import outgoing
from engage.outgoing import Decided, Letter
from engage.templates import embeds, variables, wording
from engage.templates.embeds import Embed
from engage.templates.wording import Wording
from rewards import vouchers
from rewards.vouchers import Issue, Voucher


def said(raw: dict[str, Any]) -> Wording:
    """A wording, which must be without fault; "en" is its default."""
    notes = Notes()
    parsed = wording.parse({"default_locale": "en", **raw}, notes, variables.ANY)
    assert notes.errors == []
    return parsed


def letter(customer_id: UUID, raw: dict[str, Any] | Wording, **more: Any) -> Letter:
    """A marketing letter by text message."""
    facts: dict[str, Any] = {"purpose": "marketing", "channels": ("sms",), "reference": ids.new(), **more}
    return Letter(customer_id=customer_id, wording=raw if isinstance(raw, Wording) else said(raw), **facts)


def post(*letters: Letter, now: datetime) -> list[tuple[Decided, Sequence[UUID]]]:
    """Decide and write them in one transaction: each with what became of it, and the ids of its messages."""
    with transaction() as session:
        customer_ids = {one.customer_id for one in letters}
        world = outgoing.prepare(session, customer_ids, now=now, wordings=[one.wording for one in letters])
        decided = [outgoing.decide(world, one) for one in letters]
        return list(zip(decided, outgoing.write(session, decided, world=world, now=now), strict=True))


def issued(campaign_id: UUID, customer_id: UUID, *, now: datetime) -> Voucher:
    given = Issue(campaign_id=campaign_id, customer_id=customer_id, source=f"test:{ids.new()}")
    with transaction() as session:
        return vouchers.issue(session, given, now=now)


def embedded(voucher: Voucher) -> Embed:
    """The voucher as letters name it, opened anew."""
    with transaction() as session:
        return embeds.load(session, [voucher.id])[voucher.id]
