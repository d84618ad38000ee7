"""A world to practise in, all on loopback: a leak site that plays a script, and a SOCKS5 proxy."""
