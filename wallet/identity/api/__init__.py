"""Identity checks, tiers, limits and the standing of wallets at each door."""
