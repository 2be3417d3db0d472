"""What a customer is for one host on one day: own group, in-house, academic, or a firm by size."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from resource_hub.domain.accounts.terms import CustomerClass, CustomerKind, SizeClass


@dataclass(frozen=True, slots=True)
class CustomerFacts:
    """``department_path`` are the group's laboratory and the departments above it, nearest first."""

    kind: CustomerKind
    organisation_id: UUID
    department_path: tuple[UUID, ...] = ()
    size: SizeClass | None = None


def customer_class(
    customer: CustomerFacts, host_id: UUID, resource_department_path: tuple[UUID, ...] = ()
) -> CustomerClass:
    """Class by legal person first, by kind second.

    A group of the host is *own* when it sits in the department that keeps the resource, or in a laboratory below it, or
    when the resource is kept by a laboratory below the group's department. The host booking at its own instruments is
    in-house. A group of another institution is that institution's: academic.
    """
    if customer.organisation_id == host_id:
        keeper = resource_department_path[0] if resource_department_path else None
        home = customer.department_path[0] if customer.department_path else None
        own = customer.kind is CustomerKind.GROUP and (
            (keeper is not None and keeper in customer.department_path)
            or (home is not None and home in resource_department_path)
        )
        return CustomerClass.OWN_GROUP if own else CustomerClass.IN_HOUSE
    if customer.kind is CustomerKind.FIRM:
        return CustomerClass.of_firm(customer.size)
    return CustomerClass.ACADEMIC
