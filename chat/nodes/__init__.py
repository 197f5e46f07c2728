"""`chat nodes`: the workers that live, for people and scripts."""
