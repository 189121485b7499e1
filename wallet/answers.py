"""What the wallet must know of rooms above it: handed in by the wiring, never imported."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.db import Connection
from wallet.accounts import Opening


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCard:
    """A gift card that its customer may spend now. available_minor: of its account's currency"""

    voucher_id: UUID
    account: Opening
    available_minor: int
    expires_at: datetime | None


#: The customer's gift cards of a currency that hold something and can be spent then, the next to expire first.
GiftCardsOf = Callable[[Connection, UUID, str, datetime], Sequence[GiftCard]]


def _no_gift_cards(*_: object) -> Sequence[GiftCard]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """points_rate: so many points are worth so many minor units of the brand's currency; None: they cannot pay"""

    gift_cards_of: GiftCardsOf = _no_gift_cards
    points_rate: tuple[int, int] | None = None


_answers = Answers()


def register(answers: Answers) -> None:
    """Take the answers of the rooms above; until then there are no gift cards, and points pay for nothing."""
    global _answers
    _answers = answers


def gift_cards_of(connection: Connection, customer_id: UUID, currency: str, at: datetime) -> Sequence[GiftCard]:
    return _answers.gift_cards_of(connection, customer_id, currency, at)


def points_rate() -> tuple[int, int] | None:
    return _answers.points_rate
