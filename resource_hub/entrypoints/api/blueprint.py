"""The blueprint of the interface's areas."""

from __future__ import annotations

import json
from typing import Any

import flask_smorest
import marshmallow as ma
from flask import Request
from webargs.flaskparser import FlaskParser


class Parser(FlaskParser):
    """Makes each schema of arguments once; by default every request makes its own, field by field."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[type[ma.Schema], ma.Schema] = {}

    def _get_schema(self, argmap: Any, req: Request) -> ma.Schema:
        if isinstance(argmap, type) and issubclass(argmap, ma.Schema):
            made = self._made.get(argmap)
            if made is None:
                made = self._made[argmap] = argmap()
            return made
        return super()._get_schema(argmap, req)

    def _raw_load_json(self, req: Request) -> Any:
        try:
            return super()._raw_load_json(req)
        except RecursionError:
            raise json.JSONDecodeError("nested too deeply", "", 0) from None


class Blueprint(flask_smorest.Blueprint):
    """The operations of one area, with their schemas."""

    ARGUMENTS_PARSER = Parser()
