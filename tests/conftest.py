"""What all tests share: databases on both engines, the application, a browser, and an account of what ran.

A test that asks for `database`, directly or through another fixture, runs once on SQLite and once on PostgreSQL; one of
what pages show, marked `any_engine` or `browser`, on one of the two.
"""

from __future__ import annotations

import gc
import os
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from tests.support import postgres
from tests.support.databases import ENGINES, POSTGRESQL, SQLITE, TITLES, Database, Factory
from tools import chromium

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from playwright.sync_api import Browser, Page

    from tests.support.demonstration import Demonstration
    from tests.support.server import LiveServer

ROOT = Path(__file__).resolve().parent.parent
REQUIRE_BROWSER = "RESOURCE_HUB_REQUIRE_BROWSER"

# A slow machine is no failure; what failed is printed so that it can be replayed.
hypothesis.settings.register_profile("project", deadline=None, print_blob=True)
hypothesis.settings.load_profile("project")

# Tests throw away much at once; looking for it after every 700 new objects took a sixteenth of their processor time.
gc.set_threshold(50_000, 20, 50)


# ---- options, markers, what is run on what ---------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        choices=ENGINES,
        help="run the database tests on this engine only (by default on both)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine_name" in metafunc.fixturenames:
        only = metafunc.config.getoption("engine")
        metafunc.parametrize(
            "engine_name", [only] if only else _engines_of(metafunc.definition), scope="session"
        )


def _engines_of(test: pytest.Item) -> list[str]:
    """Both, or one of the two for what pages show and read: always the same one for a test, and each for about half of
    them. On both every page is opened (tests/web/test_routes.py), and the services behind are tested."""
    if any(test.get_closest_marker(name) for name in ("any_engine", "browser")):
        return [ENGINES[zlib.crc32(test.nodeid.encode()) % len(ENGINES)]]
    return list(ENGINES)


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end, so that nothing in them is looked for."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        # xdist 3.8 writes the group of a test where pytest 9.2 does not look for it; without this there are no groups.
        grouped = vars(item).get("_nodeid")
        if grouped and item.nodeid != grouped:
            item._id = type(item._id).parse(grouped)  # type: ignore[attr-defined]
    if hasattr(config, "workerinput"):
        items.sort(key=_turn)
    if chromium.find() is None and os.environ.get(REQUIRE_BROWSER) != "1":
        # Said loudly at the end; with the variable set they run and fail.
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason=chromium.MISSING))


def _turn(item: pytest.Item) -> int:
    """What takes long begins first where several processes share the tests, or one would be at it at the end when the
    others are done; what needs the filled demonstration only when that has had time to be filled."""
    if item.get_closest_marker("slow") is None:
        return 2
    return 1 if "filled_demonstration" in getattr(item, "fixturenames", ()) else 0


# ---- the account of what ran, by engine ------------------------------------------------------------------------

_ran: Counter[str] = Counter()
_no_browser: Counter[str] = Counter()


def pytest_runtest_setup(item: pytest.Item) -> None:
    callspec = getattr(item, "callspec", None)
    engine = callspec.params.get("engine_name") if callspec else None
    # User properties travel from a worker process to the one that counts.
    item.user_properties.append(("ran on", engine or "no database"))
    if item.get_closest_marker("browser"):
        item.user_properties.append(("ran on", "browser"))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        _ran.update(str(value) for name, value in report.user_properties if name == "ran on")
    elif report.when == "setup" and report.skipped and chromium.MISSING in str(report.longrepr):
        _no_browser["tests"] += 1


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _no_browser["tests"]:
        terminalreporter.section("BROWSER TESTS DID NOT RUN", sep="!", red=True, bold=True)
        terminalreporter.write_line(f"{_no_browser['tests']} tests need a browser. {chromium.MISSING}")


def pytest_unconfigure(config: pytest.Config) -> None:
    stack = config.stash.get(_servers, None)
    if stack:
        stack.close()
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(config, "workerinput") or not _ran:
        return
    only = config.getoption("engine")
    parts = [
        f"{TITLES[name]}: " + ("left out" if only and only != name else f"{_ran[name]} tests ran")
        for name in ENGINES
    ]
    parts.append("browser: " + ("DID NOT RUN" if _no_browser["tests"] else f"{_ran['browser']} ran"))
    parts.append(f"without a database: {_ran['no database']}")
    reporter.write_line(" · ".join(parts))


# ---- PostgreSQL: one server a run ------------------------------------------------------------------------------

_servers = pytest.StashKey[ExitStack]()
_server = pytest.StashKey["postgres.Server | str"]()


