"""The ledger's own audit: everything that is kept twice is derived again from what was posted and compared."""

from wallet.checks.asking import QUESTIONS, Counted, count, first_difference, names

__all__ = ["QUESTIONS", "Counted", "count", "first_difference", "names"]
