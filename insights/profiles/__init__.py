"""Profiles: one view of each customer, kept from the log."""

from insights.profiles.keeping import Profile, Revenue, keep, of

__all__ = ["Profile", "Revenue", "keep", "of"]
