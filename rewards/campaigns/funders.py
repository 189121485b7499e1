"""Funders: who fills a campaign's budget, and by which share. What is left of it goes back by the same shares.

A funder is "brand" (its marketing fund), "merchant:<id>" or "partner:<name>"; the account "funding" of the latter two
goes below zero: it is what they owe the brand for campaigns.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from auth import merchants
from core.notes import Notes
from rewards.campaigns.models import CampaignFunder
from wallet import accounts
from wallet.accounts import Opening
from wallet.shares import shares

BRAND = "brand"
WHOLE_BPS = 10_000

_MOST = 10
_MEMBERS = frozenset({"funder", "bps"})
_PARTNER = re.compile(r"partner:[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_MERCHANT = re.compile(r"merchant:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")

#: By funder the basis points of each campaign's value; without any it is the brand's alone.
Shares = Sequence[Mapping[str, Any]]


def parse(session: Session, raw: Any, notes: Notes) -> None:
    """Note what is wrong with funders that somebody wrote."""
    if not isinstance(raw, list) or len(raw) > _MOST:
        notes.say(f"Must be a list of at most {_MOST} funders.")
        return
    clean, names = len(notes.errors), []
    for number, each in enumerate(raw):
        names.append(_check(session, each, notes.at(number)))
    if len(notes.errors) > clean or not raw:
        return
    total = sum(each["bps"] for each in raw)
    if len(set(names)) < len(names):
        notes.say("Names a funder twice: add their shares up.")
    elif total != WHOLE_BPS:
        notes.say(f"The shares come to {total} basis points and must come to {WHOLE_BPS}.")


def split(of: Shares, amount_minor: int) -> dict[str, int]:
    """What each funder bears of an amount of at least 1; they sum to it, and none is off its exact share by a unit."""
    if not of:
        return {BRAND: amount_minor}
    ordered = sorted(of, key=lambda each: str(each["funder"]))
    parts = shares([each["bps"] for each in ordered], amount_minor)
    return {each["funder"]: part for each, part in zip(ordered, parts, strict=True)}


def account(funder: str, currency: str) -> Opening:
    """The account that a funder's part comes from."""
    return accounts.of_marketing(currency) if funder == BRAND else Opening(funder, "funding", currency, None)


def of(session: Session, campaign_id: UUID) -> list[dict[str, Any]]:
    return of_many(session, [campaign_id]).get(campaign_id, [])


def of_many(session: Session, campaign_ids: Iterable[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """By campaign its funders; those that are the brand's alone are left out."""
    query = select(CampaignFunder).where(CampaignFunder.campaign_id.in_(list(campaign_ids)))
    found: dict[UUID, list[dict[str, Any]]] = {}
    for row in session.scalars(query.order_by(CampaignFunder.campaign_id, CampaignFunder.funder)):
        found.setdefault(row.campaign_id, []).append({"funder": row.funder, "bps": row.bps})
    return found


def keep(session: Session, made: Iterable[tuple[UUID, Shares]]) -> None:
    """Write the funders of campaigns that have none yet."""
    rows = [{"campaign_id": campaign_id, **each} for campaign_id, given in made for each in given]
    if rows:
        session.execute(insert(CampaignFunder), rows)


def replace_(session: Session, campaign_id: UUID, given: Shares) -> None:
    session.execute(delete(CampaignFunder).where(CampaignFunder.campaign_id == campaign_id))
    keep(session, [(campaign_id, given)])


def _check(session: Session, raw: Any, notes: Notes) -> str:
    """The funder's name, as far as it is one."""
    given = notes.object_(raw, allowed=_MEMBERS, required=_MEMBERS)
    bps, name = given.get("bps", 1), given.get("funder", BRAND)
    if not isinstance(bps, int) or isinstance(bps, bool) or not 1 <= bps <= WHOLE_BPS:
        notes.at("bps").say(f"Must be a whole number from 1 to {WHOLE_BPS}: 2500 is a quarter.")
    if not isinstance(name, str) or not (name == BRAND or _PARTNER.fullmatch(name) or _MERCHANT.fullmatch(name)):
        notes.at("funder").say("Must be “brand”, “merchant:<id>” or “partner:<name>” (a-z, 0-9 and hyphens).")
    elif name.startswith("merchant:") and not merchants.known(session, [UUID(name.partition(":")[2])]):
        notes.at("funder").say("There is no such merchant.")
    return str(name)
