"""A storage account for the functions, for who asks for one."""

from tests.azurite import azurite

__all__ = ["azurite"]
