"""Customers who lost their number."""

from flask_smorest import Blueprint

blueprint = Blueprint("customer_recovery", __name__, description="Customers who lost their number")
