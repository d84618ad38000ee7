"""The command line: reads flags, calls one function, prints, returns an exit code."""
