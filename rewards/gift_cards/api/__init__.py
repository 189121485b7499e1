"""The views of gift cards."""
