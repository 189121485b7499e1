"""Receipts of erasures."""

from flask_smorest import Blueprint

blueprint = Blueprint("receipts", __name__, description="Receipts of erasures")
