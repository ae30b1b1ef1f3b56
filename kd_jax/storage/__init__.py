"""What is kept on disk: checkpoints, caches, records and run folders."""
