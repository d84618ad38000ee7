"""Pure: same input, same output. No clock, file, socket, log or random here."""
