"""A world to practise in, all on loopback: a leak site that plays a script, a SOCKS5 proxy, a private Tor network."""
