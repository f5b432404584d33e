"""The parameters of Graph's actions: what stands in the body of a POST that is no object of Graph's."""

from __future__ import annotations

from typing import Any

from sandbox.errors import bad_body
from sandbox.parsing import typed
from sandbox.schema import ACTIONS, Writable


def parameters(action: str, body: object) -> dict[str, Any]:
    """What a body says, by the names of ``ACTIONS``. Raises a 400 for a parameter or value that Graph does not know."""
    if not isinstance(body, dict):
        raise bad_body(f"The parameters of '{action}' are not a JSON object.")
    known = {name.lower(): name for name in ACTIONS[action]}
    made: dict[str, Any] = {}
    for given, value in body.items():
        name = known.get(given.lower())
        if name is None:
            raise bad_body(f"The parameter '{given}' in the request payload is not a valid parameter for '{action}'.")
        if name in made:
            raise bad_body(f"The parameter '{name}' is given more than once.")
        made[name] = typed(ACTIONS[action][name], value, name, Writable.ON_CREATE)
    return made
