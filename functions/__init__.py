"""When things run: one module per Azure Functions trigger. Parse, call a job, answer; no logic here."""
