"""A route that does not say who may enter stops the application."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.views import MethodView

from resource_hub.entrypoints.support import guards
from resource_hub.entrypoints.support.guards import MEMBER, PUBLIC, SIGNED_IN, allows


def made(*routes) -> Flask:
    app = Flask("resource_hub", static_folder=None)
    for number, (rule, view) in enumerate(routes):
        app.add_url_rule(rule, f"v{number}", view)
    return app


def test_an_undeclared_route_is_named():
    app = made(("/open", lambda: ""), ("/ok", allows(PUBLIC)(lambda: "")))
    assert [line for line in guards.undeclared(app) if "/open" in line]
    with pytest.raises(guards.UndeclaredRoute, match="/open"):
        guards.refuse_undeclared(app)


def test_roles_need_an_organisation_in_the_address():
    app = made(("/today", allows("manager")(lambda: "")))
    assert "names no organisation" in guards.undeclared(app)[0]
    guards.refuse_undeclared(made(("/o/<organisation>/today", allows("manager")(lambda organisation: ""))))


def test_each_method_of_a_view_class_declares():
    class Thing(MethodView):
        @allows(SIGNED_IN)
        def get(self):
            return ""

        def post(self):
            return ""

    app = made(("/thing", Thing.as_view("thing")))
    assert [line.split()[0] for line in guards.undeclared(app)] == ["POST"]


def test_contradictions_are_refused():
    with pytest.raises(guards.WrongDeclaration):
        allows()
    with pytest.raises(guards.WrongDeclaration):
        allows(PUBLIC, "manager")
    with pytest.raises(guards.WrongDeclaration):
        allows(MEMBER, SIGNED_IN)
