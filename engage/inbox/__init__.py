"""The app's inbox: what was said to a customer, to be read again."""

from engage.inbox.items import Item, NewItem, list_, mark_read, put_all, put_since, take_back, unread_count

__all__ = ["Item", "NewItem", "list_", "mark_read", "put_all", "put_since", "take_back", "unread_count"]
