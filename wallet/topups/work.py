"""The due work of top-ups. Each may be done twice: the provider charges and gives back once a reference."""

from functools import partial

from core.gateways.payments import PaymentGateway
from core.work import Work
from wallet.topups import automatic, clawbacks, finishing, notices, refunds


def work(gateway: PaymentGateway) -> list[Work]:
    return [
        Work("wallet.topups", partial(finishing.finish_due, gateway)),
        Work("wallet.topup_refunds", partial(refunds.finish_due, gateway)),
        Work("wallet.topup_notices", notices.take_waiting),
        Work("wallet.clawbacks", clawbacks.bring_due_into_line),
        Work("wallet.auto_topups", partial(automatic.charge_due, gateway)),
    ]
