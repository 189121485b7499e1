"""Tills: how they prove their deeds, and what a day of theirs came to."""
