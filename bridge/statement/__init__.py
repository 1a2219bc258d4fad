"""What an auditor reads: the report of a moment, and the statement of a period, 对账单."""
