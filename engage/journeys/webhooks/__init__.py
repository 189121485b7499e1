"""Webhooks: what a journey tells servers that staff named."""
