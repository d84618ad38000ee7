"""Everything that touches the world: sockets, files, the clock, other programs."""
