"""Inquiries and the quotes given for them, as stored; never commits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, insert, or_, select, update
from sqlalchemy.orm import Session

from resource_hub.domain.booking.inquiry_words import (
    GivenQuote,
    GivenState,
    Inquiry,
    InquiryState,
    QuoteLine,
    Wish,
)
from resource_hub.domain.booking.tables import AgreedQuote, Booking, InquiryAgain, InquiryFile
from resource_hub.domain.booking.tables import GivenQuote as GivenRow
from resource_hub.domain.booking.tables import Inquiry as InquiryRow
from resource_hub.domain.booking.terms import BookingKind, BookingState, FileKind, FileRecord
from resource_hub.domain.catalogue.terms import Mode
from resource_hub.infra.ids import new_id
from resource_hub.infra.tables import StoredFile
from resource_hub.kernel.keys import HostKey
from resource_hub.kernel.money import Money

# An order that came to nothing leaves its price to another.
_DROPPED = [s.value for s in (BookingState.CANCELLED, BookingState.REJECTED, BookingState.EXPIRED)]


def _given(row: GivenRow) -> GivenQuote:
    return GivenQuote(
        key=HostKey(row.institution_id, row.id),
        inquiry_id=row.inquiry_id,
        number=row.number,
        state=GivenState(row.state),
        lines=tuple(QuoteLine.from_json(line, row.currency) for line in row.lines),
        total=Money(row.total_minor, row.currency),
        valid_until=row.valid_until,
        note=row.note,
        given_by=row.given_by,
        given_at=row.given_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        reason=row.reason,
    )


def _inquiry(row: InquiryRow, quote: GivenRow | None) -> Inquiry:
    wish = Wish(
        kind=BookingKind(row.kind),
        mode=Mode(row.mode) if row.mode else None,
        length_seconds=row.length_seconds,
        samples=row.samples,
        wanted_from=row.wanted_from,
        wanted_until=row.wanted_until,
        description=row.description,
        customer_id=row.customer_id,
    )
    return Inquiry(
        key=HostKey(row.institution_id, row.id),
        number=row.number,
        resource_id=row.resource_id,
        customer_id=row.customer_id,
        person_id=row.person_id,
        wish=wish,
        state=InquiryState(row.state),
        reason=row.reason,
        version=row.version,
        created_at=row.created_at,
        changed_at=row.changed_at,
        quote=_given(quote) if quote is not None else None,
    )


def _with_newest() -> Select[InquiryRow, GivenRow]:
    """Inquiries, each with its newest version."""
    newer = (
        select(func.max(GivenRow.number))
        .where(GivenRow.institution_id == InquiryRow.institution_id, GivenRow.inquiry_id == InquiryRow.id)
        .correlate(InquiryRow)
        .scalar_subquery()
    )
    same = and_(
        GivenRow.institution_id == InquiryRow.institution_id,
        GivenRow.inquiry_id == InquiryRow.id,
        GivenRow.number == newer,
    )
    return select(InquiryRow, GivenRow).outerjoin(GivenRow, same)


def _one(session: Session, statement: Select[InquiryRow, GivenRow]) -> Inquiry | None:
    found = session.execute(statement.execution_options(populate_existing=True)).one_or_none()
    return _inquiry(*found) if found is not None else None


def inquiry(session: Session, key: HostKey) -> Inquiry | None:
    where = (InquiryRow.institution_id == key.institution_id, InquiryRow.id == key.id)
    return _one(session, _with_newest().where(*where))


def locked(session: Session, key: HostKey) -> Inquiry | None:
    """The inquiry with its newest version, locked to the end of the transaction."""
    session.execute(
        select(InquiryRow.id)
        .where(InquiryRow.institution_id == key.institution_id, InquiryRow.id == key.id)
        .with_for_update(key_share=True)
    )
    return inquiry(session, key)


def of_given(session: Session, key: HostKey, *, lock: bool = False) -> Inquiry | None:
    """The inquiry whose newest version is this quote; None where there is none, or a newer one."""
    found = session.scalar(
        select(GivenRow.inquiry_id).where(
            GivenRow.institution_id == key.institution_id, GivenRow.id == key.id
        )
    )
    if found is None:
        return None
    whole = HostKey(key.institution_id, found)
    record = locked(session, whole) if lock else inquiry(session, whole)
    return record if record is not None and record.quote is not None and record.quote.key == key else None


def add_again(session: Session, key: HostKey, former: HostKey) -> None:
    session.execute(
        insert(InquiryAgain).values(institution_id=key.institution_id, id=key.id, former_id=former.id)
    )


def former_of(session: Session, key: HostKey) -> UUID | None:
    """The inquiry that this one asks again."""
    return session.scalar(
        select(InquiryAgain.former_id).where(
            InquiryAgain.institution_id == key.institution_id, InquiryAgain.id == key.id
        )
    )


def formers_of(session: Session, keys: Collection[HostKey]) -> dict[HostKey, UUID]:
    """The former ones of several inquiries, where there are any."""
    rows = session.execute(
        select(InquiryAgain.institution_id, InquiryAgain.id, InquiryAgain.former_id).where(
            InquiryAgain.institution_id.in_({key.institution_id for key in keys}),
            InquiryAgain.id.in_({key.id for key in keys}),
        )
    )
    return {HostKey(institution_id, found): former for institution_id, found, former in rows}


def asked_again(session: Session, former: HostKey) -> UUID | None:
    """The inquiry that asks this one again."""
    return session.scalar(
        select(InquiryAgain.id).where(
            InquiryAgain.institution_id == former.institution_id, InquiryAgain.former_id == former.id
        )
    )


def listed(
    session: Session, *where: Any, limit: int, after: Sequence[Any] | None = None, newest: bool = True
) -> list[Inquiry]:
    """Inquiries, the newest or the oldest first, from the place after a row: its moment and id."""
    when, row_id = InquiryRow.created_at, InquiryRow.id
    statement = _with_newest().where(*where)
    if after is not None:
        moment, last = after
        beyond = when < moment if newest else when > moment
        statement = statement.where(
            or_(beyond, and_(when == moment, row_id < last if newest else row_id > last))
        )
    order = (when.desc(), row_id.desc()) if newest else (when, row_id)
    rows = session.execute(statement.order_by(*order).limit(limit))
    return [_inquiry(*row) for row in rows]


def count(session: Session, *where: Any) -> int:
    return session.scalar(select(func.count()).select_from(InquiryRow).where(*where)) or 0


def versions(session: Session, key: HostKey) -> list[GivenQuote]:
    """Every version of the host's answer, the newest first."""
    rows = session.scalars(
        select(GivenRow)
        .where(GivenRow.institution_id == key.institution_id, GivenRow.inquiry_id == key.id)
        .order_by(GivenRow.number.desc())
    )
    return [_given(row) for row in rows]


