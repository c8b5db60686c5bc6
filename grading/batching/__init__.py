"""Essays that ride in batches: what to do next (`plan`), and the rows that say how far it has come (`store`)."""
