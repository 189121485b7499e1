"""Signing in with a browser."""

from flask_smorest import Blueprint

blueprint = Blueprint("authorize", __name__, description="Signing in with a browser")
