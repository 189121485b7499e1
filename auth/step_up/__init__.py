"""Fresh proofs for what is worth more than a token (RFC 9470)."""
