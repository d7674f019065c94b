"""The names of the market's calls (SPEC.md section 9), and what signing adds to a body."""

OFFER_METHOD = "market.offer"
OFFERS_METHOD = "market.offers"
ORDER_METHOD = "market.order"
RUN_METHOD = "market.run"
REVEAL_METHOD = "market.reveal"
SETTLE_METHOD = "market.settle"
CLOSE_METHOD = "market.close"
SERVICE_METHOD = "market.service"
SERVE_METHOD = "market.serve"
CALL_METHOD = "market.call"
STOP_METHOD = "market.stop"
DISPUTE_METHOD = "dispute.open"
TRACE_METHOD = "dispute.trace"
STATE_METHOD = "dispute.state"

SIGNED_OVERHEAD_BYTES = 128
"""A signature, and what the encoding of [body, signature] adds, rounded up (section 2.3)."""
