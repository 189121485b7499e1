"""Changing the phone number."""

from flask_smorest import Blueprint

blueprint = Blueprint("numbers", __name__, description="Changing the phone number")
