"""A picture of spheres in the fog, rendered tile by tile."""
