"""Doors into journeys from outside the app."""
