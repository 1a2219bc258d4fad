"""Workbooks and CSV files in a folder, as sources."""
