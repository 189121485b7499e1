"""Results: what journeys, broadcasts and campaigns brought, what they cost, and what of it they caused."""
