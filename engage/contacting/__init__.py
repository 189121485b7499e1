"""Contacting: when and how often customers are written to, and who is left in peace so that we learn what it does.

Asked when a message is decided, and by the gate again right before it leaves. Only marketing is held to it.
"""
