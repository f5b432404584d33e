"""Holdfast: protected, recurring learning time in the calendars of a Microsoft 365 tenant."""
