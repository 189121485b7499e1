"""Passkeys."""

from flask_smorest import Blueprint

blueprint = Blueprint("passkeys", __name__, description="Passkeys")
