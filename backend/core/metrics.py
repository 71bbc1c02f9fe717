"""Prometheus metrics for ``/metrics``."""

from prometheus_client import Counter, Gauge, Histogram

requests = Histogram("camp_request_seconds", "Time to answer a request", ["method", "route", "status"])
rate_limits = Counter(
    "camp_rate_limit_total", "Requests that the rate limit refused, or let pass unchecked without Redis", ["outcome"]
)
webhooks = Counter("camp_webhook_total", "Notifications received, by what became of them", ["topic", "outcome"])
jobs = Counter("camp_job_total", "Scheduled jobs run", ["name", "outcome"])
refunds = Counter("camp_refund_total", "Refunds, by the state they reached", ["status"])
ledger_imbalance_fen = Gauge("camp_ledger_imbalance_fen", "Sum of all ledger entries; anything but 0 is an alarm")
