"""Azure's front door: registers the triggers, nothing else."""

import azure.functions as func

from functions import health, summaries, sweep

app = func.FunctionApp()
app.register_functions(health.bp)
app.register_functions(summaries.bp)
app.register_functions(sweep.bp)
