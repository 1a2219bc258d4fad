"""What a store holds, kept over time."""
