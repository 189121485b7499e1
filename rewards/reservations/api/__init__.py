"""Reservations at the till."""
