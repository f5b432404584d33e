from tests.azurite import azurite

__all__ = ["azurite"]
