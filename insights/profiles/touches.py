"""What brought somebody here, as far as an event tells: a campaign's tags, or the page that linked to us."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from core.events import LoggedEvent

_CHARACTERS = 128


@dataclass(frozen=True, slots=True)
class Touch:
    at: datetime
    event_id: UUID
    source: str
    medium: str | None
    campaign: str | None


def of(event: LoggedEvent) -> Touch | None:
    """The touch of an event from outside; None where it names no source, as a direct visit does.

    source   Segment's spec, "Common fields" (context.campaign, context.referrer, context.page) and "Install Attributed"
    """
    context = _object(event.payload.get("context"))
    for campaign in (
        _object(context.get("campaign")),
        _object(_object(event.payload.get("properties")).get("campaign")),
    ):
        source = _text(campaign.get("source"))
        if source:
            return Touch(
                event.occurred_at, event.id, source, _text(campaign.get("medium")), _text(campaign.get("name"))
            )
    referrer = _referring_host(context)
    return Touch(event.occurred_at, event.id, referrer, "referral", None) if referrer else None


def _referring_host(context: Mapping[str, Any]) -> str | None:
    page, referrer = _object(context.get("page")), _object(context.get("referrer"))
    host = _host(page.get("referrer")) or _host(referrer.get("url"))
    return host if host != _host(page.get("url")) else None  # from page to page of one site is no touch


def _host(url: Any) -> str | None:
    try:
        return _text(urlsplit(url).hostname) if isinstance(url, str) else None
    except ValueError:
        return None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value.strip()[:_CHARACTERS] or None if isinstance(value, str) else None
