"""Tells, and proves, that an entry on a leak site was listed, changed or withdrawn."""

__version__ = "0.1.0"
