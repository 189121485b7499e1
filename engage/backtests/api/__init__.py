"""Backtests on the wire."""
