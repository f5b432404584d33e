"""``sandbox`` and ``demo``: a pretend tenant to try everything on, in a process of its own.

The product is told where the tenant is by the environment alone, exactly as it is told of a real one.
"""

from __future__ import annotations


