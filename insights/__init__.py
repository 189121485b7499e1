"""One view of each customer, kept from the event log: timeline, profile, and the figures of the whole brand."""
