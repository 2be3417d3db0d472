"""A Flask page with one query and nothing else: what web server, framework and driver take by themselves.

Run as ``benchmarks._bare:app``; the address of the database stands in ``BARE_DATABASE_URL``.
"""

from __future__ import annotations

import os

from flask import Flask
from sqlalchemy import create_engine

app = Flask(__name__)
_engine = create_engine(os.environ["BARE_DATABASE_URL"], isolation_level="AUTOCOMMIT")


@app.get("/")
def page() -> dict[str, int]:
    with _engine.connect() as connection:
        return {"n": connection.exec_driver_sql("SELECT count(*) FROM organisation").scalar_one()}
