"""What is announced about money between people. No number stands in it, nor who the other person is."""

from dataclasses import dataclass
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class SendingCreated(Event):
    """A customer has sent money; is_waiting: it is held until its receiver claims it."""

    name = "sending.created"
    log_only = True

    sending_id: UUID
    way: str
    amount_minor: int
    currency: str
    is_waiting: bool


@dataclass(frozen=True, kw_only=True)
class MoneyReceived(Event):
    """Of the receiver."""

    name = "money.received"

    sending_id: UUID
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class SendingCompleted(Event):
    """Of the sender: the receiver has it."""

    name = "sending.completed"
    log_only = True

    sending_id: UUID
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class SendingCancelled(Event):
    name = "sending.cancelled"

    sending_id: UUID
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class SendingReturned(Event):
    """Nobody claimed it in time: the sender can spend it again."""

    name = "sending.returned"

    sending_id: UUID
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class MoneyRequested(Event):
    """Of who is asked, where they are a customer."""

    name = "money.requested"
    log_only = True

    money_request_id: UUID
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class MoneyRequestPaid(Event):
    """Of who asked."""

    name = "money_request.paid"
    log_only = True

    money_request_id: UUID
    sending_id: UUID
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class MoneyRequestDeclined(Event):
    """Of who asked."""

    name = "money_request.declined"
    log_only = True

    money_request_id: UUID
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class MoneyRequestCancelled(Event):
    """Of who was asked, where they are a customer."""

    name = "money_request.cancelled"
    log_only = True

    money_request_id: UUID
    amount_minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class MoneyRequestLapsed(Event):
    """Of who asked."""

    name = "money_request.lapsed"
    log_only = True

    money_request_id: UUID
    amount_minor: int
    currency: str
