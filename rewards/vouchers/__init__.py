"""Vouchers: coupons and gift cards that customers hold, and codes that anyone may show."""

from rewards.vouchers.issuing import Issue, Voucher, issue, issue_all, issue_each, issue_later

__all__ = ["Issue", "Voucher", "issue", "issue_all", "issue_each", "issue_later"]