def add(session: Session, key: HostKey, values: Mapping[str, Any]) -> None:
    session.execute(insert(InquiryRow).values(institution_id=key.institution_id, id=key.id, **values))


def change(session: Session, key: HostKey, values: Mapping[str, Any]) -> None:
    session.execute(
        update(InquiryRow)
        .where(InquiryRow.institution_id == key.institution_id, InquiryRow.id == key.id)
        .values(**values, version=InquiryRow.version + 1)
        .execution_options(synchronize_session=False)
    )


def add_given(session: Session, key: HostKey, values: Mapping[str, Any]) -> None:
    session.execute(insert(GivenRow).values(institution_id=key.institution_id, id=key.id, **values))


def change_given(session: Session, key: HostKey, values: Mapping[str, Any]) -> None:
    session.execute(
        update(GivenRow)
        .where(GivenRow.institution_id == key.institution_id, GivenRow.id == key.id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


# ---- the order made of a quote ---------------------------------------------------------------------------------


def add_agreed(session: Session, quote: HostKey, given_id: UUID) -> None:
    session.execute(
        insert(AgreedQuote).values(institution_id=quote.institution_id, id=quote.id, given_id=given_id)
    )


def given_of(session: Session, quote: HostKey) -> UUID | None:
    """The quote given by hand of which a frozen price was made."""
    return session.scalar(
        select(AgreedQuote.given_id).where(
            AgreedQuote.institution_id == quote.institution_id, AgreedQuote.id == quote.id
        )
    )


def booked_under(session: Session, given: HostKey, ignore: UUID | None = None) -> UUID | None:
    """The order that has the price of a quote; what was dropped has it no longer."""
    same = and_(AgreedQuote.institution_id == Booking.institution_id, AgreedQuote.id == Booking.quote_id)
    return session.scalar(
        select(Booking.id)
        .join(AgreedQuote, same)
        .where(
            AgreedQuote.institution_id == given.institution_id,
            AgreedQuote.given_id == given.id,
            Booking.state.not_in(_DROPPED),
            Booking.id != ignore if ignore else Booking.id.is_not(None),
        )
        .limit(1)
    )


# ---- documents -------------------------------------------------------------------------------------------------


def add_file(session: Session, key: HostKey, organisation_id: UUID, file_id: UUID) -> UUID:
    made = new_id()
    session.execute(
        insert(InquiryFile).values(
            institution_id=key.institution_id,
            id=made,
            inquiry_id=key.id,
            file_organisation_id=organisation_id,
            file_id=file_id,
        )
    )
    return made


def files(session: Session, key: HostKey) -> list[FileRecord]:
    t = InquiryFile
    stored = and_(StoredFile.organisation_id == t.file_organisation_id, StoredFile.id == t.file_id)
    rows = session.execute(
        select(
            t.id, t.file_organisation_id, t.file_id, StoredFile.name, StoredFile.size, StoredFile.media_type
        )
        .join(StoredFile, stored)
        .where(t.institution_id == key.institution_id, t.inquiry_id == key.id)
        .order_by(t.id)
    )
    return [FileRecord(row[0], FileKind.ATTACHMENT, *row[1:]) for row in rows]
