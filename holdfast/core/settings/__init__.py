"""YAML text to ``Settings``, or every problem in it at once with line and column.

``parse`` is the door in, ``dump`` the way back; pydantic lives in this package only.
"""

from __future__ import annotations

from holdfast.core.model import Overlap, Protection
from holdfast.core.settings.channels import AgendaPack, Channel, Login, Post, Via
from holdfast.core.settings.fields import Language
from holdfast.core.settings.goals import Goal, Resource
from holdfast.core.settings.holidays import Holidays
from holdfast.core.settings.leaders import LeaderMessage
from holdfast.core.settings.model import (
    Audience,
    Block,
    BlockZone,
    Cloud,
    Credential,
    Guard,
    HolidayRule,
    Mode,
    Organization,
    OutsideHours,
    Privacy,
    Settings,
    Sweep,
    SweepEvery,
    Tenant,
    Within,
)
from holdfast.core.settings.parsing import ENVIRONMENT, parse
from holdfast.core.settings.problems import Problem, SettingsError
from holdfast.core.settings.recurring import Day, Every, Quietest, Unit
from holdfast.core.settings.schema import dump, fingerprint, json_schema

__all__ = [
    "ENVIRONMENT",
    "AgendaPack",
    "Audience",
    "Block",
    "BlockZone",
    "Channel",
    "Cloud",
    "Credential",
    "Day",
    "Every",
    "Goal",
    "Guard",
    "HolidayRule",
    "Holidays",
    "Language",
    "LeaderMessage",
    "Login",
    "Mode",
    "Organization",
    "OutsideHours",
    "Overlap",
    "Post",
    "Privacy",
    "Problem",
    "Protection",
    "Quietest",
    "Resource",
    "Settings",
    "SettingsError",
    "Sweep",
    "SweepEvery",
    "Tenant",
    "Unit",
    "Via",
    "Within",
    "dump",
    "fingerprint",
    "json_schema",
    "parse",
]
