"""What is asked, or told, outside the cluster: the pre-publish hook and the word filter."""
