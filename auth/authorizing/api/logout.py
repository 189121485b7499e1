"""Signing out."""

from flask_smorest import Blueprint

blueprint = Blueprint("logout", __name__, description="Signing out")
