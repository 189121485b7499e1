"""What was caused and what was chance: pure arithmetic, without a database, a clock or randomness."""
