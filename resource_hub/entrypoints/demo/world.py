"""The invented world of ``world.toml`` made real: organisations, people, listings, hours, tariffs, programmes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from resource_hub.domain.accounts import seeding
from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import (
    Actor,
    FirmFacts,
    OrganisationKind,
    OrganisationRecord,
    PersonRecord,
    Role,
)
from resource_hub.domain.availability import service as availability
from resource_hub.domain.availability.terms import Approval, Audience, HouseDocument, WeeklyHours
from resource_hub.domain.catalogue import service as catalogue
from resource_hub.domain.catalogue.terms import (
    TIMED_KINDS,
    Contact,
    ListingContents,
    Mode,
    ResourceKind,
    ResourceRecord,
)
from resource_hub.domain.pricing import service as pricing
from resource_hub.domain.subsidy import service as subsidy
from resource_hub.domain.subsidy.terms import ProgrammeRecord
from resource_hub.infra.unit_of_work import Unit, unit_of_work
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money

PASSWORD = "hub-demo-2026"  # noqa: S105 - printed for everybody to use, in a demonstration only
LOGINS = (
    ("Firm's engineer · 企业工程师", "engineer@demo.example"),
    ("Firm's approver and payer · 企业审批付款", "payer@demo.example"),
    ("Lab manager · 仪器负责人", "manager@demo.example"),
    ("Operator · 仪器操作员", "operator@demo.example"),
    ("Institution's office · 设备管理部门", "office@demo.example"),
    ("Funder · 资助机构", "funder@demo.example"),
    ("Funder's second person · 资助机构复核", "approver@demo.example"),
    ("Platform staff · 平台管理员", "platform@demo.example"),
)
# Organisations were there before their oldest instrument; the programmes opened before the past year begins.
FOUNDED = datetime(2019, 1, 2, 1, tzinfo=UTC)
SET_UP = datetime(2025, 8, 1, 1, tzinfo=UTC)
SINCE = date(2025, 1, 1)
_FAMILY = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN = ("文博", "思远", "雨桐", "子涵", "晓峰", "静怡", "志强", "海燕", "明哲", "佳宁", "立群", "秋实")


@dataclass
class World:
    """What was made, by code."""

    organisations: dict[str, OrganisationRecord] = field(default_factory=dict)
    managers: dict[str, Actor] = field(default_factory=dict)
    offices: dict[str, Actor] = field(default_factory=dict)
    bookers: dict[str, Actor] = field(default_factory=dict)
    funders_people: dict[str, tuple[Actor, Actor]] = field(default_factory=dict)
    resources: dict[HostKey, ResourceRecord] = field(default_factory=dict)
    programmes: dict[str, ProgrammeRecord] = field(default_factory=dict)
    list_price: dict[HostKey, int] = field(default_factory=dict)  # yuan an hour for firms
    institutions: int = 0
    firms: int = 0
    funders: int = 0

    def hosts(self) -> list[str]:
        return [code for code, o in self.organisations.items() if o.kind is OrganisationKind.INSTITUTION]

    def firm_codes(self) -> list[str]:
        return [code for code, o in self.organisations.items() if o.kind is OrganisationKind.FIRM]

    def of_host(self, code: str) -> list[ResourceRecord]:
        wanted = self.organisations[code].id
        return [r for key, r in self.resources.items() if key.institution_id == wanted]


def build() -> World:
    """Make the whole world. One unit an organisation: few commits, and a fault names where it happened."""
    with open(Path(__file__).with_name("world.toml"), "rb") as file:
        source = tomllib.load(file)
    world = World()
    password_hash = seeding.hashed(PASSWORD)
    with unit_of_work() as unit, unit.at(FOUNDED):
        _organisations(world, source)
        _people(world, source, password_hash)
    for group in source["resource"]:
        with unit_of_work() as unit:
            for row in group["rows"]:
                accepted = _accepted(len(world.resources)) if row[7] else None
                with unit.at(_listed(accepted, len(world.resources))):
                    _resource(unit, world, source, group["host"], row, accepted)
    with unit_of_work() as unit, unit.at(SET_UP):
        _programmes(world)
    return world


def _organisations(world: World, source: Mapping[str, Any]) -> None:
    platform = source["platform"]
    seeding.seed_platform(platform["name_zh"], platform["name_en"])
    serial = 100
    kinds = ((OrganisationKind.INSTITUTION, "institution"), (OrganisationKind.FUNDER, "funder"))
    for kind, rows in ((kind, source[word]) for kind, word in kinds):
        for row in rows:
            serial += 1
            about = row.get("about", ["", ""])
            made = seeding.seed_organisation(
                kind,
                row["code"],
                accounts.OrganisationFields(
                    name_zh=row["name_zh"],
                    name_en=row["name_en"],
                    jurisdiction=row["jurisdiction"],
                    region_zh=row["city"][0],
                    region_en=row["city"][1],
                    latitude=row["at"][0],
                    longitude=row["at"][1],
                    about_zh=about[0],
                    about_en=about[1],
                ),
                credit_code=seeding.invented_uscc(row["stem"], serial),
            )
            world.organisations[row["code"]] = made
            for code, name_zh, name_en in row.get("departments", []):
                accounts.add_department(made.id, code=code, name_zh=name_zh, name_en=name_en)
    for code, name_zh, name_en, jurisdiction, city, stem, sector, staff, income, assets in source["firms"][
        "rows"
    ]:
        serial += 1
        world.organisations[code] = seeding.seed_organisation(
            OrganisationKind.FIRM,
            code,
            accounts.OrganisationFields(
                name_zh=name_zh, name_en=name_en, jurisdiction=jurisdiction, region_zh=city
            ),
            credit_code=seeding.invented_uscc(stem, serial),
            facts=FirmFacts(sector, staff, Money.cny(income), Money.cny(assets)),
            facts_since=SINCE,
        )
    world.institutions = len(source["institution"])
    world.funders = len(source["funder"])
    world.firms = len(source["firms"]["rows"])


def _people(world: World, source: Mapping[str, Any], password_hash: str) -> None:
    platform = source["platform"]["staff"][0]
    seeding.seed_person(platform[0], platform[2], password_hash, [(seeding.PLATFORM_ID, Role.PLATFORM_STAFF)])
    named: dict[tuple[str, Role], PersonRecord] = {}
    for code, name, _name_en, email, roles in source["people"]["rows"]:
        organisation = world.organisations[code]
        person = seeding.seed_person(
            name,
            email,
            password_hash,
            [(organisation.id, Role(role)) for role in roles],
            limit_minor=5_000_000,
        )
        for role in roles:
            named[code, Role(role)] = person
    number = 0

    def somebody(code: str, *roles: Role) -> PersonRecord:
        nonlocal number
        if (code, roles[0]) in named:
            return named[code, roles[0]]
        number += 1
        name = _FAMILY[number % len(_FAMILY)] + _GIVEN[number * 7 % len(_GIVEN)]
        organisation = world.organisations[code]
        person = seeding.seed_person(
            name, f"{roles[0].value.replace('_', '-')}.{code}@demo.example", password_hash,
            [(organisation.id, role) for role in roles],
        )  # fmt: skip
        named.update({(code, role): person for role in roles})
        return person

    for code in world.hosts():
        organisation = world.organisations[code]
        world.managers[code] = accounts.actor(somebody(code, Role.MANAGER).id, organisation.id)
        world.offices[code] = accounts.actor(
            somebody(code, Role.OFFICE, Role.INSTITUTION_ADMIN).id, organisation.id
        )
        for department in accounts.departments(organisation.id):
            leader = somebody(code, Role.MANAGER)
            seeding.seed_group(
                organisation,
                f"{department.name_zh}自用组",
                f"Own group of {department.name_en}",
                department.id,
                leader.id,
            )
    for code in world.firm_codes():
        organisation = world.organisations[code]
        world.bookers[code] = accounts.actor(somebody(code, Role.BOOKER, Role.FIRM_ADMIN).id, organisation.id)
    for code, organisation in world.organisations.items():
        if organisation.kind is OrganisationKind.FUNDER:
            world.funders_people[code] = (
                accounts.actor(somebody(code, Role.REVIEWER, Role.FUNDER_ADMIN).id, organisation.id),
                accounts.actor(somebody(code, Role.FUNDER_APPROVER).id, organisation.id),
            )


def _details(kind: ResourceKind, code: str, host: Mapping[str, Any], name_en: str) -> dict[str, str]:
    """What the standards ask of each kind."""
    if kind is ResourceKind.DATASET:
        return {
            "identifier": f"{host['code']}-{code}", "creator": host["name_zh"], "publisher": host["name_zh"],
            "publication_year": "2024", "resource_type": "Dataset", "access": "agreement",
        }  # fmt: skip
    if kind is ResourceKind.LITERATURE:
        return {"authors": host["name_zh"], "type_mark": "Z", "year": "2025", "access": "registration"}
    if kind is ResourceKind.NATURAL:
        return {
            "occurrence_id": f"{host['code']}:{code}", "basis_of_record": "LivingSpecimen",
            "scientific_name": name_en, "access": "agreement",
        }  # fmt: skip
    if kind is ResourceKind.SERVICE:
        return {"turnaround_days": "5"}
    return {}


def _accepted(number: int) -> date:
    return date(2019 + number % 5, 3 + number % 7, 15)


def _listed(accepted: date | None, number: int) -> datetime:
    """Most instruments were reported within the month in which they must be; one in nine was late."""
    if accepted is None:
        return SET_UP
    late = number % 9 == 4
    return datetime.combine(accepted + timedelta(days=95 if late else 12 + number % 15), time(1), UTC)


def _resource(
    unit: Unit,
    world: World,
    source: Mapping[str, Any],
    host_code: str,
    row: list[Any],
    accepted: date | None,
) -> None:
    department, kind_word, code, class_code, name_zh, name_en, model, value, units, price, modes, zh, en = row
    kind = ResourceKind(kind_word)
    host = next(item for item in source["institution"] if item["code"] == host_code)
    organisation = world.organisations[host_code]
    departments = {d.code: d for d in accounts.departments(organisation.id)}
    manager, office = world.managers[host_code], world.offices[host_code]
    contents = ListingContents(
        name_zh=name_zh,
        name_en=name_en,
        summary_zh=zh,
        summary_en=en,
        class_code=class_code,
        model=model,
        city=host["city"][0],
        place_zh=f"{departments[department].name_zh} {100 + len(world.resources) % 9 * 11} 室",
        place_en=f"{departments[department].name_en}, room {100 + len(world.resources) % 9 * 11}",
        latitude_micro=int(host["at"][0] * 1_000_000),
        longitude_micro=int(host["at"][1] * 1_000_000),
        original_value_minor=value * 100 if value else None,
        accepted_on=accepted,
        commissioned_on=accepted + timedelta(days=45) if accepted else None,
        contact=Contact(
            departments[department].name_zh, "0551-0000 0000", f"{department}@{host_code}.demo.example"
        ),
        modes=tuple(Mode(mode) for mode in modes.split()),
        rules_zh="自主上机须先通过培训；取消请提前 24 小时。" if kind in TIMED_KINDS else "",
        rules_en="Self-use after training; cancel at least 24 hours before." if kind in TIMED_KINDS else "",
        bookable=kind in TIMED_KINDS,
        details=_details(kind, code, host, name_en),
    )
    record = catalogue.create(
        organisation.id, kind, code, contents, by=manager,
        department_id=departments[department].id, units=units or 1,
    )  # fmt: skip
    change = catalogue.submit(record.key, by=manager)
    catalogue.approve(change.key, by=office)
    record = catalogue.resource(record.key)
    world.resources[record.key] = record
    if kind in TIMED_KINDS:
        world.list_price[record.key] = price
        _hours_and_tariff(unit, record, manager.person_id, price)


def _hours_and_tariff(unit: Unit, record: ResourceRecord, by: UUID, price: int) -> None:
    """Working days, and for self-use the evening too; Friday afternoons are kept for customers from outside."""
    evening = Mode.SELF_USE in record.contents.modes
    weekly = [
        WeeklyHours(day, 8 * 60 + 30, 22 * 60 if evening else 17 * 60 + 30)
        for day in range(5)
        if not (day == 4 and record.contents.open_to_outside)
    ]
    if record.contents.open_to_outside:
        weekly += [
            WeeklyHours(4, 8 * 60 + 30, 13 * 60),
            WeeklyHours(4, 13 * 60, 17 * 60 + 30, audience=Audience.OUTSIDE),
        ]
    if evening:
        weekly.append(WeeklyHours(5, 9 * 60, 17 * 60))
    staffed = not evening
    house = HouseDocument(
        step=30,
        least=60 if staffed else 30,
        most=8 * 60,
        lead={"all": 24 * 60 if staffed else 60},
        horizon_days=60,
        setup=15 if staffed else 0,
        teardown=15 if staffed else 0,
        cancel_until=24 * 60,
        change_until=24 * 60,
        approval=Approval.ALWAYS if staffed else Approval.NEVER,
        hazard=staffed,
    )
    availability.set_hours_directly(unit, record.key, weekly, house)
    pricing.adopt(record.key, tariff_document(price), SINCE, basis="成本核算 2024 年度", by=by)


def tariff_document(price: int) -> dict[str, Any]:
    """Prices by class from the list price for firms; a quarter off at night."""
    return {
        "format": 1,
        "currency": "CNY",
        "hour": {
            "own_group": str(price * 3 // 10),
            "in_house": str(price // 2),
            "academic": str(price * 7 // 10),
            "firm": str(price),
        },
        "sample": {"in_house": str(price // 4), "outside": str(price // 2)},
        "unit_minutes": 30,
        "unit_threshold_minutes": 5,
        "minimum_minutes": 30,
        "bands": [
            {
                "code": "night",
                "name_zh": "夜间",
                "name_en": "Night",
                "from": "18:00",
                "to": "22:00",
                "factor": "0.75",
            }
        ],
        "no_show": {"consequence": "fee", "fee": {"outside": "100"}},
        "cancellation": {"consequence": "fee", "fee": {"outside": "50"}, "notice_minutes": 1440},
    }


PROGRAMMES = (
    ("jsfund", "js-voucher", "cn-js/voucher"),
    ("ahfund", "ah-reward", "cn-ah/host_reward"),
    ("qdfund", "qd-reward", "cn-sd/qingdao_reward"),
)


def _programmes(world: World) -> None:
    """One programme a funder with money for both years, and quota for the firms that the voucher is for."""
    years = (SET_UP.year, SET_UP.year + 1)
    for funder, code, scheme in PROGRAMMES:
        programme = subsidy.open_programme(world.organisations[funder].id, code, scheme)
        world.programmes[code] = programme
        for year in years:
            subsidy.set_budget(programme.id, year, Money.cny("3000000"))
        if code != "js-voucher":
            continue
        for firm in world.firm_codes():
            if world.organisations[firm].jurisdiction.endswith("JS") and firm != "tongda":
                customer = accounts.customer_of(world.organisations[firm].id)
                for year in years:
                    subsidy.grant_quota(programme.id, customer.id, Money.cny("100000"), year=year)
