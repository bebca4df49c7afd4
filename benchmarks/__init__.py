"""What the platform costs, each figure beside its peer in the same run. Nothing here is imported by the platform."""
