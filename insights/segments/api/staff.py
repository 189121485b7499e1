"""What marketing staff do with segments: count, save, change, look at who is in and why."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from auth import customers
from core import clock
from core.db import connection_of, transaction
from core.events.log import SLOTS
from core.notes import Notes
from core.web import pages, principals
from core.web.doors import needs
from core.web.schemas import PageArgs, decode_cursor, encode_cursor, page_of
from insights.segments import explaining, membership, previewing, saved, uses
from insights.segments.api.schemas import (
    CountArgsSchema,
    CountsSchema,
    ExplainedSchema,
    MemberSchema,
    SegmentArgsSchema,
    SegmentChangeSchema,
    SegmentDetailSchema,
    SegmentSchema,
    StandingSchema,
)
from insights.segments.explaining import Explained
from insights.segments.models import LIVE, Segment
from insights.segments.parsing import parse
from insights.segments.previewing import Counts

blueprint = Blueprint("segments_staff", __name__, description="Segments of customers")


@blueprint.post("/segments")
@blueprint.arguments(SegmentArgsSchema())
@blueprint.response(201, SegmentSchema())
@needs("segments.write")
def create_segment(args: dict[str, Any]) -> Segment:
    """Save a segment. Everybody is judged by it in the background; from then on it follows the events."""
    with transaction() as session:
        return saved.create(session, **args, actor=principals.current().name, now=clock.now())


@blueprint.get("/segments")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(SegmentSchema))
@needs("segments.read")
def list_segments(args: dict[str, Any]) -> dict[str, Any]:
    """The segments, latest first."""
    before = pages.before(args["cursor"])
    with transaction() as session:
        return pages.page(saved.page(session, before=before, limit=args["limit"] + 1), args["limit"])


@blueprint.post("/segments/counts")
@blueprint.arguments(CountArgsSchema())
@blueprint.response(200, CountsSchema())
@needs("segments.read")
def count_segment(args: dict[str, Any]) -> Counts:
    """Count how many customers meet a condition before it is saved. Nothing is kept."""
    with transaction() as session:
        condition = parse(saved.expand(session, args["condition"]), Notes(), is_expanded=True)
        return previewing.count(session, condition, clock.now())


@blueprint.get("/segments/<uuid:segment_id>")
@blueprint.response(200, SegmentDetailSchema())
@needs("segments.read")
def show_segment(segment_id: UUID) -> dict[str, Any]:
    """A segment with its members as they are now, how far it is built, and who goes by it."""
    now = clock.now()
    with transaction() as session:
        segment = saved.find(session, segment_id)
        shown = {name: getattr(segment, name) for name in SegmentSchema().fields}
        return shown | {
            "members": membership.count(connection_of(session), segment_id),
            "counted_at": now,
            "built_share": 1.0 if segment.status == LIVE else segment.built_slots / SLOTS,
            "used_by": uses.of(session, segment_id, segment.key),
        }


@blueprint.put("/segments/<uuid:segment_id>")
@blueprint.arguments(SegmentChangeSchema())
@blueprint.response(200, SegmentSchema())
@needs("segments.write")
def change_segment(args: dict[str, Any], segment_id: UUID) -> Segment:
    """Write a segment anew. Until everybody was judged again, those who were not go by what it was before."""
    with transaction() as session:
        return saved.change(session, segment_id, **args, actor=principals.current().name, now=clock.now())


@blueprint.delete("/segments/<uuid:segment_id>")
@blueprint.response(204)
@needs("segments.write")
def archive_segment(segment_id: UUID) -> None:
    """Follow a segment no longer. Its key stays taken."""
    with transaction() as session:
        saved.archive(session, segment_id, actor=principals.current().name, now=clock.now())


@blueprint.get("/segments/<uuid:segment_id>/members")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(MemberSchema))
@needs("segments.read")
def list_members(args: dict[str, Any], segment_id: UUID) -> dict[str, Any]:
    """Who is in a segment, and since when; in no order that means anything."""
    position = decode_cursor(args["cursor"], int, UUID)
    after = (position[0], position[1]) if position else None
    with transaction() as session:
        saved.find(session, segment_id)
        found = membership.listed(connection_of(session), segment_id, after=after, limit=args["limit"] + 1)
    shown = found[: args["limit"]]
    last = (shown[-1][0], shown[-1][1].customer_id) if len(found) > len(shown) else None
    return {"items": [member for _, member in shown], "next_cursor": encode_cursor(*last) if last else None}


@blueprint.get("/customers/<uuid:customer_id>/segments")
@blueprint.response(200, page_of(StandingSchema))
@needs("segments.read")
def list_segments_of_customer(customer_id: UUID) -> dict[str, Any]:
    """The segments that a customer is in."""
    with transaction() as session:
        customers.find(session, customer_id)
        return {"items": membership.of_customer(connection_of(session), customer_id), "next_cursor": None}


@blueprint.get("/customers/<uuid:customer_id>/segments/<uuid:segment_id>")
@blueprint.response(200, ExplainedSchema())
@needs("segments.read")
def explain_segment_of_customer(customer_id: UUID, segment_id: UUID) -> Explained:
    """Why a customer is in a segment, or is not: each condition with what it asks for and what is."""
    with transaction() as session:
        customers.find(session, customer_id)
        return explaining.explain(session, customer_id, segment_id, clock.now())
