"""Approving a payment."""

from flask_smorest import Blueprint

blueprint = Blueprint("step_up", __name__, description="Approving a payment")
