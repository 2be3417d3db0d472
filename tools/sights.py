"""The map of pages: who sees what.

The map is docs/map.toml:

    [people.engineer]                  # somebody to sign in as; without sign_in: a visitor
    title = "Booker of a firm"
    sign_in = "engineer@demo.example"

    [[page]]
    person = "engineer"                # or a list
    path = "/o/suxin/bookings"         # with *: the first link of that shape on the pages seen before
    name = "bookings"
    main = true                        # the tests look at it too
    status = 404                       # where the page is to say that something is wrong; by default 200
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

MAP = Path(__file__).resolve().parent.parent / "docs" / "map.toml"
VISITOR = "visitor"


@dataclass(frozen=True)
class Person:
    """Somebody who looks at pages. Without `sign_in` a visitor who is not signed in."""

    key: str
    title: str
    sign_in: str = ""


@dataclass(frozen=True)
class Sight:
    """A page of the map, for one person."""

    person: str
    path: str
    name: str
    main: bool = False
    status: int = 200

    @property
    def is_pattern(self) -> bool:
        return "*" in self.path


@dataclass(frozen=True)
class Map:
    people: dict[str, Person]
    sights: list[Sight]

    def of(self, person: str, *, main_only: bool = False) -> list[Sight]:
        return [sight for sight in self.sights if sight.person == person and (sight.main or not main_only)]


def read_map(path: Path = MAP) -> Map:
    """The pages that there are, and who looks at them.

    Raises ValueError when a page names somebody unknown or two pages of a person share a name.
    """
    text = tomllib.loads(path.read_text(encoding="utf-8"))
    people = {VISITOR: Person(VISITOR, "A visitor")}
    for key, about in text.get("people", {}).items():
        people[key] = Person(key, about.get("title", key), about.get("sign_in", ""))
    sights = []
    for entry in text.get("page", []):
        whom = entry.get("person", VISITOR)
        for person in [whom] if isinstance(whom, str) else whom:
            if person not in people:
                raise ValueError(
                    f"{path.name}: page {entry['path']} is for {person}, who is not among the people"
                )
            more = {name: entry[name] for name in ("main", "status") if name in entry}
            sights.append(Sight(person, entry["path"], entry["name"], **more))
    names = [(sight.person, sight.name) for sight in sights]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path.name}: named twice: {', '.join('/'.join(name) for name in twice)}")
    return Map(people, sights)
