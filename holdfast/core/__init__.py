"""What is right: pure decisions over frozen values. No network, clock, file, randomness or async."""
