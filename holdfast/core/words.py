"""What people read in their calendar, in Swedish and English."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from holdfast.core.settings import Language

CATEGORY = {Language.SV: "Lärande", Language.EN: "Learning"}
"""The Outlook category of every block."""

_WHY = {
    Language.SV: "Det här är din lärtid. {organization} har satt av den så att lärandet får plats varje vecka, "
    "inte bara när det blir tid över.",
    Language.EN: "This is your learning time. {organization} has set it aside so that learning has its place every "
    "week, not only when there is time left over.",
}
_GOALS = {Language.SV: "Målen den hjälper oss att nå:", Language.EN: "The goals it helps us reach:"}
_FREEDOM = {
    Language.SV: "Krockar det en vecka? Flytta eller ta bort just det tillfället; resten ligger kvar. "
    "Anteckningar du skriver i ett tillfälle är dina egna.",
    Language.EN: "Does it clash one week? Move or delete just that occurrence; the rest stay. "
    "Notes you write in an occurrence are your own.",
}
_OPT_OUT = {
    Language.SV: "Vill du inte ha lärtiden alls? Säg till den som ansvarar för lärande hos er, så tas den bort framåt.",
    Language.EN: "Would you rather not have it at all? Tell whoever is responsible for learning, "
    "and it is taken away from then on.",
}


def body(language: Language, organization: str, goals: Sequence[str]) -> str:
    """The HTML body of a block: why it is there, which goals it serves, what one may do with it, how to opt out."""
    parts = [_WHY[language].format(organization=escape(organization))]
    if goals:
        items = "".join(f"<li>{escape(goal)}</li>" for goal in goals)
        parts.append(f"{_GOALS[language]}</p><ul>{items}</ul><p>{_FREEDOM[language]}")
    else:
        parts.append(_FREEDOM[language])
    parts.append(_OPT_OUT[language])
    return "".join(f"<p>{part}</p>" for part in parts)
