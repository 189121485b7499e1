"""Walks: customers on their way through journeys."""
