"""Where a customer is signed in."""

from flask_smorest import Blueprint

blueprint = Blueprint("sessions", __name__, description="Where a customer is signed in")
