"""Experiments: one file per paper or table. `./run.sh --help` lists them."""
