"""What marketing staff do with many vouchers at once: have codes made, bring codes, take them out, publish."""

from typing import Any
from uuid import UUID

from flask import Response, current_app, request
from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import bodies, idempotent, pages, pictures, principals
from core.web.doors import needs
from core.web.schemas import PageArgs, page_of
from rewards.vouchers import batches, blocking, exports, posters, uploads
from rewards.vouchers.api.schemas import (
    BlockedVoucherSchema,
    CodeBatchArgsSchema,
    CodeBatchListSchema,
    CodeBatchSchema,
    ImportArgsSchema,
    MailingArgsSchema,
)
from rewards.vouchers.blocking import Blocked
from rewards.vouchers.errors import ImportMediaUnknown
from rewards.vouchers.models import CodeBatch
from rewards.vouchers.uploads import Upload
from wallet.documents import csv

blueprint = Blueprint("voucher_batches", __name__, description="Codes and vouchers in bulk")

_BINARY = {"type": "string", "format": "binary"}


@blueprint.post("/campaigns/<uuid:campaign_id>/code-batches")
@blueprint.arguments(CodeBatchArgsSchema())
@blueprint.response(201, CodeBatchSchema())
@idempotent.documented
@needs("campaigns.write")
def make_codes(args: dict[str, Any], campaign_id: UUID) -> Response:
    """Have up to a million codes made, each for one use by whoever holds it; workers make them while you watch."""
    actor, source, now = principals.current().name, _source("codes"), clock.now()
    return idempotent.command(
        lambda session: batches.ask_for_codes(
            session, campaign_id=campaign_id, **args, source=source, actor=actor, now=now
        ),
        schema=CodeBatchSchema(),
    )


@blueprint.post("/campaigns/<uuid:campaign_id>/code-imports")
@bodies.up_to(uploads.MOST_BYTES)
@blueprint.arguments(ImportArgsSchema(), location="query")
@blueprint.response(201, CodeBatchSchema())
@blueprint.doc(requestBody={"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}})
@idempotent.documented
@needs("campaigns.write")
def import_codes(args: dict[str, Any], campaign_id: UUID) -> CodeBatch:
    """Import up to 100,000 codes of your own as CSV, one on each line; workers write them while you watch."""
    if request.mimetype != "text/csv":
        raise ImportMediaUnknown
    upload = Upload(
        campaign_id=campaign_id,
        data=request.get_data(),
        mode=args["mode"],
        source=_source("import"),
        actor=principals.current().name,
        request_key=idempotent.key(),
    )
    return uploads.take(upload, now=clock.now())


@blueprint.post("/campaigns/<uuid:campaign_id>/mailings")
@blueprint.arguments(MailingArgsSchema())
@blueprint.response(201, CodeBatchSchema())
@idempotent.documented
@needs("campaigns.write")
def publish_to_audience(args: dict[str, Any], campaign_id: UUID) -> Response:
    """Give each customer of an audience a voucher; workers give them while the campaign runs."""
    actor, source, now = principals.current().name, _source("mailing"), clock.now()
    return idempotent.command(
        lambda session: batches.ask_for_mailing(
            session, campaign_id=campaign_id, **args, source=source, actor=actor, now=now
        ),
        schema=CodeBatchSchema(),
    )


@blueprint.get("/campaigns/<uuid:campaign_id>/code-batches")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(CodeBatchListSchema))
@needs("campaigns.read")
def list_code_batches(args: dict[str, Any], campaign_id: UUID) -> dict[str, Any]:
    """A campaign's batches, imports and mailings, latest first."""
    before, limit = pages.before(args["cursor"]), args["limit"]
    with transaction() as session:
        found = batches.page(session, campaign_id, before=before, limit=limit + 1)
    return pages.page(found, limit)


@blueprint.get("/code-batches/<uuid:batch_id>")
@blueprint.response(200, CodeBatchSchema())
@needs("campaigns.read")
def show_code_batch(batch_id: UUID) -> CodeBatch:
    """How far a batch, import or mailing has come, and what was refused."""
    with transaction() as session:
        return batches.find(session, batch_id)


@blueprint.get("/code-batches/<uuid:batch_id>/codes.csv")
@blueprint.response(200, _BINARY, content_type="text/csv")
@needs("codes.export")
def export_codes(batch_id: UUID) -> Response:
    """The codes of a batch for a printer; who took them out is noted."""
    now = clock.now()
    with transaction() as session:
        exports.begin(session, batch_id, actor=principals.current().name, now=now)
    response = Response(exports.parts(batch_id, now=now), content_type=csv.CONTENT_TYPE)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Disposition"] = f'attachment; filename="codes-{batch_id}.csv"'
    return response


@blueprint.get("/vouchers/<uuid:voucher_id>/poster.png")
@blueprint.response(200, _BINARY, content_type="image/png")
@needs("campaigns.read")
def show_poster(voucher_id: UUID) -> Response:
    """A generic code's QR for a poster: it opens the code's page, also for people who have no app yet."""
    public_url = current_app.extensions["settings"].public_url
    with transaction() as session:
        link = posters.link(session, voucher_id, public_url=public_url, now=clock.now())
    return Response(pictures.qr_png(link), content_type="image/png")


@blueprint.put("/vouchers/<uuid:voucher_id>/block")
@blueprint.response(200, BlockedVoucherSchema())
@needs("campaigns.write")
def block_voucher(voucher_id: UUID) -> Blocked:
    """Block a voucher that was lost, stolen or given by mistake, for good."""
    with transaction() as session:
        return blocking.block(session, voucher_id, actor=principals.current().name, now=clock.now())


def _source(deed: str) -> str:
    return f"{deed}:{principals.current().name}:{idempotent.key()}"
