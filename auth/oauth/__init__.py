"""OAuth 2: clients, authorization codes and families of refresh tokens."""
