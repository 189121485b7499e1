"""Consents: what customers allow, per channel and purpose."""

from engage.consents.saying import MARKETING, Consents, Said, of, of_many, put, put_all

__all__ = ["MARKETING", "Consents", "Said", "of", "of_many", "put", "put_all"]
