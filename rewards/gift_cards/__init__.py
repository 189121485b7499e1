"""Gift cards: value that a customer holds and spends card by card."""

from rewards.gift_cards.spendable import of_customer

__all__ = ["of_customer"]
