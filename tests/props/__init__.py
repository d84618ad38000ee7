"""What the tests and the benchmarks play with: fakes, a stage of many sites, NATS servers, a private Tor network."""
