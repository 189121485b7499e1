"""Merchants, stores and tills."""

from flask_smorest import Blueprint

blueprint = Blueprint("places", __name__, description="Merchants, stores and tills")
