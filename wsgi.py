"""The web application for a WSGI server: ``gunicorn wsgi:app``."""

import gc

# All that is made from here to the end of this file stays: to look through it again and again for what was thrown away
# takes a fifth of the start.
gc.disable()

import config  # noqa: E402
from resource_hub.app import create_app  # noqa: E402
from resource_hub.infra import logging  # noqa: E402

_settings = config.from_environment()
logging.configure("web", level=_settings.log_level)
app = create_app(_settings)
# The program stays to the end; looking through it for what was thrown away takes 0.2 s in the middle of some request.
gc.collect()
gc.freeze()
# A request makes some thousand objects that end with it; looking for rings among them every 700 is work for nothing.
gc.set_threshold(20_000, 20, 50)
gc.enable()
