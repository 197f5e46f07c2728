"""`chat nodes`: the workers that live, for people, scripts and balancers."""
