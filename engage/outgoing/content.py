"""Content: a filled-in text in the shape that a channel's gateway takes it, and where it would be too long."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engage import links
from engage.links.kept import NewLink
from engage.outgoing.letters import Letter
from engage.templates import brand
from engage.templates.wording import Rendered

#: What the providers take at most; a longer text is not sent rather than cut through a code or link.
LONGEST = {"push": 1_000, "sms": 1_600, "whatsapp": 1_600, "email": 60_000, "inbox": 10_000}
#: FCM takes 4,096 bytes of payload in all; the rest is for its own names around ours.
LONGEST_PUSH_BYTES = 3_500


@dataclass(frozen=True, slots=True)
class Extras:
    """What a mail has beside its text.

    opening          the link of the picture that tells that it was opened
    unsubscribe_url  for the mail program's own button
    way_out          a link to unsubscribe by, where the text has none
    """

    opening: NewLink | None = None
    unsubscribe_url: str | None = None
    way_out: str | None = None


def of(channel: str, said: Rendered, letter: Letter, extras: Extras) -> dict[str, Any]:
    """What `core.delivery.channels` lists for the channel; nothing for the inbox alone."""
    if channel == "push":
        return _push(said, letter.reference, letter.voucher.id if letter.voucher else None)
    if channel == "whatsapp" and said.content_sid:
        # Twilio refuses line breaks, tabs and runs of blanks within a variable.
        filled = {name: " ".join(value.split()) for name, value in (said.content_variables or {}).items()}
        return {"content_sid": said.content_sid, "content_variables": filled}
    if channel == "email":
        return _email(said, extras)
    return {"body": said.body}


def is_too_long(channel: str, said: Rendered, content: dict[str, Any]) -> bool:
    if len(said.body) > LONGEST[channel] or len(said.html or "") > LONGEST["email"]:
        return True
    return channel == "push" and len(json.dumps(content, ensure_ascii=False).encode()) > LONGEST_PUSH_BYTES


def rich(said: Rendered) -> dict[str, Any]:
    """Picture, buttons and the place in the app, as far as the text has them."""
    actions = [
        {"id": action.id, "title": action.title, **({"link": action.link} if action.link else {})}
        for action in said.actions
    ]
    told = {"image": said.image, "deep_link": said.deep_link, "actions": actions}
    return {name: value for name, value in told.items() if value}


def _push(said: Rendered, reference: UUID, voucher_id: UUID | None) -> dict[str, Any]:
    data = {"reference": str(reference)}
    if voucher_id is not None:
        data["voucher_id"] = str(voucher_id)
    return {"title": said.title or "", "body": said.body, "data": data, **rich(said)}


def _email(said: Rendered, extras: Extras) -> dict[str, Any]:
    # A header is one line, whatever was filled in.
    subject = " ".join((said.subject or said.title or brand.name()).split())
    content = {"subject": subject, "text": said.body}
    if extras.way_out:
        content["text"] += f"\n\nUnsubscribe: {extras.way_out}"
    if said.html:
        content["html"] = _page(said.html, extras)
    if extras.unsubscribe_url:
        content["unsubscribe_url"] = extras.unsubscribe_url
    return content


def _page(page: str, extras: Extras) -> str:
    """The mail's HTML with what is added to its end."""
    added = f'<p><a href="{extras.way_out}">Unsubscribe</a></p>' if extras.way_out else ""
    if extras.opening:
        added += f'<img src="{links.to_opening(extras.opening.code)}" width="1" height="1" alt="">'
    before, end, after = page.rpartition("</body>")
    return f"{before}{added}{end}{after}" if end else f"{page}{added}"
