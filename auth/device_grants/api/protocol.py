"""Signing in on what has no keyboard."""

from flask_smorest import Blueprint

blueprint = Blueprint("device_grants", __name__, description="Signing in on what has no keyboard")
