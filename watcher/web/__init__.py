"""The web page, its API and feeds."""