def _server_of_run(config: pytest.Config) -> postgres.Server | str:
    """The server, started when first asked for; or why there is none."""
    if _server not in config.stash:
        config.stash[_servers] = stack = ExitStack()
        try:
            config.stash[_server] = stack.enter_context(postgres.running())
        except postgres.PostgresUnavailable as problem:
            config.stash[_server] = str(problem)
    return config.stash[_server]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """In the process that leads the xdist workers: start the server and tell each worker where it is."""
    if node.config.getoption("engine") == SQLITE:
        return
    server = _server_of_run(node.config)
    if isinstance(server, postgres.Server):
        node.workerinput["postgres"] = (server.address, server.run)
    else:
        node.workerinput["no_postgres"] = server


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> postgres.Server:
    """The PostgreSQL server of this run of the tests."""
    told = getattr(request.config, "workerinput", None)
    if told and "postgres" in told:
        return postgres.Server(*told["postgres"])
    server = told["no_postgres"] if told else _server_of_run(request.config)
    if isinstance(server, str):
        pytest.fail(server, pytrace=False)
    return server


# ---- databases -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def shared_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this run of the tests see."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if hasattr(request.config, "workerinput") else own


@pytest.fixture(scope="session")
def database_factory(
    engine_name: str, request: pytest.FixtureRequest, shared_folder: Path
) -> Iterator[Factory]:
    """Makes databases of the engine at hand, for tests that need more than one, or one without tables."""
    server = request.getfixturevalue("postgres_server") if engine_name == POSTGRESQL else None
    factory = Factory(engine_name, shared_folder, server)
    yield factory
    factory.close()


@pytest.fixture
def database(database_factory: Factory) -> Iterator[Database]:
    """A migrated database without rows; the test runs once on each engine."""
    with database_factory.migrated() as fresh:
        yield fresh


@pytest.fixture
def blank_database(database_factory: Factory) -> Iterator[Database]:
    """A database without tables, on each engine: for tests of the migrations themselves."""
    with database_factory.blank() as fresh:
        yield fresh


# ---- the application -------------------------------------------------------------------------------------------


@pytest.fixture
def app(database: Database, tmp_path: Path) -> Iterator[Flask]:
    """The whole application on a database without rows."""
    from tests.support.application import application

    with application(database, tmp_path) as made:
        yield made


@pytest.fixture
def own_app(database: Database, tmp_path: Path) -> Iterator[Flask]:
    """An application built for this test alone, which may add routes to it."""
    from tests.support.application import application

    with application(database, tmp_path, own=True) as made:
        yield made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A visitor of the application who is not signed in."""
    return app.test_client()


@pytest.fixture
def in_app(app: Flask) -> Iterator[Flask]:
    """The application with its context pushed, to call services directly. Not together with `client`."""
    with app.app_context():
        yield app


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with the real inputs. They are public documents and are not part of the repository."""
    folder = Path(os.environ.get("RESOURCE_HUB_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.fail(
            f"The real inputs are not at {folder}: set RESOURCE_HUB_DATA to their folder.", pytrace=False
        )
    return folder


# ---- browser ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium with Chinese letters."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # a machine with all its cores at work answers late
    program = chromium.find()
    if program is None:
        pytest.fail(chromium.MISSING, pytrace=False)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=program,
            args=list(chromium.FLAGS),
            env=dict(chromium.environment(tmp_path_factory.mktemp("chromium"))),
        )
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A tab on the live server, Chinese, desktop width. `page.goto("/")` is the landing page."""
    context = browser.new_context(
        base_url=live_server.url,
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        viewport={"width": 1440, "height": 900},
    )
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def live_server(app: Flask) -> Iterator[LiveServer]:
    """The application behind a real socket on the loopback address, several requests at a time."""
    from tests.support.server import LiveServer

    with LiveServer(app) as server:
        yield server


@pytest.fixture(scope="session")
def filled_demonstration(shared_folder: Path) -> Path:
    """The folder of a filled demonstration that nobody runs; copy it, do not change it.

    Filling takes a minute, and who asks meanwhile waits: tests/browser/test_main_pages.py, which is a group and so begins
    first, and the tests beside it need none.
    """
    from tests.support import demonstration

    return demonstration.filled(shared_folder)


@pytest.fixture
def own_demonstration(filled_demonstration: Path) -> Iterator[Demonstration]:
    """A running demonstration for this test alone: book in it, move its time forward, kill it."""
    from tests.support import demonstration

    with demonstration.running(filled_demonstration) as started:
        yield started


@pytest.fixture(scope="module")
def shared_demonstration(filled_demonstration: Path) -> Iterator[Demonstration]:
    """A running demonstration for tests that only look. Mark them xdist_group("demonstration")."""
    from tests.support import demonstration

    with demonstration.running(filled_demonstration) as started:
        yield started


@pytest.fixture(scope="session")
def axe_source() -> str:
    """axe-core; see tests/support/accessibility.py for the usual way to use it."""
    return chromium.axe_source()
