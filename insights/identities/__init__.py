"""Whose the deeds of an anonymous subject are: claims, links that can be undone, and what is kept apart."""
