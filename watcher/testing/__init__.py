"""Simulators that ship with the package: a leak site that plays a script, a SOCKS5 proxy, a private Tor network."""
