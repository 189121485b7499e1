"""Who a customer is: checks by a provider, and the tier of limits that its verdict opens."""
