"""Remember: the append-only log and its Merkle tree."""
