"""What a month costs in Azure: `python -m benchmarks.cost` prints the table that stands in docs/cost.md.

Work is told in figures that were measured here or follow from the design; prices are inputs, because they change.
"""

from __future__ import annotations

from dataclasses import dataclass

HOURS = 730
"""Hours in a month, as Azure bills them."""

SHARD = 20
LATENCY = 0.3
"""Seconds that Graph takes for a call, assumed; a shard's calls are worked on four at a time in a batch."""

CPU_OF_A_MAILBOX = 0.0010
"""Seconds of processor time for looking at a mailbox in an idle sweep: benchmarks/README.md and load.md, rounded up."""

CALLS_IN_A_SWEEP = 1.0
"""Graph calls for a mailbox in an idle sweep (benchmarks/README.md): one for the dates of each series."""

STATE_IN_A_SWEEP = 3.35
"""Requests to tables for a mailbox in an idle sweep (benchmarks/load.md)."""

HINTS = 150
"""Notifications for a mailbox in a month, assumed: some seven on a working day, for meetings that come or move."""

LOOKS = 0.3
"""The share of hints after which a calendar is looked at; the rest are about other days, or told twice."""

CALLS_OF_A_HINT, CALLS_OF_A_LOOK = 1.0, 1.0
STATE_OF_A_HINT = 5.0
SECONDS_OF_A_POST, SECONDS_OF_A_HINT = 0.05, 0.8
"""What a function lasts that answers Graph, and one that follows a hint: mostly waiting for one or two calls."""

RENEWALS = 9.0
"""Renewals of a subscription in a month: about every three and a half days."""

MEMORY = 2.0
"""GB of an instance (infra/app/app.bicep)."""

AT_ONCE = 4
"""Messages that an instance works on at a time (host.json): each costs a fourth of an instance's time."""


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars, East US, by Azure's public price list as known in 2025; yours are in the price calculator."""

    gb_second: float = 0.000026
    free_gb_seconds: float = 100_000
    million_executions: float = 0.40
    free_executions: float = 250_000
    ready_gb_second: float = 0.000004
    table_10k: float = 0.00036
    queue_10k: float = 0.0004
    logs_gb: float = 2.30


@dataclass(frozen=True, slots=True)
class Month:
    """What happens in a month, and what it costs in dollars."""

    people: int
    notified: bool
    prices: Prices = Prices()

    @property
    def shards(self) -> float:
        """Shards in a month of hourly sweeps."""
        return HOURS * self.people / SHARD

    @property
    def seconds_of_a_shard(self) -> float:
        """A batch of twenty calls takes five rounds of four; tables and the processor come on top."""
        return SHARD * CALLS_IN_A_SWEEP / 4 * LATENCY + SHARD * CPU_OF_A_MAILBOX + 0.3

    @property
    def hints(self) -> float:
        """Notifications that are followed."""
        return self.people * HINTS if self.notified else 0.0

    @property
    def sweep_minutes(self) -> float:
        """How long a sweep takes on one instance."""
        return self.people / SHARD * self.seconds_of_a_shard / AT_ONCE / 60

    @property
    def graph_calls(self) -> float:
        """Calls in a month."""
        swept = HOURS * self.people * CALLS_IN_A_SWEEP
        renewed = self.people * RENEWALS if self.notified else 0.0
        return swept + self.hints * (CALLS_OF_A_HINT + LOOKS * CALLS_OF_A_LOOK) + renewed

    @property
    def executions(self) -> float:
        """Functions that are called: a shard, a post of Graph and a hint each, timers besides."""
        return self.shards + 2 * self.hints + HOURS * (12 + 6 + 4 + 1)

    @property
    def gb_seconds(self) -> float:
        """Time of instances times their memory."""
        busy = self.shards * self.seconds_of_a_shard / AT_ONCE
        busy += self.hints * (SECONDS_OF_A_POST + SECONDS_OF_A_HINT / AT_ONCE)
        return busy * MEMORY

    @property
    def costs(self) -> dict[str, float]:
        """Dollars, by what for."""
        prices = self.prices
        tables = HOURS * self.people * STATE_IN_A_SWEEP + self.hints * STATE_OF_A_HINT
        queues = 3 * (self.shards + self.hints)
        logs = self.executions * 600 / 1e9
        return {
            "time": max(0.0, self.gb_seconds - prices.free_gb_seconds) * prices.gb_second,
            "executions": max(0.0, self.executions - prices.free_executions) / 1e6 * prices.million_executions,
            "ready": HOURS * 3600 * MEMORY * prices.ready_gb_second if self.notified else 0.0,
            "tables": tables / 1e4 * prices.table_10k,
            "queues": queues / 1e4 * prices.queue_10k,
            "logs": logs * prices.logs_gb,
        }


def main() -> None:
    """Print the table."""
    names = ["time", "executions", "ready", "tables", "queues", "logs"]
    print(
        "| people | told by Graph | a sweep on one instance, min | Graph calls | executions | GB-s | "
        + " | ".join(f"{name}, $" for name in names)
        + " | in all, $ | a person, cents |"
    )
    print("| ---: | --- | ---: | ---: | ---: | ---: |" + " ---: |" * (len(names) + 2))
    for people in (1_000, 10_000, 100_000):
        for notified in (False, True):
            month = Month(people, notified)
            total = sum(month.costs.values())
            shown = " | ".join(f"{month.costs[name]:,.2f}" for name in names)
            print(
                f"| {people:,} | {'yes' if notified else 'sweeps only'} | {month.sweep_minutes:,.1f} | "
                f"{month.graph_calls / 1e6:,.1f} M | {month.executions / 1e6:,.2f} M | "
                f"{month.gb_seconds / 1e3:,.0f} k | "
                f"{shown} | {total:,.2f} | {total / people * 100:.2f} |"
            )


if __name__ == "__main__":
    main()
