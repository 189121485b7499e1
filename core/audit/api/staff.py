"""Who did what."""

from flask_smorest import Blueprint

blueprint = Blueprint("audit", __name__, description="Who did what")
