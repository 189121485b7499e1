"""Finance at the staff's and the merchant's door."""
