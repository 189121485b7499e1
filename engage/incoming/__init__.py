"""Incoming: what customers (and strangers) write back by SMS and WhatsApp."""
