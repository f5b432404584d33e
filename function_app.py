"""Azure's front door: registers the triggers, nothing else."""

import azure.functions as func

from functions import (
    apply,
    health,
    lifecycle,
    notifications,
    plan,
    poison,
    purge,
    reconcile,
    repair,
    status,
    subscriptions,
    summaries,
    sweep,
)

app = func.FunctionApp()
for module in (
    apply,
    health,
    lifecycle,
    notifications,
    plan,
    poison,
    purge,
    reconcile,
    repair,
    status,
    subscriptions,
    summaries,
    sweep,
):
    app.register_functions(module.bp)
