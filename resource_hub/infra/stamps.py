"""Answers that outlive a request: kept in this process for as long as nothing that they are made of has changed.

The database draws a new stamp for a subject (a resource, an organisation, a customer) whenever a row about it changes;
``migrations/guards.py`` says which rows are about what. Who reads asks for the stamps first, and an answer that was
made under the same stamps is as good as a new one. Answers are looked up so only inside ``stamped``: in a unit of work
that changes none of these rows itself, and in a request outside of its units.

A request may also believe the stamps that this process saw last, and have them compared later, by a statement that is
said anyway (``believe``). Until then it decides nothing: a unit does not commit, and no refusal leaves, before what was
believed has turned out to be so. Where it has not, the request begins again and asks first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, delete, func, insert, select

from resource_hub.infra.database import current_unit, db, dialect_name, numbered, reading, reading_engine
from resource_hub.infra.ids import new_id
from resource_hub.infra.tables import ChangeStamp
from resource_hub.infra.together import connection_of

if TYPE_CHECKING:
    from resource_hub.infra.unit_of_work import Unit

# Subjects that are no row: holidays and make-up workdays; programmes of all funders.
CALENDARS = UUID(int=1)
PROGRAMMES = UUID(int=2)

# Answers of one process; a resource with its plan is some 20 KB.
_MOST = 4_096

Stamp = tuple[Any, ...]


class Outdated(Exception):
    """Something that a request believed is not so any more; it has to begin again."""


class Stamps:
    """Stamps as the database had them when they were first asked for, for reading inside one unit or outside of any."""

    def __init__(self, expected: Iterable[UUID] = ()) -> None:
        self._unit = current_unit.get()
        self.seen: dict[UUID, Stamp] = {}
        # Whether stamps are believed, and those that were and have not been compared.
        self.believing = False
        self.believed: dict[UUID, Stamp] = {}
        # Calendars and programmes are asked for sooner or later wherever something else is.
        self._expected = {CALENDARS, PROGRAMMES, *expected}
        self.asked: set[UUID] = set()
        self.memory = memory()

    @property
    def hold(self) -> bool:
        """Whether what is read now is read as these stamps were."""
        return current_unit.get() is self._unit

    def of(self, subjects: Iterable[UUID]) -> Stamp:
        wanted = tuple(subjects)
        if self._unit is None:
            self.asked.update(wanted)
        try:
            return tuple(map(self.seen.__getitem__, wanted))
        except KeyError:
            self._see({one for one in wanted if one not in self.seen})
            return tuple(map(self.seen.__getitem__, wanted))

    def _see(self, missing: set[UUID]) -> None:
        if self.believing:
            missing -= self._believe(missing).keys()
        if missing:
            self.know(_drawn(missing | (self._expected - self.seen.keys())))

    def _believe(self, subjects: set[UUID]) -> dict[UUID, Stamp]:
        found = {one: stamp for one in subjects if (stamp := self.memory.last.get(one)) is not None}
        self.seen.update(found)
        self.believed.update(found)
        return found

    def expect(self, subjects: Iterable[UUID]) -> None:
        """These will be asked for soon: read them with the next ones."""
        self._expected.update(subjects)

    def forget(self) -> None:
        """Ask anew, and believe no more; what was believed is still to be compared."""
        self.seen.clear()
        self.believing = False

    def know(self, drawn: Mapping[UUID, Stamp]) -> None:
        """These were read already."""
        self.seen.update(self.memory.saw(drawn))

    def compare(self, drawn: Mapping[UUID, Stamp]) -> bool:
        """Whether what was believed is what the database says now, as far as that has been read."""
        if any(drawn.get(one, stamp) != stamp for one, stamp in self.believed.items()):
            return False
        self.believed = {one: stamp for one, stamp in self.believed.items() if one not in drawn}
        return True


def _drawn(subjects: set[UUID]) -> dict[UUID, Stamp]:
    """The stamps of subjects as the database has them."""
    if dialect_name() != "postgresql":
        names = {one.bytes: one for one in subjects}
        marks = ", ".join([f"?{n + 1}" for n in range(len(names))])
        rows = numbered(
            connection_of(reading()),
            f"SELECT subject_id, stamp FROM change_stamp WHERE subject_id IN ({marks})",  # noqa: S608
            tuple(names),
        )
        return _by_subject(subjects, [(names[subject], stamp) for subject, stamp in rows])
    statement = "SELECT subject_id, stamp FROM change_stamp WHERE subject_id = ANY(%s::uuid[]) ORDER BY stamp"
    # One text is written sooner than a list of ids.
    values = ("{" + ",".join(map(str, subjects)) + "}",)
    if current_unit.get() is not None or (db.session.registry.has() and db.session().in_transaction()):
        return _by_subject(subjects, connection_of(reading()).exec_driver_sql(statement, values))
    # Often nothing else is read, and a session would cost more than the statement.
    with reading_engine(db.engine).connect() as connection:
        return _by_subject(subjects, connection.exec_driver_sql(statement, values))


def _by_subject(subjects: set[UUID], rows: Iterable[Any]) -> dict[UUID, Stamp]:
    found: dict[UUID, list[Any]] = {one: [] for one in subjects}
    for subject, stamp in rows:
        found[subject].append(stamp)
    return {one: tuple(drawn) for one, drawn in found.items()}


class Memory:
    """Answers of one database with the stamps that they were made under; the oldest go first."""

    def __init__(self) -> None:
        self._answers: OrderedDict[Hashable, tuple[Stamp, Any]] = OrderedDict()
        self._changing = threading.Lock()
        # The stamps that were read last. An answer that was made later than its stamp is right for who compares.
        self.last: dict[UUID, Stamp] = {}

    def get(self, key: Hashable, stamp: Stamp) -> tuple[Any] | None:
        """The answer, in a tuple of its own because it may be None."""
        kept = self._answers.get(key)
        return (kept[1],) if kept is not None and kept[0] == stamp else None

    def put(self, key: Hashable, stamp: Stamp, answer: Any) -> None:
        with self._changing:
            self._answers[key] = stamp, answer
            self._answers.move_to_end(key)
            if len(self._answers) > _MOST:
                self._answers.popitem(last=False)

    def saw(self, drawn: Mapping[UUID, Stamp]) -> Mapping[UUID, Stamp]:
        """The same stamps; those that have not changed as the very objects that answers were kept with, which compare
        sooner."""
        last = self.last
        same = {
            one: known if (known := last.get(one)) is not None and known == stamp else stamp
            for one, stamp in drawn.items()
        }
        if len(last) > 4 * _MOST:
            self.last = {}
        self.last.update(same)
        return same


_stamps: ContextVar[Stamps | None] = ContextVar("stamps", default=None)
_memories: WeakKeyDictionary[Engine, Memory] = WeakKeyDictionary()


@contextmanager
def stamped(subjects: Iterable[UUID] = (), drawn: Mapping[UUID, Stamp] | None = None) -> Iterator[None]:
    """Answers about stamped subjects may come from memory inside the block; nothing about them is changed there.

    ``subjects``: those that are known to be asked for, to read their stamps in one statement. ``drawn``: stamps that
    were read just now. In a unit, what its request believed is compared with them.

    Raises:
        Outdated: it is not so any more.
    """
    stamps = Stamps()
    stamps.know(drawn or {})
    token = _stamps.set(stamps)
    try:
        _hold_to(stamps, subjects)
        yield
    finally:
        _stamps.reset(token)


def current() -> Stamps | None:
    """The stamps under which answers may be kept and found again here, if any."""
    stamps = _stamps.get()
    return stamps if stamps is not None and stamps.hold else None


# The stamps of the request at hand, also inside of its units.
_request: ContextVar[Stamps | None] = ContextVar("stamps_of_request", default=None)


def _hold_to(stamps: Stamps, subjects: Iterable[UUID] = ()) -> None:
    """Ask in a unit for these and for all that its request believes, and compare."""
    request = _request.get() if current_unit.get() is not None else None
    stamps.of({*subjects, *(request.believed if request is not None else ())})
    if request is not None and not request.compare(stamps.seen):
        raise Outdated()


def hold_unit() -> None:
    """Compare before a unit commits, unless that was done.

    Raises:
        Outdated: what its request believed is not so any more.
    """
    if believed():
        _hold_to(Stamps())


def believed() -> Collection[UUID]:
    """Of whom the request believes what it has not compared."""
    request = _request.get()
    return () if request is None else request.believed.keys()


def believe() -> None:
    """From here on the request at hand believes what this process saw last."""
    request = _request.get()
    if request is not None:
        request.believing = True


def sure() -> bool:
    """Whether all that the request believed is so, asked now outside of its units. Afterwards it believes no more."""
    request = _request.get()
    if request is None:
        return True
    request.believing = False
    if not request.believed:
        return True
    drawn = _drawn(set(request.believed))
    holds = request.compare(drawn)
    if not holds:
        request.believed.clear()
        request.forget()
    request.know(drawn)
    return holds


# What requests of one kind asked for when they were last made: they will ask for it again. Only a hint.
_USUAL_MOST, _USUAL_EACH = 4_096, 100
_usual: OrderedDict[int, frozenset[UUID]] = OrderedDict()


def begin(kind: int = 0) -> Any:
    """The same for the length of a request; what it returns ends it.

    ``kind``: a number for what is asked by whom; the stamps that such a request needed are read in one statement.
    """
    stamps = Stamps(_usual.get(kind, ()))
    return _stamps.set(stamps), _request.set(stamps)


def end(tokens: Any, kind: int = 0) -> None:
    stamps = _stamps.get()
    _stamps.reset(tokens[0])
    _request.reset(tokens[1])
    if kind and stamps is not None and len(stamps.asked) <= _USUAL_EACH:
        _usual[kind] = frozenset(stamps.asked)
        if len(_usual) > _USUAL_MOST:
            with suppress(KeyError):
                _usual.popitem(last=False)


def forget() -> None:
    """Stamps are asked for anew from here on: a unit has committed."""
    stamps = _stamps.get()
    if stamps is not None:
        stamps.forget()


def memory() -> Memory:
    engine = db.engine
    found = _memories.get(engine)
    return _memories.setdefault(engine, Memory()) if found is None else found


def join(unit: Unit, most: int = 100) -> int:
    """Make one stamp out of the many of a subject that changed often; returns of how many subjects."""
    session = unit.session
    many = session.scalars(
        select(ChangeStamp.subject_id).group_by(ChangeStamp.subject_id).having(func.count() > 1).limit(most)
    ).all()
    for subject in many:
        seen = session.scalars(select(ChangeStamp.stamp).where(ChangeStamp.subject_id == subject)).all()
        session.execute(insert(ChangeStamp).values(subject_id=subject, stamp=new_id()))
        # Only what was seen: a change that commits meanwhile keeps its own.
        session.execute(
            delete(ChangeStamp).where(ChangeStamp.subject_id == subject, ChangeStamp.stamp.in_(seen))
        )
    return len(many)
