"""Offers at the doors: for the app before it pays, for the till beside it, for staff who ask why."""
