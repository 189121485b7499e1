"""Export and erasure."""

from flask_smorest import Blueprint

blueprint = Blueprint("privacy", __name__, description="Export and erasure")
