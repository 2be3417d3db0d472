"""What of a listing the national platform's record of a single instrument wants, in its own codes.

Source: code written against the platform's interface and its team's value object (mark C); see policy rules §6.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from uuid import UUID

from sqlalchemy import and_, select

from resource_hub.domain.accounts.tables import Department
from resource_hub.domain.catalogue.tables import Resource
from resource_hub.infra.database import reading
from resource_hub.kernel.money import Money, round_minor

_SOURCES = {"bought": 1, "built": 2, "given": 3, "other": 4}
# Our working order → the platform's state: normal, occasional faults, frequent faults, awaiting repair, scrapping.
_STATES = {
    "normal": 1,
    "occasional_faults": 4,
    "frequent_faults": 5,
    "awaiting_repair": 6,
    "awaiting_scrapping": 7,
}
OTHER_CATEGORY = "990000"


@dataclass(frozen=True, slots=True)
class Listing:
    """Fields of a listing in the platform's codes; empty where nothing is known."""

    model: str
    maker: str
    country: str
    specification: str
    source: int | str
    customs: str
    begin_on: date | None
    purpose_type: int
    status: int
    rules: str
    department: str
    city: str
    contact: str
    phone: str
    email: str


def worth(amount: Money) -> Decimal:
    """10,000 yuan with two decimals, half up: 678,100 yuan is 67.81."""
    return Decimal(round_minor(Fraction(amount.minor, 10_000), ROUND_HALF_UP)).scaleb(-2)


def category(class_code: str | None) -> str:
    """Six digits: what is shorter is filled up with zeros, what is missing or "other" (12) becomes 990000."""
    code = (class_code or "").strip()
    if not code.isascii() or not code.isdigit() or len(code) > 6 or code.startswith("12"):
        return OTHER_CATEGORY
    return code.ljust(6, "0")


def listings(institution_id: UUID) -> dict[UUID, Listing]:
    """The listings of an institution by resource."""
    query = (
        select(Resource, Department.name_zh)
        .outerjoin(
            Department,
            and_(
                Department.institution_id == Resource.institution_id, Department.id == Resource.department_id
            ),
        )
        .where(Resource.institution_id == institution_id)
    )
    return {row.id: _listing(row, department or "") for row, department in reading().execute(query)}


def _listing(row: Resource, department: str) -> Listing:
    pairs = [(str(name), str(value)) for name, value in row.specification]
    return Listing(
        model=row.model,
        maker=row.maker,
        country=row.country,
        specification="；".join(f"{name}：{value}" for name, value in pairs),
        source=_SOURCES.get((row.details or {}).get("origin", ""), ""),
        customs={"yes": "是", "no": "否"}.get((row.details or {}).get("customs_supervised", ""), ""),
        begin_on=row.commissioned_on,
        purpose_type=2 if row.general_purpose else 1,
        status=_STATES.get(row.status, 1),
        rules=row.rules_zh,
        department=department,
        city=row.city,
        contact=row.contact_name,
        phone=row.contact_phone,
        email=row.contact_email,
    )
