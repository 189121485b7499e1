"""Enrolling tills."""

from flask_smorest import Blueprint

blueprint = Blueprint("enrolments", __name__, description="Enrolling tills")
