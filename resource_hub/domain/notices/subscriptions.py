"""What people are told of changes in accounts; the other capabilities call ``notify`` themselves."""

from __future__ import annotations

from uuid import UUID

from resource_hub.domain.accounts import service as accounts
from resource_hub.domain.accounts.terms import ADMIN_OF_KIND, PLATFORM_ID, OrganisationRecord, Role
from resource_hub.domain.notices import service
from resource_hub.infra.outbox import Event, Handler
from resource_hub.infra.unit_of_work import Unit
from resource_hub.kernel.keys import HostKey


def _name(record: OrganisationRecord) -> dict[str, str]:
    return {"zh": record.name_zh, "en": record.name_en}


def _administrators(organisation: OrganisationRecord) -> list[UUID]:
    return accounts.people_with_role(organisation.id, ADMIN_OF_KIND[organisation.kind], Role.OFFICE)


def _letter_wanted(unit: Unit, event: Event) -> None:
    person = accounts.person(UUID(event.payload["person_id"]))
    if not person.email:
        return
    service.queue_letter(
        unit,
        recipient=person.email,
        language=person.language,
        kind=event.payload["kind"],
        values={
            "name": person.name,
            "token_id": event.payload["token_id"],
            "purpose": event.payload["purpose"],
        },
        person_id=person.id,
        key=f"event/{event.id}",
    )


def _invited(unit: Unit, event: Event) -> None:
    organisation = accounts.organisation(UUID(event.payload["organisation_id"]))
    inviter = event.payload.get("invited_by")
    service.queue_letter(
        unit,
        recipient=event.payload["email"],
        language=event.payload.get("language", "zh"),
        kind="accounts.invited",
        values={
            "organisation": _name(organisation),
            "role": {"word": ["accounts.role", event.payload["role"]]},
            "by": accounts.person(UUID(inviter)).name if inviter else "",
            "token_id": event.payload["invitation_id"],
            "purpose": "invitation",
        },
        key=f"event/{event.id}",
    )


def _password_changed(unit: Unit, event: Event) -> None:
    person_id = UUID(event.payload["person_id"])
    service.notify(unit, [person_id], "accounts.password_changed", {}, "/me", key=f"event/{event.id}")


def _api_token_created(unit: Unit, event: Event) -> None:
    organisation = accounts.organisation(UUID(event.payload["organisation_id"]))
    service.notify(
        unit,
        [UUID(event.payload["person_id"])],
        "accounts.api_token_created",
        {"name": event.payload["name"], "organisation": _name(organisation)},
        f"/o/{organisation.code}/tokens",
        organisation.id,
        key=f"event/{event.id}",
    )


def _firm_registered(unit: Unit, event: Event) -> None:
    if not event.payload["to_check"]:
        return
    organisation = accounts.organisation(UUID(event.payload["organisation_id"]))
    service.notify(
        unit,
        accounts.people_with_role(PLATFORM_ID, Role.PLATFORM_STAFF),
        "accounts.firm_to_check",
        {"organisation": _name(organisation), "code": organisation.uscc or ""},
        "/o/platform/organisations",
        PLATFORM_ID,
        key=f"event/{event.id}",
    )


def _registration_decided(unit: Unit, event: Event) -> None:
    organisation = accounts.organisation(UUID(event.payload["organisation_id"]))
    accepted = event.payload["accepted"]
    service.notify(
        unit,
        accounts.people_with_role(organisation.id, Role.FIRM_ADMIN),
        "accounts.firm_accepted" if accepted else "accounts.firm_rejected",
        {"organisation": _name(organisation), "reason": event.payload["reason"]},
        f"/o/{organisation.code}/team" if accepted else "/register/firm",
        organisation.id,
        key=f"event/{event.id}",
    )


def _join_asked(unit: Unit, event: Event) -> None:
    organisation = accounts.organisation(UUID(event.payload["organisation_id"]))
    service.notify(
        unit,
        _administrators(organisation),
        "accounts.join_asked",
        {
            "person": accounts.person(UUID(event.payload["person_id"])).name,
            "organisation": _name(organisation),
        },
        f"/o/{organisation.code}/team",
        organisation.id,
        key=f"event/{event.id}",
    )


def _join_answered(unit: Unit, event: Event) -> None:
    organisation = accounts.organisation(UUID(event.payload["organisation_id"]))
    accepted = event.payload["accepted"]
    service.notify(
        unit,
        [UUID(event.payload["person_id"])],
        "accounts.join_accepted" if accepted else "accounts.join_refused",
        {"organisation": _name(organisation), "role": {"word": ["accounts.role", event.payload["role"]]}},
        f"/o/{organisation.code}/team" if accepted else "/join",
        organisation.id if accepted else None,
        key=f"event/{event.id}",
    )


