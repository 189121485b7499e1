"""Using vouchers: what is known of them, what they take off a basket, and the rows that say so."""
