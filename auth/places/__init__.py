"""Partner merchants, their stores and tills."""
