"""The blueprints of these pages; their names are what the entries of the frame go by."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("booking", __name__)
bookings = Blueprint("bookings", __name__)
orders = Blueprint("orders", __name__)
requests = Blueprint("requests", __name__)
calendar = Blueprint("calendar", __name__)
