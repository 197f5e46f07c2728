"""What goes over the wire: commands in, events out, and the numbers that explain a refusal."""
