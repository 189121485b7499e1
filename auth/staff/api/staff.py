"""The brand's staff."""

from flask_smorest import Blueprint

blueprint = Blueprint("staff_people", __name__, description="The brand's staff")
