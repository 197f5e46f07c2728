"""What brings chat onto machines: images, stacks, manifests, dashboards."""
