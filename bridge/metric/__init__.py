"""What a machine measures of a deployment."""
