"""The web application for a WSGI server: ``gunicorn wsgi:app``."""

from resource_hub.app import create_app

app = create_app()
