"""Decisions: why a customer got what they got, and why not what they did not."""

from engage.decisions.answering import Answer, about
from engage.decisions.listing import Decision, Place, of

__all__ = ["Answer", "Decision", "Place", "about", "of"]
