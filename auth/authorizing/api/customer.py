"""Partners that a customer lets in."""

from flask_smorest import Blueprint

blueprint = Blueprint("partners", __name__, description="Partners that a customer lets in")
