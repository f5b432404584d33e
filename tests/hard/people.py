"""How many people the hard tests are about: a thousand, or with ``HOLDFAST_PEOPLE`` as many as it says."""

import os

PEOPLE = int(os.environ.get("HOLDFAST_PEOPLE", "1000"))
