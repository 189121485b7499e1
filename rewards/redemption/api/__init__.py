"""What a till begins, and ends, before it takes a basket."""
