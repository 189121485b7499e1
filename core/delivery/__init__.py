"""What waits to be sent: leases, retries, receipts, in doubt. No consent and no wording: those are Engage's."""
