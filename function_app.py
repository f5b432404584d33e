"""Azure's front door: registers the triggers, nothing else."""

import azure.functions as func

from functions import (
    health,
    lifecycle,
    notifications,
    poison,
    purge,
    reconcile,
    repair,
    subscriptions,
    summaries,
    sweep,
)

app = func.FunctionApp()
for module in (health, lifecycle, notifications, poison, purge, reconcile, repair, subscriptions, summaries, sweep):
    app.register_functions(module.bp)
