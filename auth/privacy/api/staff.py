"""Export and erasure, for customers who ask the brand."""

from flask_smorest import Blueprint

blueprint = Blueprint("privacy_staff", __name__, description="Export and erasure, for customers who ask the brand")