def _joined(unit: Unit, event: Event) -> None:
    organisation = accounts.organisation(UUID(event.payload["organisation_id"]))
    person_id = UUID(event.payload["person_id"])
    service.notify(
        unit,
        [p for p in _administrators(organisation) if p != person_id],
        "accounts.joined",
        {"person": accounts.person(person_id).name, "organisation": _name(organisation)},
        f"/o/{organisation.code}/team",
        organisation.id,
        key=f"event/{event.id}",
    )


def _role_changed(unit: Unit, event: Event) -> None:
    organisation = accounts.organisation(UUID(event.payload["organisation_id"]))
    service.notify(
        unit,
        [UUID(event.payload["person_id"])],
        "accounts.role_changed",
        {"organisation": _name(organisation)},
        f"/o/{organisation.code}/team",
        organisation.id,
        key=f"event/{event.id}",
    )


def _left(unit: Unit, event: Event) -> None:
    organisation = accounts.organisation(UUID(event.payload["organisation_id"]))
    person = accounts.person(UUID(event.payload["person_id"]))
    successor = event.payload.get("successor_id")
    values = {"person": person.name, "organisation": _name(organisation)}
    if str(person.id) != event.payload["by"]:
        service.notify(unit, [person.id], "accounts.removed", values, "/me", key=f"event/{event.id}/removed")
    if successor:
        service.notify(
            unit,
            [UUID(successor)],
            "accounts.handed_over",
            values,
            f"/o/{organisation.code}/team",
            organisation.id,
            key=f"event/{event.id}/successor",
        )


def _walk_in(unit: Unit, event: Event) -> None:
    """The firm is asked, the host is told what it answered."""
    firm = accounts.organisation(UUID(event.payload["firm_id"]))
    host = accounts.organisation(UUID(event.payload["host_id"]))
    customer = accounts.customer(UUID(event.payload["customer_id"]))
    values = {
        "walk_in": {"zh": customer.name_zh, "en": customer.name_en},
        "firm": _name(firm),
        "host": _name(host),
    }
    if event.name == "accounts.walk_in_asked":
        people, whose = accounts.people_with_role(firm.id, Role.FIRM_ADMIN), firm
        link = f"/o/{firm.code}/walk-in/{customer.id}"
    else:
        people, whose = accounts.people_with_role(host.id, Role.MANAGER, Role.OFFICE), host
        link = f"/o/{host.code}/walk-ins"
    service.notify(unit, people, event.name, values, link, whose.id, key=f"event/{event.id}")


def _training(unit: Unit, event: Event) -> None:
    key = HostKey(UUID(event.payload["institution_id"]), UUID(event.payload["qualification_id"]))
    found = accounts.training(key)
    values = {
        "training": {"zh": found.type.name_zh, "en": found.type.name_en},
        "organisation": _name(accounts.organisation(key.institution_id)),
        "until": found.until.isoformat() if found.until else None,
        "reason": found.revoke_reason or "–",
    }
    lasting = event.name == "accounts.training_granted" and found.until is None
    kind = "accounts.training_granted_for_good" if lasting else event.name
    service.notify(unit, [found.person_id], kind, values, "/me/standing", key=f"event/{event.id}")


SUBSCRIPTIONS: dict[str, list[tuple[str, Handler]]] = {
    "accounts.letter_wanted": [("notices.letter_wanted", _letter_wanted)],
    "accounts.invited": [("notices.invited", _invited)],
    "accounts.password_changed": [("notices.password_changed", _password_changed)],
    "accounts.api_token_created": [("notices.api_token_created", _api_token_created)],
    "accounts.firm_registered": [("notices.firm_registered", _firm_registered)],
    "accounts.registration_decided": [("notices.registration_decided", _registration_decided)],
    "accounts.join_asked": [("notices.join_asked", _join_asked)],
    "accounts.join_answered": [("notices.join_answered", _join_answered)],
    "accounts.joined": [("notices.joined", _joined)],
    "accounts.role_changed": [("notices.role_changed", _role_changed)],
    "accounts.left": [("notices.left", _left)],
    "accounts.walk_in_asked": [("notices.walk_in", _walk_in)],
    "accounts.walk_in_joined": [("notices.walk_in", _walk_in)],
    "accounts.walk_in_refused": [("notices.walk_in", _walk_in)],
    "accounts.training_granted": [("notices.training", _training)],
    "accounts.training_revoked": [("notices.training", _training)],
    "accounts.training_expiring": [("notices.training", _training)],
}
