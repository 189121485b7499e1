"""Merchants, their stores, and the terminals in them, as the other rooms ask for them."""

from auth.places.merchants import add_merchant, known
from auth.places.stores import add_store
from auth.places.terminals import Till, add_terminal, principal_of, till_of

__all__ = ["Till", "add_merchant", "add_store", "add_terminal", "known", "principal_of", "till_of"]
