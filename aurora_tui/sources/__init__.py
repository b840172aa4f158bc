"""Look: sources turn what systems answer into observations, each with its freshness."""
