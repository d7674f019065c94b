"""A provider's yes or no to a service (SPEC.md section 9.8)."""

from dataclasses import replace
from typing import Any

import pytest

from fogbank_agent.market.orders import OrderId
from fogbank_agent.market.reasons import Reason
from fogbank_agent.market.service_bidding import ServiceSituation, answer_service_order
from fogbank_agent.market.service_bids import ServiceBid, ServiceDecline

from .objects import BEN
from .test_bidding import IDLE, PRICES
from .test_charges import ORDER

NAMED = OrderId(b"o" * 32)
FREE = ServiceSituation(usual=IDLE, warm_price=5, services=0, services_max=1)


def test_a_free_provider_bids_its_prices() -> None:
    answer = answer_service_order(ORDER, NAMED, BEN.node_id, PRICES, FREE)
    assert isinstance(answer, ServiceBid)
    assert (answer.price, answer.start_price, answer.warm_price) == (100, 1, 5)


@pytest.mark.parametrize(
    ("order", "usual", "situation", "reason"),
    [
        ({}, {}, {"services": 1}, Reason.BUSY),
        ({}, {"running": 2}, {}, Reason.BUSY),
        ({}, {}, {"services_max": 0}, Reason.CANNOT_EXECUTE),
        ({"warm_price_max": 4}, {}, {}, Reason.PRICE_TOO_LOW),
        ({"price_max": 99}, {}, {}, Reason.PRICE_TOO_LOW),
        ({}, {"room": 0}, {}, Reason.NO_CHANNEL_FUNDS),
        ({}, {"debt": 1_001}, {}, Reason.REQUESTOR_IN_DEBT),
        ({}, {"paused": True}, {}, Reason.PAUSED),
        ({}, {"unwilling": (Reason.TOO_HOT,)}, {}, Reason.TOO_HOT),
        ({"memory_bytes_max": (1 << 27) + 1}, {}, {}, Reason.TOO_SMALL_MEMORY),
        ({"fuel_max": 10**12 + 1}, {}, {}, Reason.FUEL_TOO_HIGH),
        ({"weights": 2}, {}, {}, Reason.UNKNOWN_WEIGHTS),
    ],
)
def test_every_no_has_its_reason(
    order: dict[str, Any], usual: dict[str, Any], situation: dict[str, Any], reason: Reason
) -> None:
    told = replace(FREE, usual=replace(IDLE, **usual), **situation)
    answer = answer_service_order(replace(ORDER, **order), NAMED, BEN.node_id, PRICES, told)
    assert answer == ServiceDecline(provider=BEN.node_id, order_id=NAMED, reasons=[reason])
