"""Backtests: a journey that is played over the past before anybody is written to."""
