"""``sandbox`` and ``demo``: a pretend tenant to try everything on, in a process of its own.

The product is told where the tenant is by the environment alone, exactly as it is told of a real one.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from holdfast.cli.console import Exit, out, stop
from holdfast.cli.init import example
from holdfast.core.settings import Language
