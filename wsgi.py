"""The web application for a WSGI server: ``gunicorn wsgi:app``."""

import config
from resource_hub.app import create_app
from resource_hub.infra import logging

_settings = config.from_environment()
logging.configure("web", level=_settings.log_level)
app = create_app(_settings)
