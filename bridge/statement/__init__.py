"""The statement of a period: 对账单."""
