"""The web application for a WSGI server: ``gunicorn wsgi:app``."""

import gc

import config
from resource_hub.app import create_app
from resource_hub.infra import logging

_settings = config.from_environment()
logging.configure("web", level=_settings.log_level)
app = create_app(_settings)
# The program stays to the end; looking through it for what was thrown away takes 0.2 s in the middle of some request.
gc.collect()
gc.freeze()
