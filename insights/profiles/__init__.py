"""Profiles: one view of each customer, kept from the log."""

from insights.profiles.keeping import Kept, Profile, Revenue, keep, of

__all__ = ["Kept", "Profile", "Revenue", "keep", "of"]
