"""What other systems report. A write key lives in an app that anyone can take apart, so none of it moves value:
an "Order Completed" from outside stays `outside.track`, and only our own tills announce `order.completed`.

Payload, for all: `message_id`, `type`, `context` (whole, less its personal fields), `original_timestamp`; then by type
`event` and `properties` (track), `name`, `category` and `properties` (page, screen), `traits` (identify),
`group_id` and `traits` (group). With both ids known, `subject_id` is the anonymous one, and `known_by` says by what a
server knew the customer ("server": by our own id or a mapped one; "phone", "email"); without it a client said so.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class Outside(Event):
    """Any event that came in through the ingest door. Those who keep customers read all that there is."""

    log_only = True

    content: dict[str, Any]

    def payload(self) -> dict[str, Any]:
        return self.content

    @classmethod
    def payload_fields(cls) -> None:
        """Whatever the other system says."""


class OutsideTrack(Outside):
    name = "outside.track"


class OutsideIdentify(Outside):
    name = "outside.identify"


class OutsidePage(Outside):
    name = "outside.page"


class OutsideScreen(Outside):
    name = "outside.screen"


class OutsideGroup(Outside):
    name = "outside.group"


class OutsideAlias(Outside):
    name = "outside.alias"


class AppInstalled(Outside):
    name = "app.installed"


class AppOpened(Outside):
    name = "app.opened"


class ProductViewed(Outside):
    name = "product.viewed"


class ProductAdded(Outside):
    name = "product.added"


@dataclass(frozen=True, kw_only=True)
class IdentityMapped(Event):
    """Another system's id of a customer became known; `subject_id` is what its events were logged under till now."""

    name = "identity.mapped"
    log_only = True

    system: str


#: What the ingest door logs each type of call as.
BY_TYPE: dict[str, type[Outside]] = {
    "track": OutsideTrack,
    "identify": OutsideIdentify,
    "page": OutsidePage,
    "screen": OutsideScreen,
    "group": OutsideGroup,
    "alias": OutsideAlias,
}

#: The events of Segment's own specification that mean something in this house get a name of ours.
BY_EVENT: dict[str, type[Outside]] = {
    "Application Installed": AppInstalled,
    "Application Opened": AppOpened,
    "Product Viewed": ProductViewed,
    "Product Added": ProductAdded,
}


def kind_of(type_: str, content: dict[str, Any]) -> type[Outside]:
    """What a call of this type and content is logged as."""
    meant = BY_EVENT.get(str(content.get("event"))) if type_ == "track" else None
    return meant or BY_TYPE[type_]


def made(
    *, type_: str, content: dict[str, Any], customer_id: UUID | None, subject_id: str | None, occurred_at: datetime
) -> Outside:
    """The event that a call of this type is logged as."""
    kind = kind_of(type_, content)
    return kind(customer_id=customer_id, subject_id=subject_id, occurred_at=occurred_at, content=content)
