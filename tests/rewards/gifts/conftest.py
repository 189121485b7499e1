"""Customers who have something to give: as for gift cards."""

from tests.rewards.gift_cards.conftest import _books_stay_clean, anna, ben

__all__ = ["_books_stay_clean", "anna", "ben"]
