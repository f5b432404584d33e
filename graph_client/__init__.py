"""How we reach Microsoft 365: the only room that speaks Microsoft Graph. ``connect.connect`` is its door."""
