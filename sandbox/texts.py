"""Event bodies: the HTML that Outlook makes of what it is sent, and the plain text of it."""

from __future__ import annotations

import html
import re
from functools import lru_cache

PREVIEW = 255
"""Characters of ``bodyPreview``."""

_HEAD = '<html><head>\r\n<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
_WHOLE = re.compile(r"<html[\s>]", re.IGNORECASE)
_UNSEEN = re.compile(r"<(head|style|script)\b.*?</\1>", re.IGNORECASE | re.DOTALL)
_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|tr|h[1-6])>", re.IGNORECASE)
_MARKUP = re.compile(r"<[^>]*>")


@lru_cache(maxsize=4096)
def as_html(content: str, *, plain: bool) -> str:
    """A body as Graph answers it: a whole page, whatever was sent, so that comparing it with that always differs."""
    if not content:
        return ""
    if plain:
        lines = html.escape(content, quote=False).replace("\n", "<br>\r\n")
        content = f'<div class="PlainText">{lines}</div>'
    elif _WHOLE.search(content):
        return content
    return f"{_HEAD}</head><body>{content}</body></html>"


@lru_cache(maxsize=4096)
def as_text(content: str) -> str:
    """The plain text of a body."""
    seen = _BREAK.sub("\n", _UNSEEN.sub("", content))
    lines = html.unescape(_MARKUP.sub("", seen)).splitlines()
    return "\r\n".join(line.strip() for line in lines if line.strip())
