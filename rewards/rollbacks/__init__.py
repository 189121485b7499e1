"""Rollbacks: what a till took is given back, whole or by line, with the vouchers and limits that it used."""
