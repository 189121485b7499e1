"""Codes that are not sent."""

from flask_smorest import Blueprint

blueprint = Blueprint("abuse", __name__, description="Codes that are not sent")
